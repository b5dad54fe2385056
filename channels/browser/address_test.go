package browser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// Keys of a browser: those of RFC 8291, appendix A.
const (
	p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	auth   = "BTBZMqHH6r4Tts7J_aSIgg"
)

func metaOf(p256dh, auth string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"p256dh":%q,"auth":%q}`, p256dh, auth))
}

// However a browser writes its subscription, it is the same bytes: whoever has
// the same keys may take it over, and nobody else (R36).
func TestCheckAddress_hasOneForm(t *testing.T) {
	c := open(t, Options{})
	want, err := c.CheckAddress(notify.Address{Channel: notify.Browser, Value: "https://push.example.com/abc", Meta: metaOf(p256dh, auth)})
	require.NoError(t, err)
	assert.Equal(t, "https://push.example.com/abc", want.Value)
	assert.Equal(t, fmt.Sprintf(`{"p256dh":%q,"auth":%q,"vapid":%q}`, p256dh, auth, c.current), string(want.Meta))

	point, err := base64.RawURLEncoding.DecodeString(p256dh)
	require.NoError(t, err)
	secret, err := base64.RawURLEncoding.DecodeString(auth)
	require.NoError(t, err)
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		for _, url := range []string{"https://push.example.com/abc", "https://PUSH.example.com:443/abc"} {
			keys := fmt.Sprintf(` { "auth" : %q, "extra": [1], "p256dh": %q }`, encoding.EncodeToString(secret), encoding.EncodeToString(point))
			got, err := c.CheckAddress(notify.Address{Value: url, Meta: json.RawMessage(keys)})
			require.NoError(t, err)
			assert.Equal(t, want, got)

			page := fmt.Sprintf(`{"endpoint":%q,"expirationTime":null,"applicationServerKey":%q,"keys":%s}`, url, c.PublicKey(), keys)
			got, err = Subscription([]byte(page))
			require.NoError(t, err)
			got, err = c.CheckAddress(got)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
	}
	again, err := c.CheckAddress(want)
	require.NoError(t, err)
	assert.Equal(t, want, again)
}

func TestCheckAddress_refuses(t *testing.T) {
	c := open(t, Options{})
	const url = "https://push.example.com/abc"
	offCurve := "B" + strings.Repeat("A", 86)
	infinity := "AA"
	compressed := "A" + p256dh[1:44]
	for _, bad := range []struct {
		field string
		a     notify.Address
	}{
		{"Address.Channel", notify.Address{Channel: notify.Mobile, Value: url, Meta: metaOf(p256dh, auth)}},
		{"Address.Value", notify.Address{Meta: metaOf(p256dh, auth)}},
		{"Address.Value", notify.Address{Value: "https://127.0.0.1/a.google.com/", Meta: metaOf(p256dh, auth)}},
		{"Address.Value", notify.Address{Value: "https://169.254.169.254/latest/", Meta: metaOf(p256dh, auth)}},
		{"Address.Value", notify.Address{Value: "http://push.example.com/", Meta: metaOf(p256dh, auth)}},
		{"Address.Value", notify.Address{Value: "https://user:canary@push.example.com/", Meta: metaOf(p256dh, auth)}},
		{"Address.Value", notify.Address{Value: "https://push.example.com:8443/", Meta: metaOf(p256dh, auth)}},
		{"Address.Meta", notify.Address{Value: url}},
		{"Address.Meta", notify.Address{Value: url, Meta: json.RawMessage(`[]`)}},
		{"Address.Meta", notify.Address{Value: url, Meta: json.RawMessage(`{"p256dh":7}`)}},
		{"Address.Meta", notify.Address{Value: url, Meta: append(metaOf(p256dh, auth), strings.Repeat(" ", maxMeta)...)}},
		{"Address.Meta.p256dh", notify.Address{Value: url, Meta: metaOf("", auth)}},
		{"Address.Meta.p256dh", notify.Address{Value: url, Meta: metaOf(p256dh[:80], auth)}},
		{"Address.Meta.p256dh", notify.Address{Value: url, Meta: metaOf(p256dh+"AA", auth)}},
		{"Address.Meta.p256dh", notify.Address{Value: url, Meta: metaOf("!"+p256dh[1:], auth)}},
		{"Address.Meta.p256dh", notify.Address{Value: url, Meta: metaOf(offCurve, auth)}},
		{"Address.Meta.p256dh", notify.Address{Value: url, Meta: metaOf(infinity, auth)}},
		{"Address.Meta.p256dh", notify.Address{Value: url, Meta: metaOf(compressed, auth)}},
		{"Address.Meta.auth", notify.Address{Value: url, Meta: metaOf(p256dh, "")}},
		{"Address.Meta.auth", notify.Address{Value: url, Meta: metaOf(p256dh, auth[:10])}},
		{"Address.Meta.auth", notify.Address{Value: url, Meta: metaOf(p256dh, auth+auth)}},
		{"Address.Meta.vapid", notify.Address{Value: url, Meta: json.RawMessage(fmt.Sprintf(`{"p256dh":%q,"auth":%q,"vapid":"canary"}`, p256dh, auth))}},
	} {
		_, err := c.CheckAddress(bad.a)
		var invalid *notify.InvalidError
		if assert.ErrorAs(t, err, &invalid, "%s %s", bad.a.Value, bad.a.Meta) {
			assert.Equal(t, bad.field, invalid.Field)
			assert.NotContains(t, err.Error(), "canary")
		}
		failed(t, notify.Permanent, c.Deliver(t.Context(), delivery(bad.a)))
	}
	for _, text := range []string{"", "{", "null x", `{"endpoint":7}`, `{"keys":[]}`, `{"applicationServerKey":"!"}`} {
		_, err := Subscription([]byte(text))
		assert.ErrorIs(t, err, notify.ErrInvalid, text)
	}
}

// An address that was registered is read in a shorter way, to the same end.
func TestTarget_ofARegisteredAddress(t *testing.T) {
	c := open(t, Options{})
	a, err := c.CheckAddress(notify.Address{Value: "https://push.example.com/abc?d=e", Meta: metaOf(p256dh, auth)})
	require.NoError(t, err)
	d := delivery(a)
	want, err := c.target(d)
	require.NoError(t, err)
	d.Registered = d.Item.Filed
	got, err := c.target(d)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, "push.example.com", got.host())
	m, ok := settled(a.Meta)
	assert.True(t, ok)
	assert.Equal(t, want.meta, m)

	for _, other := range []string{
		"", "{}", `{"p256dh":"`, `{"p256dh":"a","auth":"b","vapid":"c"`, `{"p256dh":"a","auth":"b","vapid":"c"} `, `{"p256dh":"a","auth":"b"}`,
		`{"p256dh":"a\\u0041","auth":"b","vapid":"c"}`, `{"auth":"b","p256dh":"a","vapid":"c"}`, `{"p256dh":"a","auth":"b","vapid":"c","x":1}`,
	} {
		_, ok := settled([]byte(other))
		assert.False(t, ok, other)
		d.Address.Meta = json.RawMessage(other)
		_, err := c.target(d)
		assert.ErrorIs(t, err, notify.ErrInvalid, other)
	}
	d.Address.Meta = json.RawMessage(fmt.Sprintf(` {"vapid":%q,"auth":%q,"p256dh":%q}`, c.current, auth, p256dh))
	got, err = c.target(d)
	require.NoError(t, err, "a form of before")
	assert.Equal(t, want, got)

	d.Address = a
	d.Address.Value = "https://127.0.0.1/a.google.com/"
	failed(t, notify.Permanent, c.Deliver(t.Context(), d))
	d.Address = a
	narrow := open(t, Options{Keys: c.keys[c.current], Services: []string{"push.example.org"}})
	failed(t, notify.Permanent, narrow.Deliver(t.Context(), d))
}

