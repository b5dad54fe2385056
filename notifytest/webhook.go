package notifytest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Webhook is a receiver of webhooks on loopback. It checks the signature as
// Standard Webhooks defines it, answers 401 to what is not signed by one of its
// secrets, and 204 to the rest.
type Webhook struct {
	Sink[WebhookRequest]

	keys [][]byte
}

// WebhookRequest is a request that has come to a [Webhook].
type WebhookRequest struct {
	Path   string
	ID     string // webhook-id: the same for each attempt
	Header http.Header
	Body   []byte
}

// NewWebhook starts a receiver that ends with the test. Without a secret it has
// one of its own; see Secrets.
func NewWebhook(t testing.TB, secrets ...string) *Webhook {
	t.Helper()
	w := new(Webhook)
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			t.Fatalf("notifytest: the secret is not in base64: %v", err)
		}
		w.keys = append(w.keys, key)
	}
	if len(w.keys) == 0 {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		w.keys = append(w.keys, key)
	}
	w.start(t, http.HandlerFunc(w.serve))
	return w
}

// Secrets are what requests may be signed by: "whsec_" and base64.
func (w *Webhook) Secrets() []string {
	var all []string
	for _, key := range w.keys {
		all = append(all, "whsec_"+base64.StdEncoding.EncodeToString(key))
	}
	return all
}

func (w *Webhook) serve(out http.ResponseWriter, r *http.Request) {
	request := WebhookRequest{Path: r.URL.Path, ID: r.Header.Get("webhook-id"), Header: r.Header.Clone(), Body: readAll(r)}
	arrival := w.arrive(request)
	reply := arrival.reply
	if !reply.play(out, r) {
		return
	}
	status := http.StatusNoContent
	if r.Method != http.MethodPost || !w.signed(request) {
		status = http.StatusUnauthorized
	}
	w.settle(arrival, status == http.StatusNoContent && reply.accepts())
	reply.write(out, status, "")
}

// signed tells whether one of the signatures is by one of the keys, and not
// from another time.
func (w *Webhook) signed(r WebhookRequest) bool {
	timestamp := r.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute || r.ID == "" {
		return false
	}
	signatures := strings.Fields(r.Header.Get("webhook-signature"))
	return slices.ContainsFunc(w.keys, func(key []byte) bool {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(r.ID + "." + timestamp + "."))
		mac.Write(r.Body)
		return slices.Contains(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	})
}
