package notifyhttp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestList_showsWhatWasSent(t *testing.T) {
	s := newSite(t)
	ids := s.send("one")
	got := s.do("GET", "/notify/api/v1/notifications", "")
	document := got.json()
	item := document["items"].([]any)[0].(map[string]any)
	created, err := time.Parse(time.RFC3339, item["created_at"].(string))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), created, time.Minute)
	delete(item, "created_at")
	assert.Equal(t, map[string]any{
		"id":       string(ids[0]),
		"provider": map[string]any{"key": "billing", "title": "Billing", "icon_url": "https://app.example/b.png"},
		"title":    "one", "body": "Body of one", "rows": []any{map[string]any{"label": "Amount", "text": "12.00"}},
		"icon_url": "", "link": "https://app.example/one",
		"actions":  []any{map[string]any{"key": "pay", "title": "Pay", "href": "https://app.example/pay"}},
		"priority": "normal", "silent": false, "occurred_at": nil, "seen_at": nil, "read_at": nil, "archived_at": nil,
		"snoozed_until": nil, "expires_at": nil, "repeat_count": 0.0, "data": map[string]any{"n": 1.0},
	}, item)
	assert.Equal(t, map[string]any{"unread": 1.0, "unseen": 1.0}, document["counts"])
	assert.Equal(t, "private, no-cache", got.Header().Get("Cache-Control"))
	assert.Equal(t, "nosniff", got.Header().Get("X-Content-Type-Options"))
}

func TestList_pagesByCursorWhileOthersArrive(t *testing.T) {
	s := newSite(t)
	for i := range 7 {
		s.send(fmt.Sprint(i))
	}
	page := s.list("?limit=3")
	assert.Equal(t, []string{"6", "5", "4"}, page.titles())
	s.send("new")
	second := s.list("?limit=3&cursor=" + page.Next)
	assert.Equal(t, []string{"3", "2", "1"}, second.titles())
	last := s.list("?limit=3&cursor=" + second.Next)
	assert.Equal(t, []string{"0"}, last.titles())
	assert.Empty(t, last.Next)
}

func TestList_isEmptyWithoutNulls(t *testing.T) {
	s := newSite(t)
	got := s.do("GET", "/notify/api/v1/notifications", "")
	assert.JSONEq(t, `{"items":[],"next_cursor":"","head_cursor":"","counts":{"unread":0,"unseen":0}}`, got.Body.String())
}

func TestList_answers304UntilSomethingChanges(t *testing.T) {
	s := newSite(t)
	ids := s.send("one")
	tag := s.do("GET", "/notify/api/v1/notifications", "").Header().Get("ETag")
	require.NotEmpty(t, tag)
	got := s.do("GET", "/notify/api/v1/notifications", "", "If-None-Match", `"other", W/`+tag)
	assert.Equal(t, http.StatusNotModified, got.Code)
	assert.Empty(t, got.Body.String())
	s.do("PATCH", "/notify/api/v1/notifications/"+string(ids[0]), `{"read":true}`)
	assert.Equal(t, http.StatusOK, s.do("GET", "/notify/api/v1/notifications", "", "If-None-Match", tag).Code)
}

func TestList_refusesBadParameters(t *testing.T) {
	s := newSite(t)
	s.send("one")
	foreign := s.do("GET", "/notify/api/v1/notifications", "")
	var page listJSON
	foreign.into(&page)
	for query, pointer := range map[string]string{
		"?limit=0": "?limit", "?limit=101": "?limit", "?limit=x": "?limit", "?limit=1&limit=2": "?limit",
		"?state=gone": "?state", "?cursor=!!": "?cursor", "?offset=3": "?offset", "?provider=%00": "?provider",
	} {
		p := s.do("GET", "/notify/api/v1/notifications"+query, "").problem(http.StatusBadRequest, "invalid-query")
		require.Len(t, p.Errors, 1, query)
		assert.Equal(t, pointer, p.Errors[0].Pointer, query)
	}
	p := s.do("GET", "/notify/api/v1/notifications?cursor="+page.Head, "", "X-User", "bob").problem(http.StatusBadRequest, "invalid-query")
	assert.Equal(t, "?cursor", p.Errors[0].Pointer)
}

