package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// secret is the key of a MAC. Its text is for storing and giving out, and for
// nothing else.
type secret []byte

// The form of a secret, and its length in bytes, by Standard Webhooks.
const (
	secretPrefix = "whsec_"
	newSecret    = 32
	minSecret    = 24
	maxSecret    = 64
)

var errSecret = errors.New("must be whsec_ and 24 to 64 bytes in base64")

// NewSecret returns a secret for a receiver: "whsec_" and 32 random bytes in
// base64. Show it to its owner once.
func NewSecret() string {
	key := make(secret, newSecret)
	_, _ = rand.Read(key) // never fails
	return key.text()
}

func parseSecret(text string) (secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || strings.ContainsAny(encoded, "\r\n") || len(key) < minSecret || len(key) > maxSecret {
		return nil, errSecret
	}
	return key, nil
}

func (s secret) text() string { return secretPrefix + base64.StdEncoding.EncodeToString(s) }

// sign returns the MAC of one attempt.
func (s secret) sign(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

const signatureVersion = "v1"

// signature is the header of that name: one MAC for each key.
func signature(keys []secret, id, timestamp string, body []byte) string {
	parts := make([]string, len(keys))
	for i, key := range keys {
		parts[i] = signatureVersion + "," + base64.StdEncoding.EncodeToString(key.sign(id, timestamp, body))
	}
	return strings.Join(parts, " ")
}

func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
