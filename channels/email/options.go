package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// TLSMode says how the connection to the relay is encrypted.
type TLSMode string

// The modes. The zero value is ImplicitTLS for port 465, Plaintext for a relay
// on this machine (localhost or a loopback address), and else StartTLS.
const (
	StartTLS    TLSMode = "starttls" // required: a relay that does not offer it is refused
	ImplicitTLS TLSMode = "tls"      // from the first byte
	Plaintext   TLSMode = "plaintext"
)

// Options configure a [Channel]. Relay and From are required; every other zero
// value is a default.
type Options struct {
	Relay   string // host and port: "smtp.example.org:587"
	From    string // "Acme <no-reply@acme.example>" or a bare address
	ReplyTo string // the same form; "" has no Reply-To
	Bounce  string // bare address that the relay reports failures to; "" is that of From
	Domain  string // of Message-ID and List-Id; "" is that of From
	Hello   string // the name given to the relay; "" is Domain

	TLS       TLSMode
	TLSConfig *tls.Config // cloned; ServerName defaults to the relay's host, MinVersion to TLS 1.2

	Username string // "" does not authenticate
	Password string `json:"-"` // never printed or logged

	Timeout       time.Duration // for connecting and for each command; 0 is 30 s
	SubmitTimeout time.Duration // for the answer after the final dot; 0 is 10 min, as RFC 5321 asks
	MaxSessions   int           // connections in use at a time; 0 is 8. Other letters wait
	IdleSessions  int           // connections kept for the next letter, 30 s at most; 0 is MaxSessions, below 0 none

	Brand Brand // how letters look

	Locale   string         // of recipients whose language is unknown or not there; "" is "en"
	Location *time.Location // of immediate letters to recipients whose zone is unknown; nil is UTC

	// Locales changes texts or adds languages: texts by language tag and name. The
	// names are those of the files in the folder locales of this package; a name
	// that is new is for Templates of the host's own. What a language lacks is
	// English.
	Locales map[string]map[string]string

	// Templates replaces templates by name: "letter.html" (html/template),
	// "letter.txt" (text/template), "digest.html", "digest.txt", and what
	// "frame.html" and "footer.txt" define. Those in the folder templates of this
	// package show what a template is given; T returns a text of Locales. A
	// template is trusted: nothing interrupts one that never ends.
	Templates fs.FS

	// Unsubscribe makes the link that ends the letters of one provider, or the
	// digest if provider is "". It must be stable, so that a letter that is sent
	// again is the same. "" has no link. Nil takes [notify.DeliveryLinks].
	// An https link must unsubscribe by a POST without questions (RFC 8058).
	Unsubscribe func(r notify.Recipient, provider string) string

	// FeedbackID is the sender in the header Feedback-ID, by which Gmail counts
	// complaints; "" has no such header.
	FeedbackID string

	// Dial opens connections; nil is that of a [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// LogValue implements [slog.LogValuer] without the password.
func (o Options) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("relay", o.Relay),
		slog.String("tls", string(o.TLS)),
		slog.Bool("authenticates", o.Username != ""),
	)
}

// String implements [fmt.Stringer] without the password.
func (o Options) String() string {
	return fmt.Sprintf("email.Options{Relay:%q TLS:%q}", o.Relay, o.TLS)
}

// GoString implements [fmt.GoStringer] without the password.
func (o Options) GoString() string { return o.String() }

// settings are options that were checked, with the defaults in place.
type settings struct {
	Options

	from, replyTo mail.Address
	bounce        string // the envelope's sender

	fromWords, replyToWords []string // as the header has them

	look    look
	host    string // of the relay, without port
	implied bool   // Plaintext was not asked for: only on this machine
}