func TestPatch_changesOneItemAndAnswersWithCounts(t *testing.T) {
	s := newSite(t)
	ids := s.send("one", "two")
	path := "/notify/api/v1/notifications/" + string(ids[0])
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, step := range []struct {
		patch          string
		unread, unseen float64
		set, unset     []string
	}{
		{`{"seen":true}`, 2, 1, []string{"seen_at"}, []string{"read_at"}},
		{`{"read":true}`, 1, 1, []string{"seen_at", "read_at"}, nil},
		{`{"read":true}`, 1, 1, []string{"read_at"}, nil},
		{`{"read":false}`, 2, 1, []string{"seen_at"}, []string{"read_at"}},
		{`{"archived":true}`, 1, 1, []string{"archived_at"}, nil},
		{`{"archived":false,"read":true}`, 1, 1, []string{"read_at"}, []string{"archived_at"}},
		{`{"read":false,"snoozed_until":"` + until + `"}`, 1, 1, []string{"snoozed_until"}, []string{"read_at"}},
		{`{"snoozed_until":null}`, 2, 1, nil, []string{"snoozed_until"}},
	} {
		got := s.do("PATCH", path, step.patch).json()
		assert.Equal(t, map[string]any{"unread": step.unread, "unseen": step.unseen}, got["counts"], step.patch)
		item := got["item"].(map[string]any)
		for _, name := range step.set {
			assert.NotNil(t, item[name], "%s: %s", step.patch, name)
		}
		for _, name := range step.unset {
			assert.Nil(t, item[name], "%s: %s", step.patch, name)
		}
	}
}

func TestPatch_refusedChangesNothing(t *testing.T) {
	s := newSite(t)
	ids := s.send("one")
	path := "/notify/api/v1/notifications/" + string(ids[0])
	for body, pointer := range map[string]string{
		`{"read":true,"seen":false}`:            "/seen",
		`{"read":true,"snoozed_until":"later"}`: "",
		`{"read":true,"colour":1}`:              "/colour",
		`{"read":"yes"}`:                        "/read",
		// In the year 10000, UTC: only the center finds out.
		`{"read":true,"seen":true,"archived":true,"snoozed_until":"9999-12-31T23:59:59-12:00"}`: "/snoozed_until",
	} {
		p := s.do("PATCH", path, body)
		require.Equal(t, http.StatusUnprocessableEntity, p.Code, "%s: %s", body, p.Body)
		var problem Problem
		require.NoError(t, json.Unmarshal(p.Body.Bytes(), &problem))
		require.Len(t, problem.Errors, 1)
		assert.Equal(t, pointer, problem.Errors[0].Pointer, body)
	}
	s.do("PATCH", path, `{}`).problem(http.StatusUnprocessableEntity, "invalid")
	page := s.list("?state=all")
	require.Len(t, page.Items, 1)
	assert.Nil(t, page.Items[0].ReadAt)
	assert.Nil(t, page.Items[0].SeenAt)
	assert.Nil(t, page.Items[0].Archived)
}

