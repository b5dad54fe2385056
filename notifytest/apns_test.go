package notifytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client speaks HTTP/2 to a sink.
func client[R any](s *Sink[R]) *http.Client { return s.server.Client() }

func send(t *testing.T, c *http.Client, r *http.Request) (status int, body string) {
	t.Helper()
	response, err := c.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// es256 signs a token as Apple asks.
func es256(t *testing.T, key *ecdsa.PrivateKey, keyID, team string, issued time.Time) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]string{"alg": "ES256", "kid": keyID}) + "." + part(map[string]any{"iss": team, "iat": issued.Unix()})
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	require.NoError(t, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

var deviceToken = strings.Repeat("0a", 32)

func TestAPNs_checksLikeTheRealOne(t *testing.T) {
	a := NewAPNs(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	provider := func(key *ecdsa.PrivateKey, keyID, team string, age time.Duration) string {
		return "bearer " + es256(t, key, keyID, team, time.Now().Add(-age))
	}
	good := provider(a.key, a.KeyID, a.Team, 0)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	body := func(text string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		}
	}
	path := func(path string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = path } }
	for _, test := range []struct {
		status int
		reason string
		change func(*http.Request)
	}{
		{200, "", func(*http.Request) {}},
		{200, "", path("/sandbox/3/device/" + deviceToken)},
		{405, "MethodNotAllowed", func(r *http.Request) { r.Method = http.MethodPut }},
		{404, "BadPath", path("/4/device/" + deviceToken)},
		{403, "MissingProviderToken", func(r *http.Request) { r.Header.Del("Authorization") }},
		{403, "InvalidProviderToken", set("Authorization", "bearer a.b")},
		{403, "InvalidProviderToken", set("Authorization", provider(stranger, a.KeyID, a.Team, 0))},
		{403, "InvalidProviderToken", set("Authorization", provider(a.key, "KEYOFOTHER", a.Team, 0))},
		{403, "InvalidProviderToken", set("Authorization", provider(a.key, a.KeyID, "TEAMOTHERS", 0))},
		{403, "InvalidProviderToken", set("Authorization", provider(a.key, a.KeyID, a.Team, -time.Hour))},
		{403, "ExpiredProviderToken", set("Authorization", provider(a.key, a.KeyID, a.Team, 2*time.Hour))},
		{400, "BadDeviceToken", path("/3/device/abc")},
		{400, "MissingTopic", func(r *http.Request) { r.Header.Del("apns-topic") }},
		{400, "TopicDisallowed", set("apns-topic", "com.example.other")},
		{400, "InvalidPushType", set("apns-push-type", "background")},
		{400, "BadMessageId", set("apns-id", "17")},
		{400, "BadCollapseId", set("apns-collapse-id", strings.Repeat("x", 65))},
		{400, "BadExpirationDate", set("apns-expiration", "tomorrow")},
		{400, "BadPriority", set("apns-priority", "high")},
		{413, "PayloadTooLarge", body(`{"aps":{"alert":{"title":"` + strings.Repeat("x", maxPayload) + `"}}}`)},
		{400, "PayloadEmpty", body(`{"aps":{}}`)},
		{400, "PayloadEmpty", body("{")},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/3/device/"+deviceToken, bytes.NewReader([]byte(`{"aps":{"alert":{"title":"x"}}}`)))
		require.NoError(t, err)
		for name, value := range map[string]string{
			"Authorization": good, "apns-topic": a.Topic, "apns-push-type": "alert", "apns-priority": "10",
			"apns-id": "0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b", "apns-expiration": "0",
		} {
			r.Header.Set(name, value)
		}
		test.change(r)
		before := len(a.Accepted())
		status, text := send(t, client(&a.Sink), r)
		assert.Equal(t, test.status, status, test.reason)
		if test.reason != "" {
			assert.Contains(t, text, fmt.Sprintf(`"reason":%q`, test.reason))
		}
		assert.Equal(t, test.status == 200, len(a.Accepted()) > before)
	}
	assert.True(t, a.Accepted()[1].Sandbox)
}

func TestAPNs_wantsHTTP2(t *testing.T) {
	a := NewAPNs(t)
	old := client(&a.Sink).Transport.(*http.Transport).Clone()
	old.Protocols = new(http.Protocols)
	old.Protocols.SetHTTP1(true)
	old.TLSClientConfig.NextProtos = nil
	defer old.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/3/device/"+deviceToken, nil)
	require.NoError(t, err)
	status, _ := send(t, &http.Client{Transport: old}, r)
	assert.Equal(t, http.StatusUpgradeRequired, status)
}
