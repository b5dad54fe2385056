package mobile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"sync"
	"time"
)

// Apple takes a provider token for at most an hour, and a new one not more often
// than every twenty minutes.
const (
	renewAfter   = 50 * time.Minute
	soonestRenew = 20 * time.Minute
)

// providerTokens are the tokens (RFC 7519, ES256) by which a team shows that it
// has its key. One is used for all pushes until it is old.
type providerTokens struct {
	team, keyID string
	key         *ecdsa.PrivateKey

	mu     sync.Mutex
	token  string
	issued time.Time // by the wall clock, as Apple sees it
}

// current returns the token in use, or a new one in place of an old one.
func (t *providerTokens) current(now time.Time) (string, error) {
	now = now.Round(0)
	t.mu.Lock()
	defer t.mu.Unlock()
	// A token from the future was issued before the clock was set back.
	if age := now.Sub(t.issued); t.token != "" && age < renewAfter && age > -time.Minute {
		return t.token, nil
	}
	err := t.issue(now)
	return t.token, err
}

// renew replaces a token that Apple has called expired, and tells whether
// there is another one now. A token that was issued just now is kept: another
// one would be no better, and Apple would take offence.
func (t *providerTokens) renew(old string, now time.Time) bool {
	now = now.Round(0)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != old {
		return true // somebody else was faster
	}
	return now.Sub(t.issued) >= soonestRenew && t.issue(now) == nil
}

func (t *providerTokens) issue(now time.Time) error {
	token, err := t.sign(now)
	if err != nil {
		return fmt.Errorf("notify/mobile: signing a provider token: %w", err)
	}
	t.token, t.issued = token, now
	return nil
}

func (t *providerTokens) sign(now time.Time) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "kid": t.keyID})
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": t.team, "iat": now.Unix()})
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, t.key, digest[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}

// parseAppleKey reads the file that Apple gives out once for each key.
func parseAppleKey(field string, file []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, invalid(field, "is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, invalid(field, "is no private key in PKCS #8")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, invalid(field, "is not on the curve P-256")
	}
	return key, nil
}
