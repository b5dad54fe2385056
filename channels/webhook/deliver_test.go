package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifytest"
)

func TestDeliver_isSignedAndVerifiable(t *testing.T) {
	c, r := start(t)
	d := deliveryFor(r)
	require.NoError(t, c.Deliver(t.Context(), d))
	got := r.Accepted()
	require.Len(t, got, 1)
	assert.Equal(t, "/hooks/joerg", got[0].Path)
	assert.Equal(t, d.Identity(), got[0].ID)
	assert.Equal(t, "application/json", got[0].Header.Get("Content-Type"))
	assert.Equal(t, defaultUserAgent, got[0].Header.Get("User-Agent"))
	require.NoError(t, Verify(got[0].Header, got[0].Body, time.Now(), r.Secrets()...))
	for name, values := range got[0].Header {
		assert.NotContains(t, strings.Join(values, " "), "whsec_", name)
	}
}

func TestDeliver_signsByEachSecretWhileOneReplacesAnother(t *testing.T) {
	c, r := start(t)
	d := deliveryTo(address(r.URL(), NewSecret(), r.Secrets()[0]))
	require.NoError(t, c.Deliver(t.Context(), d), "the receiver has the old one still")
	assert.Len(t, strings.Fields(r.Accepted()[0].Header.Get(HeaderSignature)), 2)
	refused(t, c.Deliver(t.Context(), deliveryTo(address(r.URL(), NewSecret()))), notify.Temporary)
}

func TestDeliver_repeatsTheSameEvent(t *testing.T) {
	c, r := start(t)
	d := deliveryFor(r)
	r.Script(notifytest.Reply{Reset: true})
	refused(t, c.Deliver(t.Context(), d), notify.Unknown)
	d.Attempt = 2
	require.NoError(t, c.Deliver(t.Context(), d))
	got := r.Taken()
	require.Len(t, got, 2, "one call, one request")
	assert.Equal(t, got[0].ID, got[1].ID)
	assert.Equal(t, string(got[0].Body), string(got[1].Body))
}

func TestDeliver_readsTheAnswer(t *testing.T) {
	c, r := start(t)
	after := func(status int, value string) notifytest.Reply {
		return notifytest.Reply{Status: status, Header: http.Header{"Retry-After": {value}}}
	}
	for _, test := range []struct {
		reply      notifytest.Reply
		class      notify.Class
		after      time.Duration
		overloaded bool
		reached    bool
	}{
		{notifytest.Reply{Status: 410}, notify.Gone, 0, false, false},
		{notifytest.Reply{Status: 400, Body: "canary whsec_"}, notify.Permanent, 0, false, false},
		{notifytest.Reply{Status: 405}, notify.Permanent, 0, false, false},
		{notifytest.Reply{Status: 413}, notify.Permanent, 0, false, false},
		{notifytest.Reply{Status: 415}, notify.Permanent, 0, false, false},
		{notifytest.Reply{Status: 422}, notify.Permanent, 0, false, false},
		{notifytest.Reply{Status: 301, Header: http.Header{"Location": {"/elsewhere"}}}, notify.Temporary, 0, false, true},
		{notifytest.Reply{Status: 307, Header: http.Header{"Location": {"https://127.0.0.1:1/"}}}, notify.Temporary, 0, false, true},
		{notifytest.Reply{Status: 401}, notify.Temporary, 0, false, true},
		{notifytest.Reply{Status: 403}, notify.Temporary, 0, false, true},
		{notifytest.Reply{Status: 404}, notify.Temporary, 0, false, true},
		{notifytest.Reply{Status: 409}, notify.Temporary, 0, false, true},
		{notifytest.Reply{Status: 408}, notify.Temporary, 0, false, false},
		{after(429, "90"), notify.Temporary, 90 * time.Second, true, false},
		{notifytest.Reply{Status: 429}, notify.Temporary, 0, true, false},
		{notifytest.Reply{Status: 500}, notify.Temporary, 0, false, false},
		{notifytest.Reply{Status: 502}, notify.Temporary, 0, false, false},
		{after(503, "7"), notify.Temporary, 7 * time.Second, true, false},
		{notifytest.Reply{Status: 504}, notify.Temporary, 0, false, false},
		{notifytest.Reply{Status: 500, Endless: true}, notify.Temporary, 0, false, false},
		{notifytest.Reply{Status: 999}, notify.Temporary, 0, false, false},
	} {
		r.Script(test.reply)
		before := r.Requests()
		f := refused(t, c.Deliver(t.Context(), deliveryFor(r)), test.class)
		assert.Equal(t, before+1, r.Requests(), "no redirect is followed")
		assert.Equal(t, test.after, f.RetryAfter, test.reply.Status)
		assert.Equal(t, test.overloaded, f.Overloaded, test.reply.Status)
		assert.Equal(t, test.reached, f.Reached, test.reply.Status)
		assert.Contains(t, f.Error(), fmt.Sprintf("status %03d", test.reply.Status))
	}
	for _, status := range []int{200, 201, 202, 204, 299} {
		r.Script(notifytest.Reply{Status: status})
		require.NoError(t, c.Deliver(t.Context(), deliveryFor(r)))
	}
	r.Script(notifytest.Reply{Status: 200, Endless: true})
	require.NoError(t, c.Deliver(t.Context(), deliveryFor(r)))
}

