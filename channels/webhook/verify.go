package webhook

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a request.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far the timestamp of a request may be from now, both ways: an
// older one may be a replay.
const Tolerance = 5 * time.Minute

// The reasons for which [Verify] refuses a request. Answer all of them with
// status 400 or 401 and without the reason.
var (
	ErrSecret    = errors.New("notify/webhook: no usable secret")
	ErrHeader    = errors.New("notify/webhook: a header is missing or malformed")
	ErrTimestamp = errors.New("notify/webhook: too old or from the future")
	ErrSignature = errors.New("notify/webhook: no signature of ours")
)

// Verify is for receivers: it tells whether body came, as it is and lately, from
// somebody who holds one of the secrets. now is the receiver's clock. Several
// secrets serve while one replaces another. A nil error means that the sender
// is known; that the same event has not come before, only its [HeaderID] can
// tell.
func Verify(h http.Header, body []byte, now time.Time, secrets ...string) error {
	id, timestamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil || h.Get(HeaderSignature) == "" {
		return ErrHeader
	}
	if distance := now.Sub(time.Unix(seconds, 0)); distance > Tolerance || distance < -Tolerance {
		return ErrTimestamp
	}
	keys := make([]secret, 0, len(secrets))
	for _, text := range secrets {
		key, err := parseSecret(text)
		if err != nil {
			return ErrSecret
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return ErrSecret
	}
	for part := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		version, encoded, _ := strings.Cut(part, ",")
		mac, err := base64.StdEncoding.DecodeString(encoded)
		if version != signatureVersion || err != nil {
			continue // other versions may come beside ours
		}
		for _, key := range keys {
			if hmac.Equal(mac, key.sign(id, timestamp, body)) {
				return nil
			}
		}
	}
	return ErrSignature
}
