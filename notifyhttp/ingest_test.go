package notifyhttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// door is an Ingest with a key of the tenant acme, for billing.
type door struct {
	*site
	store *memory.Store
	keys  *Keys
	key   notify.IngestKey
	token string
}

func newDoor(t *testing.T, opts *IngestOptions) *door {
	t.Helper()
	d := &door{site: &site{t: t}, store: memory.New(nil)}
	var err error
	d.n, err = notify.New(d.store, &notify.Options{
		Providers: notify.Providers{{ID: "billing"}, {ID: "chat"}},
		Audiences: map[string]notify.Audience{"all": everybody{}},
	})
	require.NoError(t, err)
	d.keys, err = NewKeys(d.store)
	require.NoError(t, err)
	d.key, d.token, err = d.keys.Create(t.Context(), "acme", "CRM", "billing", "ghost")
	require.NoError(t, err)
	d.handler = Ingest(d.n, d.keys.Who, opts)
	return d
}

type everybody struct{}

func (everybody) Members(context.Context, string, string, int) ([]string, error) { return nil, nil }

func (d *door) post(body string, headers ...string) answer {
	d.t.Helper()
	return d.do("POST", "/ingest/v1/notifications", body, append([]string{"Authorization", "Bearer " + d.token, "X-User", ""}, headers...)...)
}

func (d *door) titles(user string) []string {
	d.t.Helper()
	page, err := d.n.Inbox(notify.Recipient{Tenant: "acme", ID: user}).Page(d.t.Context(), notify.Query{})
	require.NoError(d.t, err)
	titles := []string{}
	for _, it := range page.Items {
		titles = append(titles, it.Notification.Title)
	}
	return titles
}

func TestIngest_storesWhatComes(t *testing.T) {
	d := newDoor(t, nil)
	got := d.post(`{"provider":"billing","to":["ann","bob"],"title":"Invoice 17","body":"Due","rows":[{"label":"Sum","text":"12"}],
		"icon_url":"https://crm.example/i.png","link":"https://crm.example/17","actions":[{"key":"pay","title":"Pay","href":"https://crm.example/pay"}],
		"data":{"b":1,"a":[2]},"collapse_key":"c","entity":"invoice/17","actor":"carl","priority":"high","silent":false,
		"occurred_at":"2026-01-02T03:04:05Z","expires_at":"2999-01-01T00:00:00+02:00"}`, "Idempotency-Key", "k1")
	require.Equal(t, http.StatusAccepted, got.Code, "%s", got.Body)
	page, err := d.n.Inbox(notify.Recipient{Tenant: "acme", ID: "bob"}).Page(t.Context(), notify.Query{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	note := page.Items[0].Notification
	assert.Equal(t, notify.Notification{
		Tenant: "acme", Provider: "billing", Title: "Invoice 17", Body: "Due", Rows: []notify.Row{{Label: "Sum", Text: "12"}},
		URL: "https://crm.example/17", Icon: "https://crm.example/i.png", Actions: []notify.Action{{Key: "pay", Title: "Pay", URL: "https://crm.example/pay"}},
		Data: json.RawMessage(`{"b":1,"a":[2]}`), Key: "k1", CollapseKey: "c", Entity: "invoice/17", Actor: notify.Recipient{Tenant: "acme", ID: "carl"},
		Priority: notify.High, OccurredAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ExpiresAt: time.Date(2998, 12, 31, 22, 0, 0, 0, time.UTC),
	}, note)
	assert.Equal(t, string(page.Items[0].NotificationID), got.json()["id"])
}

func TestIngest_worksBehindAStrippedPrefix(t *testing.T) {
	d := newDoor(t, nil)
	for _, prefix := range []string{"/ingest", "/ingest/"} {
		inner := d.handler
		d.handler = http.StripPrefix(prefix, inner)
		got := d.post(`{"provider":"billing","to":["ann"],"title":"one"}`)
		assert.Equal(t, http.StatusAccepted, got.Code, "%s: %s", prefix, got.Body)
		d.handler = inner
	}
}

func TestIngest_isSafeToRepeat(t *testing.T) {
	d := newDoor(t, nil)
	body := `{"provider":"billing","to":["ann"],"title":"once"}`
	var answers sync.WaitGroup
	ids := make([]string, 20)
	for i := range ids {
		answers.Go(func() {
			got := d.post(body, "Idempotency-Key", "k")
			if assert.Equal(t, http.StatusAccepted, got.Code) {
				ids[i] = got.json()["id"].(string)
			}
		})
	}
	answers.Wait()
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(ids))), 1)
	assert.Equal(t, []string{"once"}, d.titles("ann"))
	again := d.post(body, "Idempotency-Key", "k")
	assert.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	d.post(`{"provider":"billing","to":["ann"],"title":"other"}`, "Idempotency-Key", "k").problem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	assert.Equal(t, []string{"once"}, d.titles("ann"))
}

