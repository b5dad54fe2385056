package browser

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifytest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func generate(t testing.TB) Keys {
	t.Helper()
	keys, err := GenerateKeys()
	require.NoError(t, err)
	return keys
}

// start returns a push service, a channel that reaches it, and a subscription
// that was made with the channel's keys.
func start(t testing.TB, change func(*Options)) (*notifytest.Push, *Channel, *notifytest.PushSubscription) {
	t.Helper()
	service := notifytest.NewPush(t)
	o := Options{Subject: "mailto:ops@acme.example", Keys: generate(t), Allow: loopback, RootCAs: service.RootCAs()}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return service, c, service.Subscribe(c.PublicKey())
}

func open(t testing.TB, o Options) *Channel {
	t.Helper()
	if o.Subject == "" {
		o.Subject = "ops@acme.example"
	}
	if o.Keys == (Keys{}) {
		o.Keys = generate(t)
	}
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func registered(t testing.TB, c *Channel, s *notifytest.PushSubscription) notify.Address {
	t.Helper()
	a, err := Subscription(s.JSON())
	require.NoError(t, err)
	a, err = c.CheckAddress(a)
	require.NoError(t, err)
	return a
}

// delivery is an everyday notification.
func delivery(a notify.Address) notify.Delivery {
	return notify.Delivery{
		ID: "01935b2a-6c00-7000-8000-0123456789ab", Attempt: 1, Address: a, Unread: 3,
		Recipient: notify.Recipient{Tenant: "nordwind", ID: "joerg"},
		Contact:   notify.Contact{Name: "Jörg", Locale: "de-DE"},
		Links:     notify.DeliveryLinks{Inbox: "https://app.acme.example/inbox"},
		Item: notify.Item{
			ID:    "01935b2a-6c00-7000-8000-00000000000a",
			Filed: time.Date(2026, 11, 3, 16, 42, 7, 123_000_000, time.UTC),
			Notification: notify.Notification{
				Provider: "billing",
				Title:    "Rechnung 2026-1177 ist am Freitag fällig",
				Body:     "Sie ist noch nicht bezahlt.\n<b>Danke</b> & bis bald.",
				Rows:     []notify.Row{{Label: "Betrag", Text: "1.240,00 €"}, {Text: "Zahlbar ohne Abzug"}},
				URL:      "https://app.acme.example/invoices/2026-1177?from=push&tab=open",
				Icon:     "https://app.acme.example/icons/invoice.png",
				Actions: []notify.Action{
					{Key: "paid", Title: "Ist bezahlt", URL: "https://app.acme.example/paid"},
					{Key: "mail", Title: "Schreiben", URL: "mailto:billing@acme.example"},
					{Key: "later", Title: "Später", URL: "https://app.acme.example/later"},
					{Key: "never", Title: "Nie", URL: "https://app.acme.example/never"},
				},
			},
		},
	}
}

// sent delivers and returns what the browser has decrypted.
func sent(t testing.TB, service *notifytest.Push, c *Channel, d notify.Delivery) (notifytest.PushRequest, Message) {
	t.Helper()
	before := len(service.Accepted())
	require.NoError(t, c.Deliver(t.Context(), d))
	all := service.Accepted()
	require.Len(t, all, before+1)
	var m Message
	require.NoError(t, json.Unmarshal(all[before].Text, &m))
	return all[before], m
}

// failed checks an error of Deliver and returns it.
func failed(t testing.TB, class notify.Class, err error) *notify.DeliveryError {
	t.Helper()
	var f *notify.DeliveryError
	require.ErrorAs(t, err, &f)
	assert.Equal(t, class, f.Class, "%v", err)
	for _, secret := range []string{"canary", "127.0.0.1", "c2VjcmV0", "nordwind", "joerg"} {
		assert.NotContains(t, err.Error(), secret)
	}
	return f
}
