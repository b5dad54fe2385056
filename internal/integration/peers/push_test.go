package peers

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/browser"
	"github.com/bellwether-go/notify/notifytest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

// message is what the push service on Node.js has read.
type message struct {
	Error               string
	Path, Key, Subject  string
	Lasts, Size         int
	TTL, Topic, Urgency string
	Message             browser.Message
}

func TestPush_isReadByOthers(t *testing.T) {
	service := node(t, "pushservice.mjs")
	cert, key, roots := identity(t)
	service.say(map[string]any{"cert": cert, "key": key, "subscriptions": 2})
	var hello struct{ Subscriptions []json.RawMessage }
	service.hear(&hello)
	require.Len(t, hello.Subscriptions, 2)

	keys, err := browser.GenerateKeys()
	require.NoError(t, err)
	c, err := browser.New(browser.Options{Subject: "mailto:ops@acme.example", Keys: keys, Allow: loopback, RootCAs: roots})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })

	for i, subscription := range hello.Subscriptions {
		a, err := browser.Subscription(subscription)
		require.NoError(t, err)
		a, err = c.CheckAddress(a)
		require.NoError(t, err)
		for _, body := range []string{"", "Grüße 🎁 <b>&", strings.Repeat("x", 700), strings.Repeat("ü", 900), strings.Repeat("lang ", 3_000)} {
			d := notify.Delivery{
				ID: "01935b2a-6c00-7000-8000-0123456789ab", Attempt: 1, Address: a, Unread: 7, Recipient: notify.User("ann"),
				Item: notify.Item{ID: "01935b2a-6c00-7000-8000-00000000000a", Notification: notify.Notification{
					Provider: "billing", Title: "Invoice 17 is due", Body: body, URL: "https://app.acme.example/17", Priority: notify.High,
				}},
			}
			require.NoError(t, c.Deliver(t.Context(), d))
			var got message
			service.hear(&got)
			require.Empty(t, got.Error)
			assert.Equal(t, []string{"/push/0", "/push/1"}[i], got.Path)
			assert.Equal(t, keys.Public, got.Key)
			assert.Equal(t, "mailto:ops@acme.example", got.Subject)
			assert.InDelta(t, 12*time.Hour.Seconds(), got.Lasts, 300)
			assert.Equal(t, "86400", got.TTL)
			assert.Equal(t, "high", got.Urgency)
			assert.Equal(t, d.Identity(), got.Topic)
			assert.Contains(t, []int{1024, 2048, 3070}, got.Size)

			n := got.Message.Notification
			assert.Equal(t, 8030, got.Message.WebPush)
			assert.Equal(t, 7, got.Message.AppBadge)
			assert.Equal(t, "Invoice 17 is due", n.Title)
			assert.Equal(t, "https://app.acme.example/17", n.Navigate)
			assert.Equal(t, d.Item.ID, n.Data.ID)
			assert.True(t, strings.HasPrefix(body, strings.TrimSuffix(n.Body, "…")))
		}
	}
}

// The push service for tests is as good a judge: it takes what another sender
// sends, and refuses what a real service refuses.
func TestPushSink_judgesOthers(t *testing.T) {
	service := notifytest.NewPush(t)
	sender := node(t, "sendpush.mjs")
	keys, err := browser.GenerateKeys()
	require.NoError(t, err)
	others, err := browser.GenerateKeys()
	require.NoError(t, err)
	ca := certificateOf(t, service)
	s := service.Subscribe(keys.Public)

	send := func(k browser.Keys, subscription json.RawMessage, text string, options map[string]any) any {
		sender.say(map[string]any{
			"subscription": subscription, "text": text, "ca": ca, "options": options,
			"vapid": map[string]string{"subject": "mailto:ops@acme.example", "publicKey": k.Public, "privateKey": k.Private},
		})
		var answer struct{ Status any }
		sender.hear(&answer)
		return answer.Status
	}
	assert.EqualValues(t, 201, send(keys, s.JSON(), "Grüße 🎁", map[string]any{"TTL": 60, "topic": "abc", "urgency": "low"}))
	assert.EqualValues(t, 201, send(keys, s.JSON(), strings.Repeat("x", 3993), nil))
	got := service.Accepted()
	require.Len(t, got, 2)
	assert.Equal(t, "Grüße 🎁", string(got[0].Text))
	assert.Equal(t, time.Minute, got[0].TTL)
	assert.Equal(t, "abc", got[0].Topic)
	assert.Equal(t, "low", got[0].Urgency)
	assert.Equal(t, "mailto:ops@acme.example", got[0].Subject)
	assert.Equal(t, strings.Repeat("x", 3993), string(got[1].Text))

	assert.EqualValues(t, 413, send(keys, s.JSON(), strings.Repeat("x", 3994), nil))
	assert.EqualValues(t, 403, send(others, s.JSON(), "x", nil))
	stranger := notifytest.NewPush(t).Subscribe(keys.Public) // other keys under this endpoint
	mixed := strings.Replace(string(stranger.JSON()), stranger.Endpoint, s.Endpoint, 1)
	assert.EqualValues(t, 400, send(keys, json.RawMessage(mixed), "x", nil))
	service.Unsubscribe(s)
	assert.EqualValues(t, 410, send(keys, s.JSON(), "x", nil))
	assert.Len(t, service.Accepted(), 2)
}

// certificateOf is what the sink shows to clients, in PEM.
func certificateOf(t *testing.T, service *notifytest.Push) string {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(service.URL(), "https://"), &tls.Config{RootCAs: service.RootCAs()})
	require.NoError(t, err)
	defer conn.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
}
