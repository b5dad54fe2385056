package email

import (
	"crypto/tls"
	"testing"

	"github.com/bellwether-go/notify/notifytest"
)

// relayName is what the certificate of every test relay says.
const relayName = "mail.example"

// sink is a mail server that keeps what it accepts.
type sink struct{ *notifytest.SMTP }

// newSink serves on loopback until the test ends. With implicit it speaks TLS
// from the first byte.
func newSink(t testing.TB, implicit bool) sink {
	t.Helper()
	return sink{notifytest.NewSMTP(t, &notifytest.SMTPOptions{ImplicitTLS: implicit})}
}

// newGuardedSink is a sink that asks for credentials.
func newGuardedSink(t testing.TB, implicit bool) sink {
	t.Helper()
	return sink{notifytest.NewSMTP(t, &notifytest.SMTPOptions{ImplicitTLS: implicit, Username: "robot", Password: "open-sesame"})}
}

// channel returns a channel to the sink, by the name in its certificate.
func (s sink) channel(t testing.TB, mode TLSMode, change func(*Options)) *Channel {
	t.Helper()
	return newChannel(t, func(o *Options) {
		o.Relay, o.TLS = s.Addr(), mode
		o.TLSConfig = &tls.Config{RootCAs: s.RootCAs(), ServerName: relayName}
		if change != nil {
			change(o)
		}
	})
}
