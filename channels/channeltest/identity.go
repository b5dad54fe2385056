package channeltest

import (
	"bytes"
	"context"

	"github.com/bellwether-go/notify"
)

var identityChecks = []check{
	{"identity/is the same for every attempt", identityRetry},
	{"identity/is the same after a lost answer", identityLost},
	{"identity/differs from delivery to delivery", identityDelivery},
	{"identity/differs from address to address", identityAddress},
	{"identity/of a digest stays while it shrinks", identityDigest},
}

// same fails unless two messages are attempts at one delivery.
func (s *scene) same(first, second Message) {
	s.that(first.Identity == second.Identity, "one attempt has the identity %q, another %q", first.Identity, second.Identity)
	s.that(first.To == second.To, "one attempt went to another address than the other")
	s.that(first.Text == second.Text, "one attempt says %s, another %s", brief(first.Text), brief(second.Text))
	s.that(bytes.Equal(first.Bytes, second.Bytes), "one attempt has the bytes %s, another %s", brief(string(first.Bytes)), brief(string(second.Bytes)))
}

// identified returns the identity of what came of d, or ends the check as not
// offered.
func (s *scene) identified(m Message) string {
	if m.Identity == "" {
		s.fail("an identity that the peer sees: %w", errNotOffered)
	}
	return m.Identity
}

// identityRetry also waits a little, so that a clock shows in what is sent.
func identityRetry(s *scene) {
	d := s.delivery("Parcel 17")
	first := s.sent(d)
	for attempt := 2; attempt <= 4; attempt++ {
		s.pause(moment)
		retry := copied(d)
		retry.Attempt = attempt
		s.same(first, s.sent(retry))
	}
}

func identityLost(s *scene) {
	for _, behavior := range []Behavior{Drop, Hang} {
		if !s.can(behavior) {
			continue
		}
		d := s.delivery("Parcel 17")
		before := len(s.Received())
		s.cut(behavior, func(ctx context.Context) { _ = s.deliver(ctx, d) })
		lost := s.Received()[before:]
		s.behave(Accept)
		d.Attempt = 2
		again := s.sent(d)
		for _, m := range lost {
			s.same(m, again)
		}
	}
}

func identityDelivery(s *scene) {
	first, second := s.delivery("Parcel 17"), s.delivery("Parcel 17")
	s.that(s.identified(s.sent(first)) != s.identified(s.sent(second)), "two deliveries have one identity: the peer would drop the second")
}

func identityAddress(s *scene) {
	if s.addressless() || len(s.Addresses) < 2 {
		s.fail("two addresses: %w", errNotOffered)
	}
	d := s.delivery("Parcel 17")
	first := s.identified(s.sent(d))
	d.Address = s.address(1)
	s.that(first != s.identified(s.sent(d)), "two addresses of one delivery have one identity")
}

func identityDigest(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	d, letter := s.digest(5, 7)
	first := s.sentDigest(c, d, letter)
	d.Attempt = 2
	s.pause(moment)
	s.same(first, s.sentDigest(c, d, copiedDigest(letter)))
	d.Attempt = 3
	letter.Items, letter.Total = letter.Items[1:], 6 // one was read meanwhile
	s.that(first.Identity == s.sentDigest(c, d, letter).Identity, "the letter lost its identity with the item that was read")
}