func TestIngest_refusesByField(t *testing.T) {
	d := newDoor(t, &IngestOptions{MaxRecipients: 2})
	for body, pointer := range map[string]string{
		`{"provider":"billing","to":["ann"],"title":""}`:                                                                          "/title",
		`{"provider":"billing","to":[],"title":"x"}`:                                                                              "/to",
		`{"provider":"billing","to":["ann",""],"title":"x"}`:                                                                      "/to/1",
		`{"provider":"billing","to":["a","b","c"],"title":"x"}`:                                                                   "/to",
		`{"provider":"billing","audience":"all","title":"x"}`:                                                                     "/audience",
		`{"to":["ann"],"title":"x"}`:                                                                                              "/provider",
		`{"provider":"ghost","to":["ann"],"title":"x"}`:                                                                           "/provider",
		`{"provider":"billing","to":["ann"],"title":"x","link":"javascript:alert(1)"}`:                                            "/link",
		`{"provider":"billing","to":["ann"],"title":"x","icon_url":"data:x"}`:                                                     "/icon_url",
		`{"provider":"billing","to":["ann"],"title":"x","actions":[{"key":"a","title":"A","href":"javascript:1"}]}`:               "/actions/0/href",
		`{"provider":"billing","to":["ann"],"title":"x","rows":[{"text":"a\u0000"}]}`:                                             "/rows/0/text",
		`{"provider":"billing","to":["ann"],"title":"x","priority":"urgent"}`:                                                     "/priority",
		`{"provider":"billing","to":["ann"],"title":"x","not_before":"2030-01-02T00:00:00Z","expires_at":"2030-01-01T00:00:00Z"}`: "/not_before",
		`{"provider":"billing","to":["ann"],"title":"x","channels":["email"]}`:                                                    "/channels",
		`{"provider":"billing","to":"ann","title":"x"}`:                                                                           "/to",
		`{"provider":"billing","to":["ann"],"title":"x","collapse_key":"` + strings.Repeat("k", 191) + `"}`:                       "/collapse_key",
	} {
		got := d.post(body)
		require.Equal(t, http.StatusUnprocessableEntity, got.Code, "%s: %s", body, got.Body)
		var p Problem
		require.NoError(t, json.Unmarshal(got.Body.Bytes(), &p))
		require.Len(t, p.Errors, 1, body)
		assert.Equal(t, pointer, p.Errors[0].Pointer, body)
	}
	d.post(`{"provider":"chat","to":["ann"],"title":"x"}`).problem(http.StatusForbidden, "provider-not-allowed")
	d.post(`{"provider":"nobody","to":["ann"],"title":"x"}`).problem(http.StatusForbidden, "provider-not-allowed")
	assert.Empty(t, d.titles("ann"))
}

func TestIngest_isBounded(t *testing.T) {
	d := newDoor(t, &IngestOptions{MaxBody: 1000})
	d.post(`{"provider":"billing","to":["ann"],"title":"x","body":"`+strings.Repeat("a", 1000)+`"}`).problem(http.StatusRequestEntityTooLarge, "too-large")
	d.post(`{"provider":"billing","data":`+strings.Repeat("[", 500)+strings.Repeat("]", 400)+`}`).problem(http.StatusBadRequest, "too-deep")
	d.do("GET", "/ingest/v1/notifications", "").problem(http.StatusMethodNotAllowed, "method-not-allowed")
	d.do("POST", "/ingest/v1/nothing", "{}").problem(http.StatusNotFound, "not-found")
}

