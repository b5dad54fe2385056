package notify_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

func TestSend_badInputNamesTheFieldAndStoresNothing(t *testing.T) {
	long := strings.Repeat("x", 191)
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		field  string
		change func(*notify.Notification)
	}{
		"no provider":               {"Provider", func(n *notify.Notification) { n.Provider = "" }},
		"unknown provider":          {"Provider", func(n *notify.Notification) { n.Provider = "nobody" }},
		"long provider":             {"Provider", func(n *notify.Notification) { n.Provider = long }},
		"no recipient":              {"To", func(n *notify.Notification) { n.To = nil }},
		"recipient and audience":    {"Audience", func(n *notify.Notification) { n.Audience = "all" }},
		"unknown audience":          {"Audience", func(n *notify.Notification) { n.To, n.Audience = nil, "all" }},
		"empty recipient":           {"To[0].ID", func(n *notify.Notification) { n.To = []notify.Recipient{{}} }},
		"NUL in a recipient":        {"To[0].ID", func(n *notify.Notification) { n.To = []notify.Recipient{notify.User("a\x00")} }},
		"mixed tenants":             {"To[1].Tenant", func(n *notify.Notification) { n.To = []notify.Recipient{ada, {Tenant: "x", ID: "y"}} }},
		"too many recipients":       {"To", func(n *notify.Notification) { n.To = make([]notify.Recipient, 10_001) }},
		"empty title":               {"Title", func(n *notify.Notification) { n.Title = " " }},
		"line break in the title":   {"Title", func(n *notify.Notification) { n.Title = "a\r\nBcc: b" }},
		"C1 control in the title":   {"Title", func(n *notify.Notification) { n.Title = "a\u0085b" }},
		"broken UTF-8":              {"Title", func(n *notify.Notification) { n.Title = "a\xff" }},
		"long title":                {"Title", func(n *notify.Notification) { n.Title = strings.Repeat("x", 501) }},
		"NUL in the body":           {"Body", func(n *notify.Notification) { n.Body = "\x00" }},
		"long body":                 {"Body", func(n *notify.Notification) { n.Body = strings.Repeat("x", 16_385) }},
		"script link":               {"URL", func(n *notify.Notification) { n.URL = "javascript:alert(1)" }},
		"script link in disguise":   {"URL", func(n *notify.Notification) { n.URL = "JaVaScRiPt:alert(1)" }},
		"script link after space":   {"URL", func(n *notify.Notification) { n.URL = " javascript:alert(1)" }},
		"data link":                 {"URL", func(n *notify.Notification) { n.URL = "data:text/html,x" }},
		"relative to nowhere":       {"URL", func(n *notify.Notification) { n.URL = "/inbox" }},
		"no host":                   {"URL", func(n *notify.Notification) { n.URL = "https:///x" }},
		"no scheme":                 {"URL", func(n *notify.Notification) { n.URL = "//evil.example" }},
		"user in the link":          {"URL", func(n *notify.Notification) { n.URL = "https://a@b.example" }},
		"line break in the link":    {"URL", func(n *notify.Notification) { n.URL = "https://a.example/\nx" }},
		"long link":                 {"URL", func(n *notify.Notification) { n.URL = "https://a.example/" + strings.Repeat("x", 2048) }},
		"mail icon":                 {"Icon", func(n *notify.Notification) { n.Icon = "mailto:a@b.example" }},
		"action without key":        {"Actions[0].Key", func(n *notify.Notification) { n.Actions = []notify.Action{{Title: "x"}} }},
		"action with a bad link":    {"Actions[0].URL", func(n *notify.Notification) { n.Actions = []notify.Action{{Key: "k", Title: "x", URL: "ftp://a"}} }},
		"too many actions":          {"Actions", func(n *notify.Notification) { n.Actions = make([]notify.Action, 6) }},
		"too many rows":             {"Rows", func(n *notify.Notification) { n.Rows = make([]notify.Row, 21) }},
		"data that is no JSON":      {"Data", func(n *notify.Notification) { n.Data = json.RawMessage(`{"a":`) }},
		"data over its limit":       {"Data", func(n *notify.Notification) { n.Data = json.RawMessage(`"` + strings.Repeat("x", 65_536) + `"`) }},
		"long key":                  {"Key", func(n *notify.Notification) { n.Key = long }},
		"long entity":               {"Entity", func(n *notify.Notification) { n.Entity = long }},
		"long collapse key":         {"CollapseKey", func(n *notify.Notification) { n.CollapseKey = long }},
		"priority":                  {"Priority", func(n *notify.Notification) { n.Priority = 7 }},
		"begins after its end":      {"NotBefore", func(n *notify.Notification) { n.NotBefore, n.ExpiresAt = at, at }},
		"year 10000":                {"ExpiresAt", func(n *notify.Notification) { n.ExpiresAt = at.AddDate(8000, 0, 0) }},
		"transient with a key":      {"Key", func(n *notify.Notification) { n.Transient, n.Key = true, "k" }},
		"transient that waits":      {"NotBefore", func(n *notify.Notification) { n.Transient, n.NotBefore = true, at }},
		"transient, unknown source": {"Provider", func(n *notify.Notification) { n.Transient, n.Provider = true, "nobody" }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := center(t, &outlet{name: notify.Email}, nil)
			bad := note("title")
			c.change(&bad)
			_, err := n.Send(t.Context(), bad)
			require.ErrorIs(t, err, notify.ErrInvalid)
			invalid, ok := errors.AsType[*notify.InvalidError](err)
			require.True(t, ok)
			assert.Equal(t, c.field, invalid.Field)
			_, err = n.Send(t.Context(), note("good"), bad)
			invalid, ok = errors.AsType[*notify.InvalidError](err)
			require.True(t, ok)
			assert.Equal(t, "notifications[1]."+c.field, invalid.Field)
			counts, err := n.Inbox(ada).Counts(t.Context())
			require.NoError(t, err)
			assert.Zero(t, counts, "nothing of the call was stored")
		})
	}
}