func TestDeliver_isUnknownWhenTheAnswerIsLate(t *testing.T) {
	c, r := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.Answer(func(notifytest.WebhookRequest) notifytest.Reply { cancel(); return notifytest.Reply{Delay: time.Hour} })
	refused(t, c.Deliver(ctx, deliveryFor(r)), notify.Unknown)
}

// Without the exception nothing leaves for an address inside, whatever names it.
func TestDeliver_reachesNothingInside(t *testing.T) {
	_, r := start(t)
	c, err := New(Options{RootCAs: r.RootCAs()})
	require.NoError(t, err)
	for _, url := range []string{
		r.URL(), "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
		"https://2130706433/", "https://localhost/", "http://example.com/", "https://user@example.com/", "https://example.com:8443/",
		"https://127.0.0.1/a.example.com/",
	} {
		a := address(url, r.Secrets()...)
		_, err := c.CheckAddress(a)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad, url)
		assert.Equal(t, "Address.Value", bad.Field)
		f := refused(t, c.Deliver(t.Context(), deliveryTo(a)), notify.Permanent)
		assert.NotContains(t, f.Error(), url)
	}
	assert.Zero(t, r.Requests())
}

func TestEvent_isAsRecorded(t *testing.T) {
	event, err := body(deliveryTo(notify.Address{}))
	require.NoError(t, err)
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, event, "", "  "))
	if *update {
		require.NoError(t, os.WriteFile("testdata/event.json", append(indented.Bytes(), '\n'), 0o644))
	}
	want, err := os.ReadFile("testdata/event.json")
	require.NoError(t, err)
	assert.Equal(t, string(want), indented.String()+"\n")

	var read Event
	require.NoError(t, json.Unmarshal(event, &read))
	assert.Equal(t, deliveryTo(notify.Address{}).Item.Notification.Actions, read.Data.Actions)
	again, err := json.Marshal(read)
	require.NoError(t, err)
	assert.JSONEq(t, string(event), string(again))
}

func TestEvent_leavesOutWhatIsNotThere(t *testing.T) {
	event, err := body(notify.Delivery{Recipient: notify.User("ada"), Item: notify.Item{
		ID: "a", NotificationID: "b", Filed: time.Unix(0, 0), Notification: notify.Notification{Provider: "p", Title: "t", Priority: notify.Low},
	}})
	require.NoError(t, err)
	assert.Equal(t, `{"type":"notification","timestamp":"1970-01-01T00:00:00Z","data":{"item_id":"a","notification_id":"b","recipient":"ada","provider":"p","priority":"low","title":"t"}}`, string(event))
}

func TestCheckAddress_givesTheCanonicalForm(t *testing.T) {
	c, r := start(t)
	secret := r.Secrets()[0]
	got, err := c.CheckAddress(notify.Address{
		Value: "https://Hooks.Example.com:443/x", Meta: json.RawMessage(`{ "note": "mine", "secrets": ["` + secret + `"] }`),
	})
	require.NoError(t, err)
	assert.Equal(t, address("https://hooks.example.com/x", secret), got)
	assert.Equal(t, "hooks.example.com", c.Destination(got))
	again, err := c.CheckAddress(got)
	require.NoError(t, err)
	assert.Equal(t, got, again)
}

func TestCheckAddress_namesWhatIsWrong(t *testing.T) {
	c, r := start(t)
	secret := r.Secrets()[0]
	for _, test := range []struct {
		field string
		a     notify.Address
	}{
		{"Address.Channel", notify.Address{Channel: notify.Browser, Value: "https://example.com/", Meta: address("", secret).Meta}},
		{"Address.Value", address("", secret)},
		{"Address.Value", address("http://example.com/", secret)},
		{"Address.Meta", notify.Address{Value: "https://example.com/"}},
		{"Address.Meta", notify.Address{Value: "https://example.com/", Meta: json.RawMessage(`{"secrets":"canary"}`)}},
		{"Address.Meta.secrets", notify.Address{Value: "https://example.com/", Meta: json.RawMessage(`null`)}},
		{"Address.Meta.secrets", address("https://example.com/")},
		{"Address.Meta.secrets", address("https://example.com/", "canary")},
		{"Address.Meta.secrets", address("https://example.com/", secret, secret, secret, secret)},
	} {
		_, err := c.CheckAddress(test.a)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, test.field, bad.Field)
		assert.NotContains(t, err.Error(), "canary")
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestNew_namesTheBadOption(t *testing.T) {
	for _, test := range []struct {
		field string
		o     Options
	}{
		{"Timeout", Options{Timeout: -1}},
		{"Timeout", Options{Timeout: time.Millisecond}},
		{"Timeout", Options{Timeout: time.Hour}},
		{"UserAgent", Options{UserAgent: "a\r\nX: y"}},
	} {
		_, err := New(test.o)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, test.field, bad.Field)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c, r := start(t)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	e := Endpoint{r.Secrets()}
	for _, v := range []any{c, e, &e} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&out, format, v)
		}
		log.Info("printed", "value", v)
	}
	assert.NotContains(t, out.String(), r.Secrets()[0])
}
