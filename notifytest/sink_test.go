package notifytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signed is a request that a Webhook takes.
func signed(t *testing.T, w *Webhook, at time.Time, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL()+"/hook", strings.NewReader(body))
	require.NoError(t, err)
	timestamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, w.keys[0])
	mac.Write([]byte("id." + timestamp + "." + body))
	r.Header.Set("webhook-id", "id")
	r.Header.Set("webhook-timestamp", timestamp)
	r.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return r
}

func TestWebhook_takesWhatIsSigned(t *testing.T) {
	w := NewWebhook(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	assert.Equal(t, []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, w.Secrets())
	status, _ := send(t, client(&w.Sink), signed(t, w, time.Now(), "{}"))
	assert.Equal(t, http.StatusNoContent, status)
	require.Len(t, w.Accepted(), 1)
	assert.Equal(t, WebhookRequest{Path: "/hook", ID: "id", Header: w.Accepted()[0].Header, Body: []byte("{}")}, w.Accepted()[0])

	for name, change := range map[string]func(*http.Request){
		"another id":     func(r *http.Request) { r.Header.Set("webhook-id", "other") },
		"no id":          func(r *http.Request) { r.Header.Del("webhook-id") },
		"no time":        func(r *http.Request) { r.Header.Del("webhook-timestamp") },
		"no signature":   func(r *http.Request) { r.Header.Del("webhook-signature") },
		"another method": func(r *http.Request) { r.Method = http.MethodPut },
	} {
		r := signed(t, w, time.Now(), "{}")
		change(r)
		status, _ := send(t, client(&w.Sink), r)
		assert.Equal(t, http.StatusUnauthorized, status, name)
	}
	status, _ = send(t, client(&w.Sink), signed(t, w, time.Now().Add(-time.Hour), "{}"))
	assert.Equal(t, http.StatusUnauthorized, status, "too old")
	assert.Len(t, w.Accepted(), 1)
	assert.Equal(t, 7, w.Requests())
}

func TestReply_doesWhatItSays(t *testing.T) {
	w := NewWebhook(t)
	try := func() (*http.Response, error) { return client(&w.Sink).Do(signed(t, w, time.Now(), "{}")) }
	done := func(response *http.Response) string {
		defer response.Body.Close()
		text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		require.NoError(t, err)
		return string(text)
	}
	w.Script(
		Reply{Status: 503, Header: http.Header{"retry-after": {"7"}}, Body: "busy"},
		Reply{Reset: true},
		Reply{GoAway: true},
		Reply{}, // what the client tries again
		Reply{Status: 500, Endless: true},
	)
	response, err := try()
	require.NoError(t, err)
	assert.Equal(t, 503, response.StatusCode)
	assert.Equal(t, "7", response.Header.Get("Retry-After"))
	assert.Equal(t, "busy", done(response))
	assert.Empty(t, w.Taken())

	_, err = try()
	require.Error(t, err)
	assert.Len(t, w.Taken(), 1, "taken, and no answer")
	assert.Empty(t, w.Accepted())

	response, err = try()
	require.NoError(t, err, "the client tries what GOAWAY refused on another connection")
	assert.Equal(t, 204, response.StatusCode)
	done(response)
	response, err = try()
	require.NoError(t, err)
	assert.Equal(t, 500, response.StatusCode)
	assert.Len(t, done(response), 1<<20)

	assert.Equal(t, 5, w.Requests())
	assert.Len(t, w.Accepted(), 1)

	w.Answer(func(r WebhookRequest) Reply {
		assert.Equal(t, "id", r.ID)
		return Reply{Status: 410}
	})
	w.Script(Reply{Delay: time.Millisecond})
	response, err = try()
	require.NoError(t, err)
	assert.Equal(t, 204, response.StatusCode, "the script goes first")
	done(response)
	assert.Len(t, w.Taken(), 3, "no second time after the delay")
	response, err = try()
	require.NoError(t, err)
	assert.Equal(t, 410, response.StatusCode)
	done(response)
	w.Disconnect()
}
