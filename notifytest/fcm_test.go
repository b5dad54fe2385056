package notifytest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertion is the JWT of a service account, with the claims changed.
func (f *FCM) assertion(t *testing.T, change map[string]any) string {
	t.Helper()
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": serviceAccountEmail, "scope": "https://www.googleapis.com/auth/firebase.messaging",
		"aud": f.URL() + "/token", "iat": now, "exp": now + 3600,
	}
	for name, value := range change {
		claims[name] = value
	}
	part := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, f.key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (f *FCM) askForToken(t *testing.T, grant, assertion string) (status int, token string) {
	t.Helper()
	form := url.Values{"grant_type": {grant}, "assertion": {assertion}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL()+"/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body := send(t, client(&f.Sink), r)
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return status, answer.Token
}

const jwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"

func TestFCM_givesTokensToTheServiceAccountOnly(t *testing.T) {
	f := NewFCM(t)
	now := time.Now().Unix()
	for _, test := range []struct {
		grant  string
		change map[string]any
		status int
	}{
		{jwtBearer, nil, 200},
		{"password", nil, 400},
		{jwtBearer, map[string]any{"iss": "mallory"}, 400},
		{jwtBearer, map[string]any{"aud": "https://elsewhere.example/token"}, 400},
		{jwtBearer, map[string]any{"scope": "email"}, 400},
		{jwtBearer, map[string]any{"iat": now + 3600, "exp": now + 7200}, 400},
		{jwtBearer, map[string]any{"iat": now - 7200, "exp": now - 3600}, 400},
		{jwtBearer, map[string]any{"exp": now + 7200}, 400},
	} {
		status, token := f.askForToken(t, test.grant, f.assertion(t, test.change))
		assert.Equal(t, test.status, status, "%v", test.change)
		assert.Equal(t, test.status == 200, token != "")
	}
	forged := f.assertion(t, nil)
	status, _ := f.askForToken(t, jwtBearer, forged[:len(forged)-8]+"AAAAAAAA")
	assert.Equal(t, 400, status)
}

func TestFCM_checksMessages(t *testing.T) {
	f := NewFCM(t)
	_, token := f.askForToken(t, jwtBearer, f.assertion(t, nil))
	message := func(inner string) string { return `{"message":{"token":"device",` + inner + `}}` }
	const good = `"notification":{"title":"x"},"data":{"v":"1"},"android":{"ttl":"60s"}`
	for _, test := range []struct {
		status            int
		path, token, body string
	}{
		{200, "/v1/projects/example-project/messages:send", token, message(good)},
		{404, "/v1/projects/other/messages:send", token, message(good)},
		{401, "/v1/projects/example-project/messages:send", "forged", message(good)},
		{400, "/v1/projects/example-project/messages:send", token, "{"},
		{400, "/v1/projects/example-project/messages:send", token, `{"message":{` + good + `}}`},
		{400, "/v1/projects/example-project/messages:send", token, message(`"data":{"v":1},"notification":{"title":"x"},"android":{"ttl":"60s"}`)},
		{400, "/v1/projects/example-project/messages:send", token, message(`"android":{"ttl":"60s"}`)},
		{400, "/v1/projects/example-project/messages:send", token, message(`"notification":{"title":"x"},"android":{"ttl":"soon"}`)},
		{400, "/v1/projects/example-project/messages:send", token, message(`"notification":{"title":"` + strings.Repeat("x", maxPayload) + `"},"android":{"ttl":"60s"}`)},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL()+test.path, strings.NewReader(test.body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+test.token)
		status, _ := send(t, client(&f.Sink), r)
		assert.Equal(t, test.status, status, "%.200s", test.body)
	}
	assert.Len(t, f.Accepted(), 1)
	assert.Equal(t, "device", f.Accepted()[0].Token)

	f.RevokeTokens()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL()+"/v1/projects/example-project/messages:send", strings.NewReader(message(good)))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	status, _ := send(t, client(&f.Sink), r)
	assert.Equal(t, 401, status)
}