func TestSend_relativeLinksAreMadeAbsolute(t *testing.T) {
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) { o.BaseURL = "https://app.example/x/" })
	linked := note("title")
	linked.Icon, linked.URL, linked.Actions = "/icon?of=https://example.org/", "/leads?id=1", []notify.Action{{Key: "k", Title: "x", URL: "deal"}}
	id := send(t, n, linked)[0].ID
	item, err := n.Inbox(ada).Get(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, "https://app.example/leads?id=1", item.Notification.URL)
	assert.Equal(t, "https://app.example/icon?of=https://example.org/", item.Notification.Icon)
	assert.Equal(t, "https://app.example/x/deal", item.Notification.Actions[0].URL)
}

func TestNew_badOptionsNameTheField(t *testing.T) {
	mail := func() notify.Channel { return &outlet{name: notify.Email} }
	for field, opts := range map[string]notify.Options{
		"Options.Channels[0]":          {Channels: []notify.Channel{&outlet{name: notify.Interface}}},
		"Options.Links.Inbox":          {Channels: []notify.Channel{mail()}},
		"Options.Defaults[fax]":        {Defaults: map[string]notify.Mode{"fax": notify.Off}},
		"Options.Workers":              {Workers: -1},
		"Options.Lease":                {Lease: time.Millisecond},
		"Options.BaseURL":              {BaseURL: "ftp://x"},
		"Options.Schedule":             {Schedule: notify.DailyAt("24:61")},
		"Options.Providers[1].ID":      {Providers: notify.Providers{{ID: "a"}, {ID: "a"}}},
		"Options.Audiences[all]":       {Audiences: map[string]notify.Audience{"all": nil}},
		"Options.Providers[0].Wait[x]": {Providers: notify.Providers{{ID: "a", Wait: map[string]time.Duration{"x": -1}}}},
	} {
		_, err := notify.New(memory.New(nil), &opts)
		bad, ok := errors.AsType[*notify.InvalidError](err)
		if assert.True(t, ok, field) {
			assert.Equal(t, field, bad.Field)
		}
	}
	_, err := notify.New(nil, nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	_, err = notify.New(memory.New(nil), nil)
	require.NoError(t, err)
}

func TestInbox_badQueries(t *testing.T) {
	n := center(t, &outlet{name: notify.Email}, nil)
	in := n.Inbox(ada)
	for field, q := range map[string]notify.Query{
		"State": {State: "lost"}, "Limit": {Limit: 201}, "Cursor": {Cursor: "elsewhere"}, "Provider": {Provider: "\x00"},
	} {
		_, err := in.Page(t.Context(), q)
		bad, ok := errors.AsType[*notify.InvalidError](err)
		if assert.True(t, ok, field) {
			assert.Equal(t, field, bad.Field)
		}
	}
	for field, m := range map[string]notify.Mark{
		"Op": {Op: "burn", UpTo: "x"}, "IDs": {Op: notify.OpRead}, "UpTo": {Op: notify.OpRead, UpTo: "x"},
	} {
		_, err := in.Mark(t.Context(), m)
		bad, ok := errors.AsType[*notify.InvalidError](err)
		if assert.True(t, ok, field) {
			assert.Equal(t, field, bad.Field)
		}
	}
	for _, id := range []notify.ID{"", "x", "01977420-dc07-7007-8000-00000000000g"} {
		_, err := in.Get(t.Context(), id)
		require.ErrorIs(t, err, notify.ErrNotFound)
	}
}
