package peers

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/mobile"
	"github.com/bellwether-go/notify/channels/webhook"
	"github.com/bellwether-go/notify/notifytest"
)

// verdict is what the libraries on Node.js say.
type verdict struct {
	OK    map[string]any
	Error string
}

// verify asks them.
func verify(t *testing.T, p *program, what map[string]any) verdict {
	t.Helper()
	p.say(what)
	var v verdict
	p.hear(&v)
	return v
}

func delivery(channel, value string, meta any) notify.Delivery {
	text, err := json.Marshal(meta)
	if err != nil {
		panic(err)
	}
	return notify.Delivery{
		ID: "01935b2a-6c00-7000-8000-0123456789ab", Attempt: 1, Recipient: notify.User("ann"),
		Address: notify.Address{Channel: channel, Value: value, Meta: text},
		Item: notify.Item{ID: "01935b2a-6c00-7000-8000-00000000000a", Notification: notify.Notification{
			Provider: "billing", Title: "Grüße 🎁 <b>&\u2028", URL: "https://app.acme.example/17",
		}},
	}
}

func TestWebhook_isVerifiedByOthers(t *testing.T) {
	node := node(t, "verify.mjs")
	old, fresh := webhook.NewSecret(), webhook.NewSecret()
	r := notifytest.NewWebhook(t, old)
	c, err := webhook.New(webhook.Options{Allow: loopback, RootCAs: r.RootCAs()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.Deliver(t.Context(), delivery(notify.Webhook, r.URL(), webhook.Endpoint{Secrets: []string{fresh, old}})))
	require.Len(t, r.Accepted(), 1)
	got := r.Accepted()[0]
	headers := map[string]string{}
	for _, name := range []string{webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderSignature} {
		headers[name] = got.Header.Get(name)
	}
	for _, secret := range []string{old, fresh} {
		v := verify(t, node, map[string]any{"secret": secret, "headers": headers, "body": string(got.Body)})
		require.Empty(t, v.Error)
		assert.Equal(t, "notification", v.OK["type"])
		assert.Equal(t, "Grüße 🎁 <b>&\u2028", v.OK["data"].(map[string]any)["title"])
		v = verify(t, node, map[string]any{"secret": secret, "headers": headers, "body": string(got.Body) + " "})
		assert.Contains(t, v.Error, "signature")
	}
	v := verify(t, node, map[string]any{"secret": webhook.NewSecret(), "headers": headers, "body": string(got.Body)})
	assert.Contains(t, v.Error, "signature")
}

func TestMobileTokens_areVerifiedByOthers(t *testing.T) {
	node := node(t, "verify.mjs")
	apple, firebase := notifytest.NewAPNs(t), notifytest.NewFCM(t)
	c, err := mobile.New(mobile.Options{
		Firebase: []mobile.Firebase{{ServiceAccount: firebase.ServiceAccount(), Endpoint: firebase.URL()}},
		Apple:    []mobile.Apple{{Team: apple.Team, KeyID: apple.KeyID, Key: apple.Key(), Topics: []string{apple.Topic}, Endpoint: apple.URL()}},
		Allow:    loopback, RootCAs: apple.RootCAs(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	const iPhone = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
	require.NoError(t, c.Deliver(t.Context(), delivery(notify.Mobile, iPhone, mobile.Device{Platform: mobile.APNs})))
	require.NoError(t, c.Deliver(t.Context(), delivery(notify.Mobile, "an-android-phone:APA91b", mobile.Device{Platform: mobile.FCM})))

	provider := apple.Accepted()[0].Provider
	v := verify(t, node, map[string]any{
		"token": provider, "key": public(t, apple.Key()), "algorithm": "ES256",
		"claims": map[string]any{"issuer": apple.Team, "maxTokenAge": "1h"},
	})
	require.Empty(t, v.Error)
	assert.Equal(t, map[string]any{"alg": "ES256", "kid": apple.KeyID}, v.OK["header"])

	var account struct {
		Key   string `json:"private_key"`
		Email string `json:"client_email"`
		URL   string `json:"token_uri"`
	}
	require.NoError(t, json.Unmarshal(firebase.ServiceAccount(), &account))
	v = verify(t, node, map[string]any{
		"token": firebase.Assertions()[0], "key": public(t, []byte(account.Key)), "algorithm": "RS256",
		"claims": map[string]any{"issuer": account.Email, "audience": account.URL, "requiredClaims": []string{"exp", "iat", "scope"}},
	})
	require.Empty(t, v.Error)

	v = verify(t, node, map[string]any{"token": provider, "key": public(t, notifytest.NewAPNs(t).Key()), "algorithm": "ES256"})
	assert.Contains(t, v.Error, "signature verification failed")
}

// public is the public half of a private key, both in PEM.
func public(t *testing.T, private []byte) string {
	t.Helper()
	block, _ := pem.Decode(private)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
