package channeltest

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

var deliverChecks = []check{
	{"deliver/the message arrives once and before the call returns", deliverArrives},
	{"deliver/goes to the address that it is for", deliverLeads},
	{"deliver/a notification with nothing but a title", deliverSmallest},
	{"deliver/the largest notification", deliverLargest},
	{"deliver/values that nobody foresaw", deliverUnforeseen},
	{"deliver/a zero delivery does no harm", deliverZero},
	{"deliver/a call sends at most one message", deliverOnce},
	{"deliver/goes on after every failure", deliverRecovers},
}

func deliverArrives(s *scene) {
	for i := range 3 {
		title := fmt.Sprintf("Parcel %d is on its way", 17+i)
		m := s.sent(s.delivery(title))
		s.that(strings.Contains(m.Text, title), "the title %q is not in %s", title, brief(m.Text))
	}
}

func deliverLeads(s *scene) {
	for i := range s.Addresses {
		d := s.delivery("Parcel 17")
		d.Address = s.address(i)
		m := s.sent(d)
		s.that(m.To == "" || m.To == d.Address.Value, "what was for address %d came to another", i)
	}
}

func deliverSmallest(s *scene) {
	m := s.sent(notify.Delivery{
		ID: s.id(), Attempt: 1, Recipient: notify.User("alice"), Address: s.address(0),
		Item: notify.Item{Filed: filed, Notification: notify.Notification{Provider: "parcels", Title: "Parcel 17"}},
	})
	s.that(strings.Contains(m.Text, "Parcel 17"), "the title is not in %s", brief(m.Text))
}

func deliverLargest(s *scene) {
	d := s.delivery("")
	d.Item.Notification = largest()
	d.Contact.Name = strings.Repeat("Ä", 500)
	d.Unread = 10_000
	m := s.sent(d)
	s.that(utf8.ValidString(m.Text), "what was cut to size is not UTF-8 any more")
}

func deliverUnforeseen(s *scene) {
	for name, change := range map[string]func(d *notify.Delivery){
		"a locale that is none":  func(d *notify.Delivery) { d.Contact.Locale = "q_%!-\r\n" },
		"a zone that is none":    func(d *notify.Delivery) { d.Contact.TimeZone = "../etc/passwd" },
		"no contact":             func(d *notify.Delivery) { d.Contact = notify.Contact{} },
		"no links":               func(d *notify.Delivery) { d.Links = notify.DeliveryLinks{} },
		"a priority beyond all":  func(d *notify.Delivery) { d.Item.Notification.Priority = 1000 },
		"a priority below all":   func(d *notify.Delivery) { d.Item.Notification.Priority = -1000 },
		"a silent one":           func(d *notify.Delivery) { d.Item.Notification.Silent = true },
		"fewer than none unread": func(d *notify.Delivery) { d.Unread = -1 },
		"filed long ago":         func(d *notify.Delivery) { d.Item.Filed = time.Unix(0, 0).UTC() },
		"empty rows and actions": func(d *notify.Delivery) {
			d.Item.Notification.Rows = make([]notify.Row, 3)
			d.Item.Notification.Actions = make([]notify.Action, 2)
		},
		"the hundredth attempt":    func(d *notify.Delivery) { d.Attempt = 100 },
		"an item seen and snoozed": func(d *notify.Delivery) { d.Item.Seen, d.Item.Snoozed, d.Item.Repeats = filed, filed, 9 },
	} {
		d := s.delivery("Parcel 17")
		change(&d)
		before := len(s.Received())
		s.ok(s.deliver(s.ctx, d), name)
		s.that(len(s.Received()) == before+1, "%s: %d messages, want 1", name, len(s.Received())-before)
	}
}

// deliverZero: what the engine would never give must not bring it down.
func deliverZero(s *scene) {
	_ = s.deliver(s.ctx, notify.Delivery{})
	for _, change := range []func(d *notify.Delivery){
		func(d *notify.Delivery) { d.Item = notify.Item{} },
		func(d *notify.Delivery) { d.Item.Filed = time.Time{} },
		func(d *notify.Delivery) { d.Item.Notification.Data = []byte(`{"half":`) },
		func(d *notify.Delivery) { d.ID = "" },
	} {
		d := s.delivery("Parcel 17")
		change(&d)
		_ = s.deliver(s.ctx, d)
	}
	if c, ok := s.Channel.(notify.DigestChannel); ok {
		_ = s.deliverDigest(s.ctx, c, notify.Delivery{}, notify.Digest{})
		d, _ := s.digest(0, 0)
		_ = s.deliverDigest(s.ctx, c, d, notify.Digest{Total: 3, Items: make([]notify.Item, 3)})
	}
	s.sent(s.delivery("Parcel 18"))
}

// deliverOnce: trying again is the engine's business, which keeps count, knows
// who opted out meanwhile, and has other addresses to serve.
func deliverOnce(s *scene) {
	s.sent(s.delivery("Parcel 17")) // there is a connection to be kept now
	for _, behavior := range []Behavior{Drop, Hang} {
		if !s.can(behavior) {
			continue
		}
		before := len(s.Received())
		_ = s.attempt(behavior)
		s.that(len(s.Received()) <= before+1, "one call to a peer that does %q sent %d messages", string(behavior), len(s.Received())-before)
	}
}

func deliverRecovers(s *scene) {
	s.needsPeer()
	for _, behavior := range refusals {
		if !s.can(behavior) {
			continue
		}
		_ = s.attempt(behavior)
		s.behave(Accept)
		m := s.sent(s.delivery("Parcel after " + string(behavior)))
		s.that(strings.Contains(m.Text, "Parcel after "+string(behavior)), "after a peer that did %q another message came", string(behavior))
	}
}
