package webhook

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// Options configure a [Channel]. Every zero value is a default.
type Options struct {
	// Timeout is for one attempt, from the lookup of the name to the end of the
	// answer; 0 is 15 s. It may be 1 s to 1 min.
	Timeout time.Duration

	// UserAgent is sent along; "" is "notify-webhook/1".
	UserAgent string

	// Allow is an exception for tests and for receivers inside: these addresses
	// may be reached, at any port, though they are not of the public internet.
	Allow []netip.Prefix
	// RootCAs are the authorities that servers are checked against; nil is
	// those of the system.
	RootCAs *x509.CertPool
}

const (
	defaultTimeout   = 15 * time.Second
	defaultUserAgent = "notify-webhook/1"
)

func (o Options) settle() (Options, error) {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Timeout < time.Second || o.Timeout > time.Minute {
		return o, invalid("Timeout", "must be between 1 s and 1 min")
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	if len(o.UserAgent) > 190 || strings.ContainsFunc(o.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return o, invalid("UserAgent", "must be printable ASCII")
	}
	return o, nil
}

func invalid(field, format string, args ...any) error {
	return &notify.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
