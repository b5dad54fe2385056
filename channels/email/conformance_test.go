package email_test

import (
	"crypto/tls"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/notifytest"
)

// The channel keeps the contract of channels, on the way that relays on the
// network have and on the one to a relay on this machine.
func TestChannel_keepsTheContract(t *testing.T) {
	const user, password = "robot@acme.example", "open-sesame"
	for mode, relay := range map[email.TLSMode]notifytest.SMTPOptions{
		email.StartTLS:  {Username: user, Password: password},
		email.Plaintext: {NoTLS: true},
	} {
		t.Run(string(mode), func(t *testing.T) {
			channeltest.Run(t, func(t testing.TB) channeltest.Harness { return harness(t, mode, relay) })
		})
	}
}

func harness(t testing.TB, mode email.TLSMode, o notifytest.SMTPOptions) channeltest.Harness {
	relay := notifytest.NewSMTP(t, &o)
	c, err := email.New(email.Options{
		Relay: relay.Addr(), From: "Acme <no-reply@acme.example>",
		TLS: mode, TLSConfig: &tls.Config{RootCAs: relay.RootCAs()},
		Username: o.Username, Password: o.Password,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return channeltest.Harness{
		Channel: c,
		Addresses: []notify.Address{
			{Channel: notify.Email, Value: "alice.ames@customer.example"},
			{Channel: notify.Email, Value: "bob@customer.example"},
		},
		Behave: relay.Behave,
		Received: func() []channeltest.Message {
			var messages []channeltest.Message
			for _, l := range relay.Taken() {
				messages = append(messages, channeltest.Message{
					To: l.To, Identity: l.Header.Get("Message-Id"),
					Text: l.Subject + "\n" + l.Text + "\n" + l.HTML, Bytes: slices.Clone(l.Raw),
				})
			}
			return messages
		},
		Secrets: []string{o.Password},
	}
}
