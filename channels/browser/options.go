package browser

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/egress"
)

// Options configure a [Channel]. Subject and Keys are required; every other zero
// value is a default.
type Options struct {
	// Subject is where push services complain: a mail address, with or without
	// "mailto:", or an https URL. It has to be one that they can reach.
	Subject string

	// Keys are the pair that new subscriptions are made with. Previous are those
	// that it has replaced: subscriptions made with them are served until the
	// browser has a new one. See [Channel.Stale].
	Keys     Keys
	Previous []Keys

	// TTL is how long a push service keeps what it cannot deliver, if the
	// notification does not expire before; 0 is 24 h, and the most is 28 days.
	TTL time.Duration

	// Services are the hosts whose subscriptions are taken, each with all below
	// it: "push.services.mozilla.com". None is every host of the public internet.
	Services []string

	Timeout time.Duration  // of one request; 0 is 15 s
	RootCAs *x509.CertPool // authorities of the push services; nil is those of the system

	// Allow is the exception for development and tests: networks that may be
	// reached although they are not of the public internet, at any port. Never
	// set it where strangers can register subscriptions.
	Allow []netip.Prefix
}

const (
	defaultTTL  = 24 * time.Hour
	maxTTL      = 28 * 24 * time.Hour
	maxPrevious = 16
)

// LogValue implements [slog.LogValuer] without private keys.
func (o Options) LogValue() slog.Value {
	return slog.GroupValue(slog.String("subject", o.Subject), slog.Any("keys", o.Keys), slog.Int("previous", len(o.Previous)))
}

// String implements [fmt.Stringer] without private keys.
func (o Options) String() string {
	return fmt.Sprintf("browser.Options{Subject:%q Keys:%v}", o.Subject, o.Keys)
}

// GoString implements [fmt.GoStringer] without private keys.
func (o Options) GoString() string { return o.String() }

// settle checks the options and puts the defaults in place.
func (o Options) settle() (Options, error) {
	var err error
	if o.Subject, err = settleSubject(o.Subject); err != nil {
		return Options{}, err
	}
	if o.Keys, err = o.Keys.settle("Keys"); err != nil {
		return Options{}, err
	}
	if len(o.Previous) > maxPrevious {
		return Options{}, invalid("Previous", "has %d pairs, at most %d", len(o.Previous), maxPrevious)
	}
	o.Previous = slices.Clone(o.Previous)
	for i := range o.Previous {
		if o.Previous[i], err = o.Previous[i].settle(fmt.Sprintf("Previous[%d]", i)); err != nil {
			return Options{}, err
		}
	}
	if o.TTL < 0 || o.TTL > maxTTL {
		return Options{}, invalid("TTL", "must be between 0 and 28 days")
	}
	o.TTL = cmp.Or(o.TTL, defaultTTL)
	o.Services = slices.Clone(o.Services)
	for i, host := range o.Services {
		o.Services[i] = strings.ToLower(host)
		if u, err := url.Parse("https://" + host); host == "" || err != nil || u.Host != host || u.Port() != "" {
			return Options{}, invalid(fmt.Sprintf("Services[%d]", i), "is not the name of a host")
		}
	}
	return o, nil
}

// client is the guarded way out.
func (o Options) client() (*egress.Client, error) {
	return egress.New(egress.Options{Timeout: o.Timeout, Allow: o.Allow, RootCAs: o.RootCAs})
}

// settleSubject returns the subject in the form that webpush-go takes: it puts
// "mailto:" in front of whatever does not begin with "https:". Push services
// refuse every message of a sender with a subject that they do not like.
func settleSubject(subject string) (string, error) {
	subject = strings.TrimSpace(subject)
	scheme, rest, _ := strings.Cut(subject, ":")
	if strings.EqualFold(scheme, "https") {
		subject = "https:" + rest
		u, err := url.Parse(subject)
		if err != nil || u.User != nil || !reachable(u.Hostname()) {
			return "", invalid("Subject", "is no https URL that a push service can reach")
		}
		return subject, nil
	}
	if strings.EqualFold(scheme, "mailto") {
		subject = rest
	}
	address, err := mail.ParseAddress(subject)
	if err != nil || address.Address != subject || strings.ContainsFunc(subject, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", invalid("Subject", "is neither a mail address nor an https URL")
	}
	if !reachable(subject[strings.LastIndexByte(subject, '@')+1:]) {
		return "", invalid("Subject", "is no mail address that a push service can reach")
	}
	return subject, nil
}

// reachable tells a host that can be one of the public internet.
func reachable(host string) bool {
	host = strings.ToLower(host)
	for _, inside := range []string{"localhost", "local", "internal", "invalid", "test"} {
		if strings.HasSuffix("."+host, "."+inside) {
			return false
		}
	}
	_, err := netip.ParseAddr(host)
	return err != nil && strings.Contains(strings.Trim(host, "."), ".")
}

func invalid(field, format string, args ...any) error {
	return &notify.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
