package email

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestNewNamesTheBadOption(t *testing.T) {
	for _, test := range []struct {
		field string
		spoil func(*Options)
	}{
		{"Relay", func(o *Options) { o.Relay = "" }},
		{"Relay", func(o *Options) { o.Relay = "smtp.acme.example" }},
		{"Relay", func(o *Options) { o.Relay = "smtp.acme.example:smtp" }},
		{"Relay", func(o *Options) { o.Relay = "smtp.acme.example:0" }},
		{"Relay", func(o *Options) { o.Relay = "a b:25" }},
		{"From", func(o *Options) { o.From = "" }},
		{"From", func(o *Options) { o.From = "no-reply@acme.example\r\nBcc: x@y.example" }},
		{"From", func(o *Options) { o.From = `"a b"@acme.example` }},
		{"From", func(o *Options) { o.From = "a@b.example, c@d.example" }},
		{"ReplyTo", func(o *Options) { o.ReplyTo = "nobody" }},
		{"Brand.Name", func(o *Options) { o.Brand.Name = "a\x00" }},
		{"Domain", func(o *Options) { o.Domain = "acme.example>\r\nX: y" }},
		{"Hello", func(o *Options) { o.Hello = "a b" }},
		{"Locale", func(o *Options) { o.Locale = "tlh" }},
		{"Brand.Address", func(o *Options) { o.Brand.Address = "\xff" }},
		{"Brand.Logo", func(o *Options) { o.Brand.Logo = "http://acme.example/logo.png" }},
		{"Brand.Logo", func(o *Options) { o.Brand.Logo = "data:image/png;base64,AA==" }},
		{"Brand.URL", func(o *Options) { o.Brand.URL = "javascript:alert(1)" }},
		{"Brand.Support", func(o *Options) { o.Brand.Support = "somebody" }},
		{"Brand.Accent", func(o *Options) { o.Brand.Accent = "red" }},
		{"Brand.Accent", func(o *Options) { o.Brand.Accent = "#12345g" }},
		{"Brand.Accent", func(o *Options) { o.Brand.Accent = "#fff;}" }},
		{"FeedbackID", func(o *Options) { o.FeedbackID = "a:b" }},
		{"FeedbackID", func(o *Options) { o.FeedbackID = "a\r\nX: y" }},
		{"TLS", func(o *Options) { o.TLS = "ssl" }},
		{"TLS", func(o *Options) { o.TLS, o.Username = Plaintext, "u" }},
		{"TLS", func(o *Options) { o.Relay, o.Username = "127.0.0.1:25", "u" }},
		{"Bounce", func(o *Options) { o.Bounce = "Bounces <b@acme.example>" }},
		{"MaxSessions", func(o *Options) { o.MaxSessions = -1 }},
		{"Username", func(o *Options) { o.Password = "secret" }},
		{"Password", func(o *Options) { o.Username, o.Password = "u", "a\x00b" }},
		{"Timeout", func(o *Options) { o.Timeout = -1 }},
		{"SubmitTimeout", func(o *Options) { o.SubmitTimeout = -1 }},
	} {
		o := Options{Relay: "smtp.acme.example:587", From: "no-reply@acme.example"}
		test.spoil(&o)
		_, err := New(o)
		require.ErrorIs(t, err, notify.ErrInvalid, test.field)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, test.field, bad.Field)
		assert.NotContains(t, err.Error(), "@")
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestDefaults(t *testing.T) {
	c, err := New(Options{Relay: "smtp.acme.example:587", From: "no-reply@Acme.example"})
	require.NoError(t, err)
	assert.Equal(t, "acme.example", c.o.Domain)
	assert.Equal(t, "acme.example", c.o.Hello)
	assert.Equal(t, "acme.example", c.o.look.Name)
	assert.Equal(t, 30*time.Second, c.o.Timeout)
	assert.Equal(t, 10*time.Minute, c.o.SubmitTimeout)
	assert.Equal(t, "smtp.acme.example", c.o.TLSConfig.ServerName)
	assert.Equal(t, "smtp.acme.example:587", c.Destination(notify.Address{}))
	assert.Equal(t, notify.Email, c.Name())

	for relay, want := range map[string]TLSMode{
		"smtp.acme.example:587": StartTLS, "smtp.acme.example:25": StartTLS, "smtp.acme.example:465": ImplicitTLS,
		"localhost:25": Plaintext, "127.0.0.2:1025": Plaintext, "[::1]:25": Plaintext, "10.0.0.1:25": StartTLS,
	} {
		c, err := New(Options{Relay: relay, From: "no-reply@acme.example"})
		require.NoError(t, err, relay)
		assert.Equal(t, want, c.o.TLS, relay)
	}
}

func TestThePasswordIsNeverPrinted(t *testing.T) {
	o := Options{Relay: "smtp.acme.example:587", From: "no-reply@acme.example", Username: "robot", Password: "open-sesame"}
	c, err := New(o)
	require.NoError(t, err)
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("options", "options", o, "channel", c)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&out, verb, o)
		fmt.Fprintf(&out, verb, c)
		fmt.Fprintf(&out, verb, []any{o, c})
	}
	assert.NotContains(t, out.String(), "sesame")
	assert.Contains(t, out.String(), "smtp.acme.example:587")
}
