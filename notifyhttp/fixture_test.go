package notifyhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/store/memory"
)

// site is a center with its handler, and people who are signed in by a header.
type site struct {
	t       *testing.T
	n       *notify.Notifier
	handler http.Handler
	inner   *handler
	opts    *Options
	mail    *channeltest.Recorder
}

// device is a channel that has registered addresses.
type device struct{ name string }

func (d device) Name() string                                   { return d.name }
func (d device) Deliver(context.Context, notify.Delivery) error { return nil }
func (d device) CheckAddress(a notify.Address) (notify.Address, error) {
	if d.name == notify.Browser && !strings.HasPrefix(a.Value, "https://") {
		return a, &notify.InvalidError{Field: "Address.Value", Reason: "not https"}
	}
	return a, nil
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	secret := bytes.Repeat([]byte{7}, 32)
	unsubscribe, err := NewUnsubscribe("https://app.example/notify/", secret)
	require.NoError(t, err)
	s := &site{t: t, mail: &channeltest.Recorder{As: notify.Email, NoAddress: true}, opts: &Options{PushKey: "BPublicKey", Unsubscribe: unsubscribe}}
	s.n, err = notify.New(memory.New(nil), &notify.Options{
		Channels: []notify.Channel{s.mail, device{notify.Browser}, device{notify.Mobile}},
		Providers: notify.Providers{
			{ID: "billing", Title: "Billing", Description: "Invoices", Icon: "https://app.example/b.png", Forced: []string{notify.Mobile}},
			{ID: "chat", Title: "Chat", Defaults: map[string]notify.Mode{notify.Email: notify.Daily}},
			{ID: "leads", Title: "New leads", Aliases: []string{"crm"}},
		},
		Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://app.example/notify/inbox" }},
	})
	require.NoError(t, err)
	for _, f := range change {
		f(s.opts)
	}
	s.inner = newHandler(s.n, who, s.opts)
	s.handler = s.inner
	return s
}

func who(r *http.Request) (notify.Recipient, error) {
	name := r.Header.Get("X-User")
	if name == "" {
		return notify.Recipient{}, errors.New("no session of 10.0.0.1")
	}
	return notify.User(name), nil
}

// send sends notifications to ann and returns the ids of their items.
func (s *site) send(titles ...string) []notify.ID {
	s.t.Helper()
	var ids []notify.ID
	for _, title := range titles {
		receipts, err := s.n.Send(s.t.Context(), notify.Notification{
			Provider: "billing", To: []notify.Recipient{notify.User("ann")}, Title: title, Body: "Body of " + title,
			URL: "https://app.example/" + title, Rows: []notify.Row{{Label: "Amount", Text: "12.00"}},
			Actions: []notify.Action{{Key: "pay", Title: "Pay", URL: "https://app.example/pay"}},
			Data:    json.RawMessage(`{"n":1}`),
		})
		require.NoError(s.t, err)
		ids = append(ids, receipts[0].ID)
	}
	return ids
}

// answer is a response with its body as JSON.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// do asks as ann. Pairs are headers.
func (s *site) do(method, target, body string, headers ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, "https://app.example"+target, strings.NewReader(body))
	r.Header.Set("X-User", "ann")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return answer{w, s.t}
}

func (a answer) json() map[string]any {
	a.t.Helper()
	var document map[string]any
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), &document), "%s", a.Body)
	return document
}

func (a answer) into(v any) {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.Code, "%s", a.Body)
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), v))
}

// problem asserts that the answer is a problem of that kind and returns it.
func (a answer) problem(status int, code string) Problem {
	a.t.Helper()
	require.Equal(a.t, status, a.Code, "%s", a.Body)
	assert.Equal(a.t, "application/problem+json", a.Header().Get("Content-Type"))
	var p Problem
	require.NoError(a.t, json.Unmarshal(a.Body.Bytes(), &p))
	assert.Equal(a.t, status, p.Status)
	assert.Equal(a.t, code, p.Code)
	assert.Equal(a.t, "urn:notify:problem:"+code, p.Type)
	return p
}

type listJSON struct {
	Items []struct {
		ID       notify.ID `json:"id"`
		Title    string    `json:"title"`
		ReadAt   *string   `json:"read_at"`
		SeenAt   *string   `json:"seen_at"`
		Archived *string   `json:"archived_at"`
		Snoozed  *string   `json:"snoozed_until"`
	} `json:"items"`
	Next   string        `json:"next_cursor"`
	Head   string        `json:"head_cursor"`
	Counts notify.Counts `json:"counts"`
}

func (s *site) list(query string) listJSON {
	s.t.Helper()
	var page listJSON
	s.do("GET", "/notify/api/v1/notifications"+query, "").into(&page)
	return page
}

func (l listJSON) titles() []string {
	titles := make([]string, 0, len(l.Items))
	for _, it := range l.Items {
		titles = append(titles, it.Title)
	}
	return titles
}
