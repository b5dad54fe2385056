package browser

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/SherClockHolmes/webpush-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// takesAll is a push service that does nothing.
func takesAll(t testing.TB) (url string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

// A push costs 25 allocations at most on top of those that webpush-go makes to
// encrypt, sign and post a message that is there already. Both talk to the same
// server over a connection that stays open, and its part is the same in both.
func TestDeliver_costsLittleMoreThanTheLibrary(t *testing.T) {
	url, roots := takesAll(t)
	c := open(t, Options{Allow: loopback, RootCAs: roots})
	a, err := c.CheckAddress(notify.Address{Value: url + "/push/1", Meta: metaOf(p256dh, auth)})
	require.NoError(t, err)
	d := delivery(a)
	d.Registered = d.Item.Filed
	ready, err := fit(d, records[0])
	require.NoError(t, err)

	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(client.CloseIdleConnections)
	keys := c.keys[c.current]
	alone := testing.AllocsPerRun(200, func() {
		text := append(make([]byte, 0, records[0]), ready.text...) // it writes behind the end
		response, err := webpush.SendNotificationWithContext(t.Context(), text,
			&webpush.Subscription{Endpoint: a.Value, Keys: webpush.Keys{P256dh: p256dh, Auth: auth}},
			&webpush.Options{
				HTTPClient: client, RecordSize: uint32(ready.record), Subscriber: c.subject,
				VAPIDPublicKey: keys.Public, VAPIDPrivateKey: keys.Private,
				Topic: ready.topic, TTL: 86400, Urgency: webpush.UrgencyNormal,
			})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	})
	ours := testing.AllocsPerRun(200, func() {
		if err := c.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	})
	assert.LessOrEqual(t, ours-alone, 25.0, "%v alone, %v through the channel", alone, ours)
	t.Logf("%v alone, %v through the channel", alone, ours)
}
