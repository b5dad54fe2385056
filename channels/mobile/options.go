package mobile

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// Options configure a [Channel]. At least one of Firebase and Apple is
// required; every other zero value is a default.
type Options struct {
	Firebase []Firebase // one for each project
	Apple    []Apple    // one for each team

	// Keep is how long the services hold a push for a device that is off,
	// unless the notification expires before; 0 is 28 days, which is the most.
	Keep time.Duration

	// Timeout is for one request to a service; 0 is 30 s. Below 15 s it is
	// refused: the services may take so long for what they accept, and
	// giving up earlier makes duplicates.
	Timeout time.Duration

	// Allow is an exception for tests and for gateways of the host's own: these
	// addresses may be reached though they are not of the public internet.
	Allow []netip.Prefix
	// RootCAs are the authorities that servers are checked against; nil is
	// those of the system.
	RootCAs *x509.CertPool
}

// Firebase is a project of Firebase Cloud Messaging.
type Firebase struct {
	// ServiceAccount is the JSON key file of a service account that may send
	// messages (role "Firebase Cloud Messaging API Admin"). It is a secret.
	ServiceAccount []byte `json:"-"`

	// AndroidChannel is the id of the notification channel that the app has
	// created; "" is the one that its manifest names.
	AndroidChannel string

	Endpoint string // "" is https://fcm.googleapis.com
}

// Apple is a team at Apple, with a key for the Apple Push Notification service.
type Apple struct {
	Team  string // its id, ten characters
	KeyID string // id of the key, ten characters
	Key   []byte `json:"-"` // the .p8 file: PEM of a P-256 private key. It is a secret

	Topics []string // bundle ids of the team's apps, at least one

	Endpoint string // "" is https://api.push.apple.com
	Sandbox  string // "" is https://api.sandbox.push.apple.com
}

const (
	longestKeep    = 28 * 24 * time.Hour
	defaultTimeout = 30 * time.Second
	minTimeout     = 15 * time.Second
)

func (o Options) settle() (Options, error) {
	if len(o.Firebase) == 0 && len(o.Apple) == 0 {
		return o, invalid("Firebase", "is missing, and so is Apple")
	}
	if o.Keep < 0 || o.Keep > longestKeep {
		return o, invalid("Keep", "must be at most 28 days")
	}
	o.Keep = cmp.Or(o.Keep, longestKeep)
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	if o.Timeout < minTimeout {
		return o, invalid("Timeout", "must be at least %s", minTimeout)
	}
	o.Firebase, o.Apple = slices.Clone(o.Firebase), slices.Clone(o.Apple)
	return o, nil
}

// LogValue implements [slog.LogValuer] without the keys.
func (o Options) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("firebase", len(o.Firebase)), slog.Int("apple", len(o.Apple)))
}

// String implements [fmt.Stringer] without the keys.
func (o Options) String() string {
	return fmt.Sprintf("mobile.Options{Firebase:%d Apple:%d}", len(o.Firebase), len(o.Apple))
}

// GoString implements [fmt.GoStringer] without the keys.
func (o Options) GoString() string { return o.String() }

// String implements [fmt.Stringer] without the key.
func (f Firebase) String() string { return "mobile.Firebase{}" }

// GoString implements [fmt.GoStringer] without the key.
func (f Firebase) GoString() string { return f.String() }

// LogValue implements [slog.LogValuer] without the key.
func (f Firebase) LogValue() slog.Value { return slog.StringValue(f.String()) }

// String implements [fmt.Stringer] without the key.
func (a Apple) String() string {
	return fmt.Sprintf("mobile.Apple{Team:%q KeyID:%q Topics:%q}", a.Team, a.KeyID, a.Topics)
}

// GoString implements [fmt.GoStringer] without the key.
func (a Apple) GoString() string { return a.String() }

// LogValue implements [slog.LogValuer] without the key.
func (a Apple) LogValue() slog.Value { return slog.StringValue(a.String()) }

func invalid(field, format string, args ...any) error {
	return &notify.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