func TestForeignAndUnknownIdsAnswerTheSame(t *testing.T) {
	s := newSite(t)
	ids := s.send("one")
	unknown := "0192aaaa-0000-7000-8000-000000000000"
	for _, request := range [][3]string{
		{"GET", "/notify/api/v1/notifications/%s", ""},
		{"PATCH", "/notify/api/v1/notifications/%s", `{"read":true}`},
		{"POST", "/notify/api/v1/notifications/%s/actions/pay", ""},
		{"POST", "/notify/api/v1/notifications/bulk", `{"op":"read","ids":["%s"]}`},
		{"DELETE", "/notify/api/v1/push/subscriptions/%s", ""},
		{"DELETE", "/notify/api/v1/devices/%s", ""},
	} {
		var bodies []string
		for _, id := range []string{string(ids[0]), unknown, "x"} {
			target, body := request[1], request[2]
			if body == "" || request[0] == "PATCH" {
				target = fmt.Sprintf(target, id)
			} else {
				body = fmt.Sprintf(body, id)
			}
			got := s.do(request[0], target, body, "X-User", "bob")
			got.problem(http.StatusNotFound, "not-found")
			bodies = append(bodies, got.Body.String())
		}
		assert.Equal(t, bodies[0], bodies[1], request[1])
		assert.Equal(t, bodies[0], bodies[2], request[1])
	}
	assert.Nil(t, s.list("").Items[0].ReadAt, "bob must not have marked it")
}

func TestBulk_upToCursorLeavesWhatArrivesMeanwhile(t *testing.T) {
	s := newSite(t)
	s.send("one", "two")
	head := s.list("").Head
	s.send("meanwhile")
	got := s.do("POST", "/notify/api/v1/notifications/bulk", `{"op":"read","up_to":"`+head+`"}`).json()
	assert.Equal(t, 2.0, got["affected"])
	assert.Equal(t, map[string]any{"unread": 1.0, "unseen": 1.0}, got["counts"])
	assert.Equal(t, []string{"meanwhile"}, s.list("?state=unread").titles())
}

func TestBulk_refusesWhatItDoesNotKnow(t *testing.T) {
	s := newSite(t)
	ids := s.send("one")
	for body, pointer := range map[string]string{
		`{"op":"burn","ids":["` + string(ids[0]) + `"]}`: "/op",
		`{"op":"read"}`:             "/ids",
		`{"op":"read","up_to":"x"}`: "/up_to",
		`{"op":"read","ids":["` + string(ids[0]) + `"],"provider":"billing"}`: "/provider",
		`{"op":"read","up_to":"` + s.list("").Head + `","provider":"\u0000"}`: "/provider",
	} {
		p := s.do("POST", "/notify/api/v1/notifications/bulk", body).problem(http.StatusUnprocessableEntity, "invalid")
		require.Len(t, p.Errors, 1, body)
		assert.Equal(t, pointer, p.Errors[0].Pointer, body)
	}
	assert.Nil(t, s.list("").Items[0].ReadAt)
}

func TestAction_marksReadAndTellsWhereItLeads(t *testing.T) {
	s := newSite(t)
	ids := s.send("one")
	path := "/notify/api/v1/notifications/" + string(ids[0]) + "/actions/"
	s.do("POST", path+"burn", "").problem(http.StatusNotFound, "not-found")
	assert.Nil(t, s.list("").Items[0].ReadAt)
	got := s.do("POST", path+"pay", "").json()
	assert.Equal(t, "https://app.example/pay", got["href"])
	assert.NotNil(t, got["item"].(map[string]any)["read_at"])
	assert.Equal(t, map[string]any{"unread": 0.0, "unseen": 0.0}, got["counts"])
}

func TestCounts_haveATagAndAnInterval(t *testing.T) {
	s := newSite(t)
	s.send("one")
	got := s.do("GET", "/notify/api/v1/counts", "")
	assert.JSONEq(t, `{"unread":1,"unseen":1}`, got.Body.String())
	assert.Equal(t, "60", got.Header().Get("X-Poll-Interval"))
	assert.Equal(t, http.StatusNotModified, s.do("GET", "/notify/api/v1/counts", "", "If-None-Match", got.Header().Get("ETag")).Code)
}

func TestHead_hasTheHeadersOnly(t *testing.T) {
	s := newSite(t)
	s.send("one")
	got := s.do("HEAD", "/notify/api/v1/counts", "")
	assert.Equal(t, http.StatusOK, got.Code)
	assert.Empty(t, got.Body.String())
	assert.NotEqual(t, "0", got.Header().Get("Content-Length"))
}

