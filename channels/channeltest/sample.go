package channeltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// filed is when everything in the checks was filed.
var filed = time.Date(2026, time.March, 14, 15, 9, 26, 535_897_000, time.UTC)

// unsubscribe is as good as a password for the recipient's settings.
const unsubscribe = "https://app.example/unsubscribe/3kX9-tell-nobody"

// links are the host's pages.
var links = notify.DeliveryLinks{
	Inbox:       "https://app.example/inbox",
	Settings:    "https://app.example/settings",
	Unsubscribe: unsubscribe,
}

// alice is who all the checks write to.
var alice = notify.Contact{Name: "Alice Ames", Locale: "en", TimeZone: "Europe/Berlin"}

// delivery is the first attempt at an everyday notification for the first
// address. Everything in it is its own.
func (s *scene) delivery(title string) notify.Delivery {
	id := s.id()
	return notify.Delivery{
		ID: id, Attempt: 1, Unread: 3, Links: links, Contact: alice, Address: s.address(0),
		Recipient: notify.Recipient{Tenant: "acme", ID: "alice"},
		Item:      s.item(title),
	}
}

// item is an everyday item.
func (s *scene) item(title string) notify.Item {
	return notify.Item{
		ID: s.id(), NotificationID: s.id(), Filed: filed, Recipient: notify.Recipient{Tenant: "acme", ID: "alice"},
		Notification: notify.Notification{
			Tenant: "acme", Provider: "parcels", Title: title, Body: "It comes on Friday.\nSomebody has to be in.",
			URL: "https://app.example/parcels/17", Key: "parcel-17", Entity: "parcel/17", CollapseKey: "parcel-17",
			Rows:    []notify.Row{{Label: "From", Text: "Bremen"}, {Label: "Weight", Text: "2 kg"}},
			Actions: []notify.Action{{Key: "later", Title: "Not on Friday", URL: "https://app.example/parcels/17/later"}},
			Data:    json.RawMessage(`{"parcel": 17}`),
		},
	}
}

// digest is the delivery of a letter that shows so many items, and the letter.
func (s *scene) digest(shown, total int) (notify.Delivery, notify.Digest) {
	d := s.delivery("")
	d.Item = notify.Item{}
	letter := notify.Digest{Total: total, From: filed.Add(-24 * time.Hour), To: filed.Add(time.Hour), Zone: time.UTC}
	for i := range shown {
		item := s.item(fmt.Sprintf("Parcel number %d", total-i))
		item.Filed = filed.Add(-time.Duration(i) * time.Minute)
		letter.Items = append(letter.Items, item)
	}
	return d, letter
}

// largest is a notification at all the limits.
func largest() notify.Notification {
	n := notify.Notification{
		Tenant: "acme", Provider: strings.Repeat("p", 190), Key: strings.Repeat("k", 190),
		Entity: strings.Repeat("e", 190), CollapseKey: strings.Repeat("c", 190),
		Title: "Parcel " + strings.Repeat("ü", 246), Body: strings.Repeat("Grüße aus Köln. 🎁\n", 680),
		URL:      "https://app.example/" + strings.Repeat("u", 2000),
		Icon:     "https://app.example/" + strings.Repeat("i", 2000),
		Data:     json.RawMessage(`"` + strings.Repeat("d", 65_000) + `"`),
		Priority: notify.High, ExpiresAt: time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC),
	}
	for i := range 20 {
		n.Rows = append(n.Rows, notify.Row{Label: fmt.Sprint("Row ", i), Text: strings.Repeat("é", 200)})
	}
	for i := range 5 {
		n.Actions = append(n.Actions, notify.Action{
			Key: fmt.Sprint("action-", i), Title: strings.Repeat("à", 100), URL: "https://app.example/" + strings.Repeat("a", 2000),
		})
	}
	return n
}

// copied is d with slices of its own.
func copied(d notify.Delivery) notify.Delivery {
	d.Address.Meta = cloned(d.Address.Meta)
	d.Contact.Addresses = slices.Clone(d.Contact.Addresses)
	d.Item = copiedItem(d.Item)
	return d
}

func copiedItem(item notify.Item) notify.Item {
	n := &item.Notification
	n.To, n.Rows, n.Actions, n.Data = slices.Clone(n.To), slices.Clone(n.Rows), slices.Clone(n.Actions), cloned(n.Data)
	return item
}

func copiedDigest(d notify.Digest) notify.Digest {
	d.Items = slices.Clone(d.Items)
	for i := range d.Items {
		d.Items[i] = copiedItem(d.Items[i])
	}
	return d
}

func cloned(b json.RawMessage) json.RawMessage { return slices.Clone(b) }
