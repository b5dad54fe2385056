package channeltest

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

var digestChecks = []check{
	{"digest/arrives once, whatever it shows", digestArrives},
	{"digest/says the true total", digestTotal},
	{"digest/leads to the rest", digestLink},
	{"digest/shows the newest first", digestOrder},
	{"digest/of hostile items", digestHostile},
	{"digest/without links, contact and zone", digestBare},
}

// deliverDigest calls DeliverDigest with ctx.
func (s *scene) deliverDigest(ctx context.Context, c notify.DigestChannel, d notify.Delivery, letter notify.Digest) error {
	return s.call(ctx, func(ctx context.Context) error { return c.DeliverDigest(ctx, d, letter) })
}

// sentDigest delivers a letter to a friendly peer and returns what arrived.
func (s *scene) sentDigest(c notify.DigestChannel, d notify.Delivery, letter notify.Digest) Message {
	return s.arrives(func() error { return s.deliverDigest(s.ctx, c, d, letter) })
}

// digestArrives: the engine never sends an empty letter, but one that has
// become so must do no harm.
func digestArrives(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	d, empty := s.digest(0, 0)
	_ = s.deliverDigest(s.ctx, c, d, empty)
	for _, total := range []int{1, 5, 7} {
		d, letter := s.digest(min(total, 5), total)
		m := s.sentDigest(c, d, letter)
		s.that(m.To == "" || m.To == d.Address.Value, "the digest went to another address")
		s.that(utf8.ValidString(m.Text), "the digest of %d is not UTF-8: %s", total, brief(m.Text))
	}
}

func digestTotal(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	for _, total := range []int{7, 873} {
		d, letter := s.digest(5, total)
		for i := range letter.Items { // the total must be told, not be found by chance
			letter.Items[i].Notification.Title = "A parcel"
		}
		m := s.sentDigest(c, d, letter)
		s.that(strings.Contains(m.Text, strconv.Itoa(total)), "%d are unread, which the letter does not say: %s", total, brief(m.Text))
	}
}

func digestLink(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	d, letter := s.digest(5, 7)
	m := s.sentDigest(c, d, letter)
	s.that(strings.Contains(m.Text, links.Inbox), "two of seven are not shown, and no link leads to them: %s", brief(m.Text))
}

// digestOrder: a letter need not show titles, but those that it shows are in
// order.
func digestOrder(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	d, letter := s.digest(5, 7)
	m := s.sentDigest(c, d, copiedDigest(letter))
	last := -1
	for _, item := range letter.Items {
		at := strings.Index(m.Text, item.Notification.Title)
		if at < 0 {
			continue
		}
		s.that(at > last, "%q is not where it belongs: %s", item.Notification.Title, brief(m.Text))
		last = at
	}
}

func digestHostile(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	for _, text := range texts {
		d, letter := s.digest(5, 7)
		for i := range letter.Items {
			n := &letter.Items[i].Notification
			n.Title, n.Body, n.URL, n.Provider = text, text, text, text
		}
		d.Contact.Name, d.Contact.Locale, d.Contact.TimeZone = text, text, text
		before := len(s.Received())
		err := s.deliverDigest(s.ctx, c, d, letter)
		news := s.Received()[before:]
		class := classOf(err)
		s.that(err == nil || class != notify.Gone && class != notify.Misconfigured, "the text %s makes the failure %s: %w", brief(text), named(class), err)
		s.that(len(news) <= 1 && (err != nil || len(news) == 1), "of the text %s come %d messages and the error %v", brief(text), len(news), err)
		s.sent(s.delivery("Parcel 18"))
	}
}

func digestBare(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	d, letter := s.digest(2, 2)
	d.Links, d.Contact, letter.Zone = notify.DeliveryLinks{}, notify.Contact{}, nil
	for i := range letter.Items {
		letter.Items[i].Notification = notify.Notification{Provider: "parcels", Title: "Parcel"}
	}
	s.sentDigest(c, d, letter)
	letter.From, letter.To, letter.Items[0].Filed = time.Time{}, time.Time{}, time.Time{}
	_ = s.deliverDigest(s.ctx, c, d, letter) // which nobody gives, but which must do no harm
}