func (o Options) settle() (settings, error) {
	s := settings{Options: o}
	if err := s.settleRelay(); err != nil {
		return settings{}, err
	}
	if err := s.settleSender(); err != nil {
		return settings{}, err
	}
	for field, d := range map[string]time.Duration{"Timeout": s.Timeout, "SubmitTimeout": s.SubmitTimeout} {
		if d < 0 {
			return settings{}, invalid(field, "is negative")
		}
	}
	s.Timeout = cmp.Or(s.Timeout, 30*time.Second)
	s.SubmitTimeout = cmp.Or(s.SubmitTimeout, 10*time.Minute)
	if s.MaxSessions < 0 {
		return settings{}, invalid("MaxSessions", "is negative")
	}
	s.MaxSessions = cmp.Or(s.MaxSessions, 8)
	s.IdleSessions = max(cmp.Or(s.IdleSessions, s.MaxSessions), 0)
	if s.Location == nil {
		s.Location = time.UTC
	}
	if s.Dial == nil {
		s.Dial = new(net.Dialer).DialContext
	}
	return s, nil
}

func (s *settings) settleRelay() error {
	host, port, err := net.SplitHostPort(s.Relay)
	if err != nil {
		return invalid("Relay", "must be host:port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return invalid("Relay", "port must be a number from 1 to 65535")
	}
	ip, notIP := netip.ParseAddr(host)
	if notIP != nil && checkDomain(host) != nil {
		return invalid("Relay", "host must be a name or an IP address")
	}
	s.host = host
	here := strings.EqualFold(host, "localhost") || notIP == nil && ip.IsLoopback()

	switch s.TLS {
	case StartTLS, ImplicitTLS, Plaintext:
	case "":
		switch {
		case port == "465":
			s.TLS = ImplicitTLS
		case here:
			s.TLS, s.implied = Plaintext, true
		default:
			s.TLS = StartTLS
		}
	default:
		return invalid("TLS", "is not a mode: %q", string(s.TLS))
	}
	if s.TLSConfig == nil {
		s.TLSConfig = new(tls.Config)
	}
	s.TLSConfig = s.TLSConfig.Clone()
	s.TLSConfig.ServerName = cmp.Or(s.TLSConfig.ServerName, host)
	s.TLSConfig.MinVersion = cmp.Or(s.TLSConfig.MinVersion, tls.VersionTLS12)

	if s.Username == "" && s.Password != "" {
		return invalid("Username", "is missing beside Password")
	}
	if s.Username != "" && s.TLS == Plaintext && (s.implied || !here) {
		return invalid("TLS", "credentials need an encrypted connection; to this machine they may go in Plaintext if it says so")
	}
	// SASL PLAIN separates its fields by NUL.
	if strings.ContainsRune(s.Username, 0) {
		return invalid("Username", "has a NUL")
	}
	if strings.ContainsRune(s.Password, 0) {
		return invalid("Password", "has a NUL")
	}
	return nil
}

func (s *settings) settleSender() error {
	var err error
	if s.from, err = parseMailbox("From", s.From); err != nil {
		return err
	}
	if s.ReplyTo != "" {
		if s.replyTo, err = parseMailbox("ReplyTo", s.ReplyTo); err != nil {
			return err
		}
	}
	s.fromWords, s.replyToWords = mailboxWords(s.from), mailboxWords(s.replyTo)
	s.bounce = s.from.Address
	if s.Bounce != "" {
		if s.bounce, err = normalAddress("Bounce", s.Bounce); err != nil {
			return err
		}
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	s.Domain = strings.ToLower(cmp.Or(s.Domain, domain))
	if reason := checkDomain(s.Domain); reason != nil {
		return invalid("Domain", "%v", reason)
	}
	s.Hello = cmp.Or(s.Hello, s.Domain)
	if !plainASCII(s.Hello) || len(s.Hello) > maxDomain {
		return invalid("Hello", "must be a host name or an address literal")
	}
	if s.FeedbackID != "" && (!plainASCII(s.FeedbackID) || len(s.FeedbackID) > maxWord || strings.Contains(s.FeedbackID, ":")) {
		return invalid("FeedbackID", "must be a word of ASCII without a colon")
	}
	s.look, err = s.Brand.settle(cmp.Or(s.from.Name, s.Domain))
	return err
}

func invalid(field, format string, args ...any) error {
	return &notify.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
