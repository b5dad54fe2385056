package browser

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestNew_namesTheOption(t *testing.T) {
	good := generate(t)
	other := generate(t)
	with := func(change func(*Options)) Options {
		o := Options{Subject: "ops@acme.example", Keys: good}
		change(&o)
		return o
	}
	for _, c := range []struct {
		field string
		o     Options
	}{
		{"Subject", Options{Keys: good}},
		{"Keys.Private", Options{Subject: "ops@acme.example"}},
		{"Keys.Private", with(func(o *Options) { o.Keys.Private = "" })},
		{"Keys.Private", with(func(o *Options) { o.Keys.Private = "!" })},
		{"Keys.Private", with(func(o *Options) { o.Keys.Private = good.Private[:20] })},
		{"Keys.Private", with(func(o *Options) { o.Keys.Private = good.Public })},
		{"Keys.Private", with(func(o *Options) { o.Keys.Private = base64.RawURLEncoding.EncodeToString(make([]byte, 32)) })},
		{"Keys.Private", with(func(o *Options) {
			o.Keys.Private = base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 32)) // above the order
		})},
		{"Keys.Public", with(func(o *Options) { o.Keys.Public = other.Public })},
		{"Keys.Public", with(func(o *Options) { o.Keys.Public = "BAAA" })},
		{"Previous[1].Public", with(func(o *Options) { o.Previous = []Keys{other, {Public: good.Public, Private: other.Private}} })},
		{"Previous", with(func(o *Options) { o.Previous = make([]Keys, maxPrevious+1) })},
		{"TTL", with(func(o *Options) { o.TTL = -time.Second })},
		{"TTL", with(func(o *Options) { o.TTL = maxTTL + time.Second })},
		{"Timeout", with(func(o *Options) { o.Timeout = -time.Second })},
		{"Services[0]", with(func(o *Options) { o.Services = []string{""} })},
		{"Services[1]", with(func(o *Options) { o.Services = []string{"push.example.com", "https://push.example.com"} })},
		{"Services[0]", with(func(o *Options) { o.Services = []string{"push.example.com:443"} })},
		{"Allow[0]", with(func(o *Options) { o.Allow = []netip.Prefix{{}} })},
	} {
		_, err := New(c.o)
		var bad *notify.InvalidError
		if assert.ErrorAs(t, err, &bad, c.field) {
			assert.Equal(t, c.field, bad.Field)
		}
	}
}

func TestSubject_isWhatPushServicesTake(t *testing.T) {
	for given, want := range map[string]string{
		"ops@acme.example":         "ops@acme.example",
		"mailto:ops@acme.example":  "ops@acme.example",
		"MAILTO:ops@acme.example ": "ops@acme.example",
		"https://acme.example/ops": "https://acme.example/ops",
		"HTTPS://acme.example":     "https://acme.example",
	} {
		got, err := settleSubject(given)
		require.NoError(t, err, given)
		assert.Equal(t, want, got)
	}
	for _, bad := range []string{
		"", "mailto:", "mailto:mailto:ops@acme.example", "ops", "@acme.example", "ops@localhost", "ops@mail.localhost", "ops@acme.local",
		"ops@acme.test", "ops@acme.invalid", "ops@acme.internal", "ops@acme", "Ops <ops@acme.example>", "ops@acme.example, b@acme.example",
		"http://acme.example", "https://", "https://localhost/ops", "https://127.0.0.1/", "https://[::1]/", "https://user@acme.example/",
		"ops@acme.example\r\nX: y", "öps@acme.example", "tel:+49123",
	} {
		_, err := settleSubject(bad)
		assert.ErrorIs(t, err, notify.ErrInvalid, bad)
	}
}

// A missing public key is derived, and every form of base64 is understood.
func TestKeys_areAPair(t *testing.T) {
	keys := generate(t)
	raw, err := base64.RawURLEncoding.DecodeString(keys.Private)
	require.NoError(t, err)
	for _, private := range []string{keys.Private, base64.URLEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)} {
		c := open(t, Options{Keys: Keys{Private: private}})
		assert.Equal(t, keys.Public, c.PublicKey())
		assert.Equal(t, keys.Private, c.keys[c.current].Private)
	}
	public, err := base64.RawURLEncoding.DecodeString(keys.Public)
	require.NoError(t, err)
	assert.Len(t, public, publicBytes)
	assert.Len(t, keys.ID(), 8)
	assert.NotEqual(t, keys.ID(), generate(t).ID())
}

func TestSecrets_areNotPrinted(t *testing.T) { // R34
	keys := generate(t)
	o := Options{Subject: "ops@acme.example", Keys: keys, Previous: []Keys{generate(t)}}
	c := open(t, o)
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "keys", keys, "options", o, "channel", c)
	for _, text := range []string{
		logged.String(), fmt.Sprint(keys, o, c), fmt.Sprintf("%+v %+v %+v %#v %#v %#v", keys, o, c, keys, o, c),
	} {
		assert.NotContains(t, text, keys.Private)
		assert.NotContains(t, text, o.Previous[0].Private)
	}
}
