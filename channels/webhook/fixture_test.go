package webhook

import (
	"encoding/json"
	"flag"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifytest"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func start(t testing.TB) (*Channel, *notifytest.Webhook) {
	t.Helper()
	receiver := notifytest.NewWebhook(t)
	c, err := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RootCAs: receiver.RootCAs()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c, receiver
}

func address(url string, secrets ...string) notify.Address {
	meta, err := json.Marshal(Endpoint{secrets})
	if err != nil {
		panic(err)
	}
	return notify.Address{Channel: notify.Webhook, Value: url, Meta: meta}
}

func deliveryTo(a notify.Address) notify.Delivery {
	return notify.Delivery{
		ID:        "01935b2a-6c00-7000-8000-0123456789ab",
		Attempt:   1,
		Recipient: notify.Recipient{Tenant: "nordwind", ID: "joerg"},
		Address:   a,
		Item: notify.Item{
			ID: "01935b2a-6c00-7000-8000-00000000000a", NotificationID: "01935b2a-6c00-7000-8000-00000000000b",
			Filed: time.Date(2026, 11, 3, 16, 42, 7, 123_000, time.UTC), Repeats: 2,
			Notification: notify.Notification{
				Provider:    "billing",
				Title:       "Invoice 2026-1177 is due on Friday – 1.240,00 €",
				Body:        "The invoice has not been paid yet.\n<b>Thank you</b> & see you.",
				Rows:        []notify.Row{{Label: "Amount", Text: "1.240,00 €"}},
				URL:         "https://app.acme.example/invoices/2026-1177?from=hook&tab=open",
				Icon:        "https://app.acme.example/icons/invoice.png",
				Actions:     []notify.Action{{Key: "paid", Title: "Mark as paid", URL: "https://app.acme.example/paid"}},
				Data:        json.RawMessage(`{"invoice": "2026-1177", "cents": 124000}`),
				Entity:      "invoice/2026-1177",
				CollapseKey: "invoice/2026-1177/due",
				Priority:    notify.High,
				ExpiresAt:   time.Date(2026, 11, 6, 0, 0, 0, 0, time.UTC),
			},
		},
	}
}

func deliveryFor(r *notifytest.Webhook) notify.Delivery {
	return deliveryTo(address(r.URL()+"/hooks/joerg?token=canary", r.Secrets()...))
}

// refused checks an error of Deliver and returns it.
func refused(t *testing.T, err error, class notify.Class) *notify.DeliveryError {
	t.Helper()
	var f *notify.DeliveryError
	require.ErrorAs(t, err, &f)
	assert.Equal(t, class, f.Class, "%v", err)
	for _, secret := range []string{"canary", "127.0.0.1", "whsec_", "hooks"} {
		assert.NotContains(t, err.Error(), secret)
	}
	return f
}
