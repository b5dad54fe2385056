package integration

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/channels/mobile"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/bellwether-go/notify/store/memory"
)

// The tokens that the mobile channel shows to Apple and Google, read by somebody
// else's library.
func TestTokens_areValidForAnIndependentLibrary(t *testing.T) {
	p := newPhones(t, memory.New(nil), nil)
	p.register(t, mobile.APNs, iPhone)
	p.register(t, mobile.FCM, pixel)
	p.deliver(t, "one")
	require.Len(t, p.apple.Accepted(), 1)
	require.Len(t, p.firebase.Assertions(), 1)

	key, err := jwt.ParseECPrivateKeyFromPEM(p.apple.Key())
	require.NoError(t, err)
	token, err := jwt.Parse(p.apple.Accepted()[0].Provider, func(*jwt.Token) (any, error) { return &key.PublicKey, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(p.apple.Team), jwt.WithIssuedAt(), jwt.WithStrictDecoding())
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"alg": "ES256", "kid": p.apple.KeyID}, token.Header)
	assert.Len(t, token.Claims, 2, "iss and iat, and no more")

	var account struct {
		Key   string `json:"private_key"`
		Email string `json:"client_email"`
		URL   string `json:"token_uri"`
	}
	require.NoError(t, json.Unmarshal(p.firebase.ServiceAccount(), &account))
	rsa, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(account.Key))
	require.NoError(t, err)
	token, err = jwt.Parse(p.firebase.Assertions()[0], func(*jwt.Token) (any, error) { return &rsa.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(account.Email), jwt.WithAudience(account.URL),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	require.NoError(t, err)
	expires, err := token.Claims.GetExpirationTime()
	require.NoError(t, err)
	assert.LessOrEqual(t, time.Until(expires.Time), time.Hour+time.Second)

	stranger, err := jwt.ParseECPrivateKeyFromPEM(notifytest.NewAPNs(t).Key())
	require.NoError(t, err)
	_, err = jwt.Parse(p.apple.Accepted()[0].Provider, func(*jwt.Token) (any, error) { return &stranger.PublicKey, nil })
	require.ErrorIs(t, err, jwt.ErrTokenSignatureInvalid)
}
