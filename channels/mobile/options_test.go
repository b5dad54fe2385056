package mobile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestNew_namesTheBadOption(t *testing.T) {
	_, s := start(t)
	account := func(key string, value any) []byte {
		var file map[string]any
		require.NoError(t, json.Unmarshal(s.firebase.ServiceAccount(), &file))
		file[key] = value
		changed, err := json.Marshal(file)
		require.NoError(t, err)
		return changed
	}
	for _, test := range []struct {
		field string
		spoil func(*Options)
	}{
		{"Firebase", func(o *Options) { o.Firebase, o.Apple = nil, nil }},
		{"Keep", func(o *Options) { o.Keep = -1 }},
		{"Keep", func(o *Options) { o.Keep = longestKeep + 1 }},
		{"Timeout", func(o *Options) { o.Timeout = 14 * time.Second }},
		{"Timeout", func(o *Options) { o.Timeout = -1 }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = nil }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("type", "external_account") }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("project_id", "") }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("project_id", "a/../b") }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("client_email", "") }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("private_key", "secret") }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("private_key", string(s.apple.Key())) }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("token_uri", "http://127.0.0.1/token") }},
		{"Firebase[0].ServiceAccount", func(o *Options) { o.Firebase[0].ServiceAccount = account("token_uri", "https://169.254.169.254/") }},
		{"Firebase[0].Endpoint", func(o *Options) { o.Firebase[0].Endpoint = "http://fcm.example.com" }},
		{"Firebase[0].AndroidChannel", func(o *Options) { o.Firebase[0].AndroidChannel = "a\nb" }},
		{"Firebase[1].ServiceAccount", func(o *Options) { o.Firebase = append(o.Firebase, o.Firebase[0]) }},
		{"Apple[0].Team", func(o *Options) { o.Apple[0].Team = "short" }},
		{"Apple[0].KeyID", func(o *Options) { o.Apple[0].KeyID = "key3456789" }},
		{"Apple[0].Key", func(o *Options) { o.Apple[0].Key = nil }},
		{"Apple[0].Key", func(o *Options) {
			o.Apple[0].Key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})
		}},
		{"Apple[0].Key", func(o *Options) { o.Apple[0].Key = otherCurve(t) }},
		{"Apple[0].Topics", func(o *Options) { o.Apple[0].Topics = nil }},
		{"Apple[0].Topics", func(o *Options) { o.Apple[0].Topics = []string{"com.example/app"} }},
		{"Apple[0].Topics", func(o *Options) { o.Apple[0].Topics = []string{"a.b", "a.b"} }},
		{"Apple[0].Endpoint", func(o *Options) { o.Apple[0].Endpoint = "https://user@api.push.apple.com" }},
		{"Apple[0].Sandbox", func(o *Options) { o.Apple[0].Sandbox = "https://10.0.0.1" }},
	} {
		o := s.options()
		test.spoil(&o)
		_, err := New(o)
		require.ErrorIs(t, err, notify.ErrInvalid, test.field)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, test.field, bad.Field)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func otherCurve(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestDefaults_areTheRealServices(t *testing.T) {
	_, s := start(t)
	c := s.channel(t, func(o *Options) {
		o.Firebase[0].Endpoint, o.Apple[0].Endpoint, o.Apple[0].Sandbox = "", "", ""
	})
	assert.Equal(t, "https://fcm.googleapis.com/v1/projects/example-project/messages:send", c.projects["example-project"].url)
	assert.Equal(t, map[Environment]string{
		Production: "https://api.push.apple.com", Sandbox: "https://api.sandbox.push.apple.com",
	}, c.teams["com.example.app"].urls)
	assert.Equal(t, 30*time.Second, c.o.Timeout)
	assert.Equal(t, 28*24*time.Hour, c.o.Keep)
	assert.Equal(t, notify.Mobile, c.Name())
	assert.True(t, c.WantsUnread())
}

// However a host prints what it holds, no key comes out.
func TestSecretsAreNotPrinted(t *testing.T) {
	c, s := start(t)
	o := s.options()
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{o, &o, o.Firebase, o.Firebase[0], &o.Firebase[0], o.Apple, o.Apple[0], c} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			fmt.Fprintf(&out, format, v)
		}
		log.Info("printed", "value", v)
	}
	printed, err := json.Marshal([]any{o.Firebase, o.Apple})
	require.NoError(t, err)
	out.Write(printed)
	for _, secret := range []string{"PRIVATE", "private_key", "45 45 45", "LS0tLS1", "0x2d, 0x2d", "client_email"} {
		assert.NotContains(t, out.String(), secret)
	}
}