func TestServices_areTheOnlyHosts(t *testing.T) {
	c := open(t, Options{Services: []string{"Push.Example.com", "fcm.googleapis.com"}})
	for url, want := range map[string]bool{
		"https://push.example.com/a":             true,
		"https://eu.PUSH.example.com/a":          true,
		"https://fcm.googleapis.com/a":           true,
		"https://googleapis.com/a":               false,
		"https://xpush.example.com/a":            false,
		"https://example.com/a":                  false,
		"https://evil.example/push.example.com/": false,
		"https://push.example.com.evil.example/": false,
	} {
		_, err := c.CheckAddress(notify.Address{Value: url, Meta: metaOf(p256dh, auth)})
		assert.Equal(t, want, err == nil, "%s: %v", url, err)
	}
}

func TestDestination_isTheHost(t *testing.T) {
	c := open(t, Options{})
	assert.Equal(t, "push.example.com", c.Destination(notify.Address{Value: "https://push.example.com/canary"}))
	assert.Empty(t, c.Destination(notify.Address{Value: "https://[::1"}))
}

// A pair of keys is replaced: subscriptions made with the old one work as long
// as the host keeps it, and are known to be old.
func TestRotation(t *testing.T) {
	service, before, s := start(t, nil)
	old := registered(t, before, s)
	assert.False(t, before.Stale(old))
	pair := before.keys[before.current]

	next := open(t, Options{Keys: generate(t), Previous: []Keys{pair}, Allow: loopback, RootCAs: service.RootCAs()})
	assert.True(t, next.Stale(old))
	request, _ := sent(t, service, next, delivery(old))
	assert.Equal(t, pair.Public, request.Key)
	kept, err := next.CheckAddress(old)
	require.NoError(t, err)
	assert.Equal(t, old, kept, "presenting it again changes nothing")

	renewed := registered(t, next, service.Subscribe(next.PublicKey()))
	assert.False(t, next.Stale(renewed))
	request, _ = sent(t, service, next, delivery(renewed))
	assert.Equal(t, next.PublicKey(), request.Key)

	last := open(t, Options{Keys: generate(t), Allow: loopback, RootCAs: service.RootCAs()})
	assert.True(t, last.Stale(old))
	requests := service.Requests()
	failure := failed(t, notify.Permanent, last.Deliver(t.Context(), delivery(old)))
	assert.Contains(t, failure.Error(), "subscribe anew")
	assert.Equal(t, requests, service.Requests(), "nothing was asked")
}
