package browser

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
)

// Keys are a pair of the host's for VAPID (RFC 8292): how push services know
// who sends. Both are points and scalars of P-256 in base64url without padding.
// The public one is what a page gives the browser as applicationServerKey.
type Keys struct {
	Public  string
	Private string // a secret; never printed or logged
}

// GenerateKeys makes a new pair. It is made once and kept like a password:
// subscriptions are bound to the pair that they were made with.
func GenerateKeys() (Keys, error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return Keys{}, fmt.Errorf("notify/browser: %w", err)
	}
	return Keys{
		Public:  base64.RawURLEncoding.EncodeToString(private.PublicKey().Bytes()),
		Private: base64.RawURLEncoding.EncodeToString(private.Bytes()),
	}, nil
}

// ID names the pair without telling it: it is kept with each subscription, so
// that a pair which was replaced is recognised.
func (k Keys) ID() string { return keyID(k.Public) }

// keyID is short, as it is only compared with those of a few pairs.
func keyID(public string) string {
	sum := sha256.Sum256([]byte(public))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// LogValue implements [slog.LogValuer] without the private key.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// String implements [fmt.Stringer] without the private key.
func (k Keys) String() string { return fmt.Sprintf("browser.Keys{Public:%q}", k.Public) }

// GoString implements [fmt.GoStringer] without the private key.
func (k Keys) GoString() string { return k.String() }

// settle checks that the pair is one, and brings it into one form. A missing
// public key is derived.
func (k Keys) settle(field string) (Keys, error) {
	scalar, err := decode(k.Private)
	if err != nil || k.Private == "" {
		return Keys{}, invalid(field+".Private", "is no base64 of a private key")
	}
	private, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil {
		return Keys{}, invalid(field+".Private", "is no private key of P-256, which has 32 bytes")
	}
	derived := private.PublicKey().Bytes()
	if k.Public != "" {
		public, err := decode(k.Public)
		if err != nil || string(public) != string(derived) {
			return Keys{}, invalid(field+".Public", "does not belong to the private key")
		}
	}
	return Keys{
		Public:  base64.RawURLEncoding.EncodeToString(derived),
		Private: base64.RawURLEncoding.EncodeToString(scalar),
	}, nil
}

// decode reads base64 in any of its four forms: the alphabet of files or of
// URLs, with padding or without.
func decode(text string) ([]byte, error) {
	text = strings.TrimRight(text, "=")
	if strings.ContainsAny(text, "+/") {
		return base64.RawStdEncoding.Strict().DecodeString(text)
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
