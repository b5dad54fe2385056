package mobile

import (
	"encoding/json"
	"flag"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifytest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Tokens as the platforms give them out.
var (
	iPhone  = strings.Repeat("0a1b2c3d", 8)
	iPad    = strings.Repeat("4e5f6071", 8)
	android = "dEvIcE_iNsTaNcE-1:" + strings.Repeat("APA91b", 20)
	tablet  = "dEvIcE_iNsTaNcE-2:" + strings.Repeat("APA91b", 20)
)

// services are the two peers of a channel.
type services struct {
	apple    *notifytest.APNs
	firebase *notifytest.FCM
}

func start(t *testing.T) (*Channel, services) {
	t.Helper()
	s := services{notifytest.NewAPNs(t), notifytest.NewFCM(t)}
	return s.channel(t, nil), s
}

func (s services) options() Options {
	return Options{
		Firebase: []Firebase{{ServiceAccount: s.firebase.ServiceAccount(), Endpoint: s.firebase.URL()}},
		Apple: []Apple{{
			Team: s.apple.Team, KeyID: s.apple.KeyID, Key: s.apple.Key(), Topics: []string{s.apple.Topic},
			Endpoint: s.apple.URL(), Sandbox: s.apple.Sandbox(),
		}},
		Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		RootCAs: s.apple.RootCAs(),
	}
}

func (s services) channel(t testing.TB, change func(*Options)) *Channel {
	t.Helper()
	o := s.options()
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// note is a notification with all that a phone can show.
func note() notify.Notification {
	return notify.Notification{
		Provider: "billing",
		Title:    "Invoice 2026-1177 is due on Friday – 1.240,00 €",
		Body:     "The invoice of Nordwind GmbH has not been paid yet.\n<b>Thank you</b> & \"see you\".",
		Rows:     []notify.Row{{Label: "Amount", Text: "1.240,00 €"}, {Text: "Friday, 6 November 2026"}},
		URL:      "https://app.acme.example/invoices/2026-1177?from=push&tab=open",
		Icon:     "https://app.acme.example/icons/invoice.png",
		Entity:   "invoice/2026-1177",
	}
}

func deliveryTo(token string, device Device, n notify.Notification) notify.Delivery {
	meta, err := json.Marshal(device)
	if err != nil {
		panic(err)
	}
	return notify.Delivery{
		ID:      "01935b2a-6c00-7000-8000-0123456789ab",
		Attempt: 1,
		Address: notify.Address{Channel: notify.Mobile, Value: token, Meta: meta},
		Item: notify.Item{
			ID: "01935b2a-6c00-7000-8000-00000000000a", NotificationID: "01935b2a-6c00-7000-8000-00000000000b",
			Notification: n,
		},
		Unread: 7,
		Links:  notify.DeliveryLinks{Inbox: "https://app.acme.example/inbox"},
	}
}

func toApple() notify.Delivery {
	return deliveryTo(iPhone, Device{Platform: APNs, Environment: Production}, note())
}

func toFirebase() notify.Delivery { return deliveryTo(android, Device{Platform: FCM}, note()) }

// refused checks an error of Deliver and returns it.
func refused(t *testing.T, err error, class notify.Class) *notify.DeliveryError {
	t.Helper()
	var f *notify.DeliveryError
	require.ErrorAs(t, err, &f)
	assert.Equal(t, class, f.Class, "%v", err)
	for _, secret := range []string{iPhone, iPad, android, tablet, "127.0.0.1", "Bearer", "ya29", "eyJ"} {
		assert.NotContains(t, err.Error(), secret)
	}
	return f
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