func TestIngest_limitsEachIntegration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, &IngestOptions{PerSecond: 2, Burst: 3})
		body := `{"provider":"billing","to":["ann"],"title":"x"}`
		for range 3 {
			require.Equal(t, http.StatusAccepted, d.post(body).Code)
		}
		got := d.post(body)
		got.problem(http.StatusTooManyRequests, "too-many-requests")
		assert.Equal(t, "1", got.Header().Get("Retry-After"))
		_, other, err := d.keys.Create(t.Context(), "globex", "Other", "billing")
		require.NoError(t, err)
		assert.Equal(t, http.StatusAccepted, d.post(body, "Authorization", "Bearer "+other).Code, "another one is not held up")
		time.Sleep(time.Second)
		assert.Equal(t, http.StatusAccepted, d.post(body).Code)
	})
}

func TestIngest_withdrawsInItsOwnName(t *testing.T) {
	d := newDoor(t, nil)
	d.post(`{"provider":"billing","to":["ann"],"title":"mine","entity":"e"}`, "Idempotency-Key", "k")
	_, err := d.n.Send(t.Context(), notify.Notification{Provider: "chat", To: []notify.Recipient{{Tenant: "acme", ID: "ann"}}, Title: "theirs", Entity: "e"})
	require.NoError(t, err)
	post := func(body string) answer {
		return d.do("POST", "/ingest/v1/withdrawals", body, "Authorization", "Bearer "+d.token)
	}
	post(`{"entity":"e"}`).problem(http.StatusUnprocessableEntity, "invalid")
	post(`{"provider":"chat","entity":"e"}`).problem(http.StatusForbidden, "provider-not-allowed")
	post(`{"provider":"billing"}`).problem(http.StatusUnprocessableEntity, "invalid")
	assert.JSONEq(t, `{"withdrawn":1}`, post(`{"provider":"billing","entity":"e"}`).Body.String())
	assert.Equal(t, []string{"theirs"}, d.titles("ann"))
}

func TestIngest_hasNothingToTellAboutBadKeys(t *testing.T) {
	d := newDoor(t, nil)
	expired, token, err := d.keys.Create(t.Context(), "acme", "Old", "billing")
	require.NoError(t, err)
	require.NoError(t, d.keys.Revoke(t.Context(), "acme", expired.ID))
	wrong := d.token[:len(d.token)-2] + "AA"
	var bodies []string
	for _, authorization := range []string{"", "Bearer", "Bearer x", "Basic " + d.token, "Bearer " + wrong, "Bearer " + token, "Bearer " + strings.ToUpper(d.token), "Bearer " + d.token + "A"} {
		got := d.post(`{}`, "Authorization", authorization)
		got.problem(http.StatusUnauthorized, "unauthenticated")
		assert.Equal(t, "Bearer", got.Header().Get("WWW-Authenticate"))
		bodies = append(bodies, got.Body.String())
	}
	assert.Len(t, slices.Compact(bodies), 1)
}

func TestKeys_keepNoSecret(t *testing.T) {
	d := newDoor(t, nil)
	list, err := d.keys.List(t.Context(), "acme")
	require.NoError(t, err)
	require.Len(t, list, 1)
	text, err := json.Marshal(list)
	require.NoError(t, err)
	_, secret, ok := strings.Cut(strings.TrimPrefix(d.token, keyPrefix), "_")
	require.True(t, ok)
	assert.NotContains(t, string(text), secret)
	assert.Len(t, list[0].Hash, 64)
	assert.Equal(t, "CRM", list[0].Name)
	empty, err := d.keys.List(t.Context(), "globex")
	require.NoError(t, err)
	assert.Empty(t, empty)
	_, _, err = d.keys.Create(t.Context(), "acme", "no scope")
	assert.ErrorIs(t, err, notify.ErrInvalid)
}

