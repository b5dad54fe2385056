package channeltest

import (
	"bytes"
	"strings"

	"github.com/bellwether-go/notify"
)

var upgradeChecks = []check{
	{"address/one that serves is taken and stays as it is", addressTaken},
	{"address/what is checked is not changed", addressUnchanged},
	{"addressless/stays so and needs none", addresslessStable},
	{"badger/stays one and takes every number", badgerStable},
	{"router/one address, one destination", routerStable},
	{"router/a destination tells no address", routerDiscreet},
}

func addressTaken(s *scene) {
	c := upgrade[notify.AddressChecker](s, "notify.AddressChecker")
	for i := range s.Addresses {
		a := s.address(i)
		once, err := c.CheckAddress(a)
		s.ok(err, "CheckAddress of an address that the peer knows")
		s.that(once.Channel == a.Channel, "the address belonged to channel %q, and now to %q", a.Channel, once.Channel)
		twice, err := c.CheckAddress(once)
		s.ok(err, "CheckAddress of what it returned")
		s.that(once.Value == twice.Value && bytes.Equal(once.Meta, twice.Meta), "an address that was checked changes when it is checked again")
		d := s.delivery("Parcel 17")
		d.Address = once
		s.sent(d)
	}
}

func addressUnchanged(s *scene) {
	c := upgrade[notify.AddressChecker](s, "notify.AddressChecker")
	for _, a := range append(s.strays(), s.address(0)) {
		before := cloned(a.Meta)
		checked, _ := c.CheckAddress(a)
		s.that(bytes.Equal(before, a.Meta), "the Meta %s was changed to %s", brief(string(before)), brief(string(a.Meta)))
		kept := cloned(checked.Meta)
		again, _ := c.CheckAddress(notify.Address{Channel: a.Channel, Value: a.Value, Meta: before})
		s.that(bytes.Equal(kept, again.Meta), "an address is checked twice, with two answers")
	}
}

func addresslessStable(s *scene) {
	a := upgrade[notify.Addressless](s, "notify.Addressless")
	before := a.Addressless()
	d := s.delivery("Parcel 17")
	if before {
		d.Address = notify.Address{}
	}
	s.sent(d)
	s.that(a.Addressless() == before, "whether the channel needs an address changes")
}

func badgerStable(s *scene) {
	b := upgrade[notify.Badger](s, "notify.Badger")
	before := b.WantsUnread()
	for _, unread := range []int{0, 1, 99, 100, 10_000, 1 << 40} {
		d := s.delivery("Parcel 17")
		d.Unread = unread
		s.sent(d)
	}
	s.that(b.WantsUnread() == before, "whether the channel wants the number of unread changes")
}

func routerStable(s *scene) {
	r := upgrade[notify.Router](s, "notify.Router")
	for i := range max(1, len(s.Addresses)) {
		a := s.address(i)
		before := r.Destination(a)
		d := s.delivery("Parcel 17")
		d.Address = a
		s.sent(d)
		s.that(r.Destination(a) == before, "the destination of an address changes")
		s.that(len(before) <= 255, "a destination of %d bytes, at most 255", len(before))
	}
}

// routerDiscreet: destinations are shown to operators and counted in metrics.
func routerDiscreet(s *scene) {
	r := upgrade[notify.Router](s, "notify.Router")
	for i := range max(1, len(s.Addresses)) {
		a := s.address(i)
		destination := r.Destination(a)
		s.that(a.Value == "" || !strings.Contains(destination, a.Value), "the destination of address %d is, or holds, the address", i)
		for j, secret := range s.Secrets {
			s.that(secret == "" || !strings.Contains(destination, secret), "the destination tells secret %d", j)
		}
	}
}