// A stream has no end, and a HEAD wants none of it.
func TestNotModified_variesAsTheDocumentDoes(t *testing.T) {
	s := newSite(t)
	first := s.do("GET", "/notify/api/v1/counts", "")
	again := s.do("GET", "/notify/api/v1/counts", "", "If-None-Match", first.Header().Get("ETag"))
	require.Equal(t, http.StatusNotModified, again.Code)
	assert.Equal(t, first.Header().Values("Vary"), again.Header().Values("Vary"))
	assert.Equal(t, first.Header().Get("Cache-Control"), again.Header().Get("Cache-Control"))
}

func TestHead_ofTheStreamTakesNoPlace(t *testing.T) {
	s := newSite(t)
	got := s.do("HEAD", "/notify/api/v1/stream", "")
	assert.Equal(t, http.StatusOK, got.Code)
	assert.Equal(t, "text/event-stream", got.Header().Get("Content-Type"))
	assert.Empty(t, got.Body.String())
}

func TestItems_ofProvidersThatAreGoneKeepTheirId(t *testing.T) {
	assert.Equal(t, providerJSON{Key: "old", Title: "old"}, catalog(nil).provider("old"))
	known := catalog{"crm": notify.Provider{ID: "leads", Title: "New leads"}}
	assert.Equal(t, providerJSON{Key: "crm", Title: "New leads"}, known.provider("crm"))
}

// The same id in another tenant is somebody else.
func TestServe_keepsTenantsApart(t *testing.T) {
	s := newSite(t)
	s.handler = newHandler(s.n, func(r *http.Request) (notify.Recipient, error) {
		return notify.Recipient{Tenant: r.Header.Get("X-Tenant"), ID: "ann"}, nil
	}, s.opts)
	receipts, err := s.n.Send(t.Context(), notify.Notification{
		Tenant: "acme", Provider: "billing", To: []notify.Recipient{{Tenant: "acme", ID: "ann"}}, Title: "one",
	})
	require.NoError(t, err)
	item := "/notify/api/v1/notifications/" + string(receipts[0].ID)
	require.Equal(t, http.StatusOK, s.do("GET", item, "", "X-Tenant", "acme").Code)
	head := s.do("GET", "/notify/api/v1/notifications", "", "X-Tenant", "acme").json()["head_cursor"].(string)
	require.Equal(t, http.StatusCreated, s.do("PUT", "/notify/api/v1/push/subscriptions",
		`{"endpoint":"https://push.example/1","keys":{"p256dh":"K","auth":"A"}}`, "X-Tenant", "acme").Code)
	for _, tenant := range []string{"", "other"} {
		assert.Equal(t, http.StatusNotFound, s.do("GET", item, "", "X-Tenant", tenant).Code)
		assert.Equal(t, http.StatusNotFound, s.do("PATCH", item, `{"read":true}`, "X-Tenant", tenant).Code)
		assert.Empty(t, s.do("GET", "/notify/api/v1/notifications", "", "X-Tenant", tenant).json()["items"])
		assert.Empty(t, s.do("GET", "/notify/api/v1/push/subscriptions", "", "X-Tenant", tenant).json()["items"])
		assert.Equal(t, http.StatusUnprocessableEntity, s.do("POST", "/notify/api/v1/notifications/bulk", `{"op":"read","up_to":"`+head+`"}`, "X-Tenant", tenant).Code)
		assert.Equal(t, http.StatusOK, s.do("PATCH", preferencesPath, `{"enabled":false}`, "X-Tenant", tenant).Code)
	}
	assert.Equal(t, true, s.do("GET", preferencesPath, "", "X-Tenant", "acme").json()["enabled"])
	assert.Equal(t, 1.0, s.do("GET", "/notify/api/v1/counts", "", "X-Tenant", "acme").json()["unread"])
}
