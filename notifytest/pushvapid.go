package notifytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"net/mail"
	"net/url"
	"strings"
	"time"
)

// vapid is what a message's sender says about itself (RFC 8292).
type vapid struct {
	jwt

	key string // base64url, without padding
}

// readVAPID checks the Authorization of a message: a token in ES256, for this
// push service, that has not expired and does not last longer than a day, by a
// subject that one can reach, under the key that it names.
func readVAPID(authorization, audience string, now time.Time) (vapid, error) {
	fields, ok := strings.CutPrefix(authorization, "vapid ")
	if !ok {
		return vapid{}, errors.New("notifytest: no authorization by vapid")
	}
	parameters := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		parameters[name] = value
	}
	raw, err := base64.RawURLEncoding.DecodeString(parameters["k"])
	if err != nil {
		return vapid{}, errors.New("notifytest: the key is not in base64url")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		return vapid{}, errors.New("notifytest: the key is no point of P-256")
	}
	token, ok := parseJWT(parameters["t"], public)
	if !ok {
		return vapid{}, errors.New("notifytest: the token is not signed by the key")
	}
	expires := time.Unix(token.Expires, 0)
	switch {
	case token.Audience != audience:
		return vapid{}, errors.New("notifytest: the token is for another push service")
	case !now.Before(expires) || expires.After(now.Add(24*time.Hour)):
		return vapid{}, errors.New("notifytest: the token has expired, or lasts too long")
	case !goodSubject(token.Subject):
		return vapid{}, errors.New("notifytest: the subject is nobody's")
	}
	return vapid{token, parameters["k"]}, nil
}

// goodSubject is as strict as the strictest push service.
func goodSubject(subject string) bool {
	if address, ok := strings.CutPrefix(subject, "mailto:"); ok {
		parsed, err := mail.ParseAddress(address)
		return err == nil && parsed.Address == address && !strings.HasSuffix(address, "localhost")
	}
	u, err := url.Parse(subject)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.Hostname() != "localhost"
}