func TestKeys_rotateWithOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, nil)
		_, _, err := d.keys.Rotate(t.Context(), "globex", d.key.ID, time.Hour)
		require.ErrorIs(t, err, notify.ErrNotFound)
		fresh, token, err := d.keys.Rotate(t.Context(), "acme", d.key.ID, time.Hour)
		require.NoError(t, err)
		assert.Equal(t, d.key.Providers, fresh.Providers)
		body := `{"provider":"billing","to":["ann"],"title":"x"}`
		for _, works := range []string{d.token, token} {
			assert.Equal(t, http.StatusAccepted, d.post(body, "Authorization", "Bearer "+works).Code)
		}
		time.Sleep(time.Hour + 5*time.Second)
		assert.Equal(t, http.StatusUnauthorized, d.post(body).Code)
		assert.Equal(t, http.StatusAccepted, d.post(body, "Authorization", "Bearer "+token).Code)
	})
}

func TestKeys_revokedElsewhereEndWithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t, nil)
		elsewhere, err := NewKeys(d.store)
		require.NoError(t, err)
		body := `{"provider":"billing","to":["ann"],"title":"x"}`
		require.Equal(t, http.StatusAccepted, d.post(body).Code)
		require.NoError(t, elsewhere.Revoke(t.Context(), "acme", d.key.ID))
		time.Sleep(5 * time.Second)
		assert.Equal(t, http.StatusUnauthorized, d.post(body).Code)
		assert.ErrorIs(t, elsewhere.Revoke(t.Context(), "globex", d.key.ID), notify.ErrNotFound)
	})
}

// failing is a store whose keys cannot be read.
type failing struct{ notify.Store }

func (f failing) AddIngestKey(context.Context, notify.IngestKey) error { return errors.New("down") }
func (f failing) IngestKey(context.Context, notify.ID) (notify.IngestKey, error) {
	return notify.IngestKey{}, errors.New("down at 10.0.0.1")
}
func (f failing) IngestKeys(context.Context, string) ([]notify.IngestKey, error) {
	return nil, errors.New("down")
}
func (f failing) ExpireIngestKey(context.Context, string, notify.ID, time.Duration) error {
	return errors.New("down")
}

func TestIngest_aStoreThatFailsIsNoBadKey(t *testing.T) {
	d := newDoor(t, nil)
	keys, err := NewKeys(failing{d.store})
	require.NoError(t, err)
	d.handler = Ingest(d.n, keys.Who, nil)
	got := d.post(`{}`)
	got.problem(http.StatusServiceUnavailable, "unavailable")
	assert.NotEmpty(t, got.Header().Get("Retry-After"))
	assert.NotContains(t, got.Body.String(), "10.0.0.1")
	for _, err := range []error{
		keys.Revoke(t.Context(), "acme", d.key.ID),
		func() error { _, err := keys.List(t.Context(), "acme"); return err }(),
		func() error { _, _, err := keys.Create(t.Context(), "acme", "x", "billing"); return err }(),
	} {
		assert.Error(t, err)
	}
	_, err = NewKeys(bare{d.store})
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	unwrapped, err := NewKeys(wrapped{bare{d.store}, d.store})
	require.NoError(t, err)
	_, err = unwrapped.Who(httptest.NewRequest("POST", "/", nil))
	assert.ErrorIs(t, err, errNoKey)
}

type bare struct{ notify.Store }

type wrapped struct {
	bare
	inner notify.Store
}

func (w wrapped) Unwrap() notify.Store { return w.inner }

func FuzzToken(f *testing.F) {
	f.Add("ntf_0123_AAAA")
	f.Add(keyPrefix + strings.Repeat("0", 32) + "_" + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, token string) {
		id, secret, ok := parseToken(token)
		if !ok {
			return
		}
		assert.Len(t, id, 36)
		assert.Len(t, secret, secretLength)
		assert.LessOrEqual(t, len(token), 100)
	})
}
