package storetest

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

var addressChecks = []check{
	{"addresses/what is registered is listed", addressesRegister},
	{"addresses/the same again is updated and keeps its id", addressesAgain},
	{"addresses/the same keys rebind it", addressesRebind},
	{"addresses/other keys are refused", addressesRefused},
	{"addresses/of owners at once exactly one wins", addressesConcurrent},
	{"addresses/the limit drops the first registered", addressesLimit},
	{"addresses/updating at the limit drops nothing", addressesLimitAgain},
	{"addresses/the limit is per recipient and channel", addressesLimitScope},
	{"addresses/only the owner unregisters", addressesUnregister},
	{"addresses/oldest first, per recipient", addressesOrder},
	{"addresses/facts have those of the channel", addressesFacts},
	{"addresses/outcomes are recorded", addressesOutcomes},
	{"addresses/outcomes settled together add up", addressesTogether},
	{"addresses/gone removes it", addressesGone},
	{"addresses/gone spares what was registered anew", addressesGoneAnew},
	{"addresses/registrations belong to the caller", addressesCopies},
}

// device is an address on the mobile channel.
func device(token string) notify.Address {
	return notify.Address{Channel: notify.Mobile, Value: token, Meta: []byte(`{"platform": "ios"}`)}
}

// values are the values of registered addresses, in their order.
func values(regs []notify.Registration) []string {
	var found []string
	for _, r := range regs {
		found = append(found, r.Address.Value)
	}
	return found
}

func addressesRegister(s *scene) {
	want := notify.Registration{ID: s.id(), Recipient: alice, Address: device("t1"), Name: "Pixel 9", Locale: "pt-BR"}
	s.during("Registered", func() time.Time {
		got, err := s.Store.Register(s.ctx, want, 10)
		s.ok(err, "Register")
		want.Registered = got.Registered
		equal(s, "registration", got, want)
		return got.Registered
	})
	equal(s, "registrations", s.registered(alice), []notify.Registration{want})
	equal(s, "registrations of another", s.registered(bob), nil)
}

func addressesAgain(s *scene) {
	first := s.register(alice, device("t1"), 10)
	again := notify.Registration{ID: s.id(), Recipient: alice, Address: device("t1"), Name: "iPhone", Locale: "de"}
	again.Address.Meta = []byte(`{"platform": "android"}`)
	got, err := s.Store.Register(s.ctx, again, 10)
	s.ok(err, "Register")
	again.ID, again.Registered = first.ID, got.Registered
	equal(s, "registration", got, again)
	equal(s, "registrations", s.registered(alice), []notify.Registration{again})
}

func addressesRebind(s *scene) {
	s.register(alice, device("t1"), 10)
	kept := s.register(alice, device("t2"), 10)
	got := s.register(bob, device("t1"), 10)
	equal(s, "new owner", got.Recipient, bob)
	equal(s, "registrations of the new owner", s.registered(bob), []notify.Registration{got})
	equal(s, "registrations of the former owner", s.registered(alice), []notify.Registration{kept})
}

func addressesRefused(s *scene) {
	first := s.register(alice, device("t1"), 10)
	stranger := notify.Recipient{Tenant: "globex", ID: "alice"}
	for _, r := range []notify.Recipient{bob, stranger} {
		for _, meta := range []string{``, `{"platform":"ios"}`, `{"platform": "IOS"}`} {
			a := notify.Address{Channel: notify.Mobile, Value: "t1", Meta: []byte(meta)}
			_, err := s.Store.Register(s.ctx, notify.Registration{ID: s.id(), Recipient: r, Address: a}, 10)
			s.is(err, notify.ErrConflict, "Register with other keys")
		}
		equal(s, "registrations of the other", s.registered(r), nil)
	}
	equal(s, "registrations of the owner", s.registered(alice), []notify.Registration{first})
}

func addressesConcurrent(s *scene) {
	owners := []notify.Recipient{alice, bob, carol}
	keys := []string{`{"k": 1}`, `{"k": 2}`, `{"k": 3}`}
	regs := make([]notify.Registration, len(owners))
	for i, r := range owners {
		regs[i] = notify.Registration{ID: s.id(), Recipient: r, Address: notify.Address{Channel: notify.Browser, Value: "e", Meta: []byte(keys[i])}}
	}
	var won atomic.Int64
	s.parallel(len(owners), func(i int) error {
		_, err := s.Store.Register(s.ctx, regs[i], 10)
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, notify.ErrConflict) {
			return err
		}
		return nil
	})
	equal(s, "owners that won", won.Load(), 1)
	equal(s, "registrations", len(s.registered(alice))+len(s.registered(bob))+len(s.registered(carol)), 1)
}

func addressesLimit(s *scene) {
	for _, token := range []string{"t1", "t2", "t3", "t4"} {
		s.register(alice, device(token), 3)
		s.Advance(time.Second)
	}
	equal(s, "registrations", values(s.registered(alice)), []string{"t2", "t3", "t4"})
}

func addressesLimitAgain(s *scene) {
	s.register(alice, device("t1"), 2)
	s.Advance(time.Second)
	s.register(alice, device("t2"), 2)
	s.register(alice, device("t2"), 2)
	equal(s, "registrations", values(s.registered(alice)), []string{"t1", "t2"})
}

func addressesLimitScope(s *scene) {
	s.register(alice, device("t1"), 1)
	s.register(bob, device("t2"), 1)
	s.register(alice, notify.Address{Channel: notify.Browser, Value: "t3"}, 1)
	equal(s, "registrations", len(s.registered(alice)), 2)
	equal(s, "registrations of another", len(s.registered(bob)), 1)
}

func addressesUnregister(s *scene) {
	reg := s.register(alice, device("t1"), 10)
	s.is(s.Store.Unregister(s.ctx, bob, reg.ID), notify.ErrNotFound, "Unregister by another")
	s.is(s.Store.Unregister(s.ctx, alice, s.id()), notify.ErrNotFound, "Unregister of an unknown id")
	equal(s, "registrations", len(s.registered(alice)), 1)
	s.ok(s.Store.Unregister(s.ctx, alice, reg.ID), "Unregister")
	equal(s, "registrations", s.registered(alice), nil)
	s.is(s.Store.Unregister(s.ctx, alice, reg.ID), notify.ErrNotFound, "Unregister for the second time")
	s.register(bob, notify.Address{Channel: notify.Mobile, Value: "t1"}, 10)
}

func addressesOrder(s *scene) {
	for _, token := range []string{"t3", "t1", "t2"} {
		s.register(alice, device(token), 10)
		s.register(bob, device("b"+token), 10)
		s.Advance(time.Second)
	}
	got, err := s.Store.Addresses(s.ctx, []notify.Recipient{carol, bob, alice})
	s.ok(err, "Addresses")
	equal(s, "registrations", values(got[alice]), []string{"t3", "t1", "t2"})
	equal(s, "registrations of another", values(got[bob]), []string{"bt3", "bt1", "bt2"})
	equal(s, "registrations of an absent one", len(got[carol]), 0)
}

func addressesFacts(s *scene) {
	want := s.register(alice, device("t1"), 10)
	s.register(alice, notify.Address{Channel: notify.Browser, Value: "t2"}, 10)
	s.register(bob, device("t3"), 10)
	s.send(invoice, to(alice, s.delivery(notify.Mobile)))
	equal(s, "addresses", s.load(s.claimOne(notify.Mobile)).Addresses, []notify.Registration{want})
}

// attempt settles a delivery to alice with what it learnt about an address.
func (s *scene) attempt(outcome notify.AddressOutcome) {
	s.send(invoice, to(alice, s.delivery(notify.Mobile)))
	s.settle(s.claimOne(notify.Mobile), notify.Outcome{Status: notify.StatusDelivered, Addresses: []notify.AddressOutcome{outcome}})
}

func addressesOutcomes(s *scene) {
	reg := s.register(alice, device("t1"), 10)
	other := s.register(alice, device("t2"), 10)
	s.during("LastSuccess", func() time.Time {
		s.attempt(notify.AddressOutcome{Registration: reg.ID})
		return s.registered(alice)[0].LastSuccess
	})
	s.during("LastErrorAt", func() time.Time {
		s.attempt(notify.AddressOutcome{Registration: reg.ID, Error: "429 too many"})
		return s.registered(alice)[0].LastErrorAt
	})
	got := s.registered(alice)
	equal(s, "last error", got[0].LastError, "429 too many")
	s.that(!got[0].LastSuccess.IsZero(), "an error took the last success away")
	equal(s, "registration without an outcome", got[1], other)
}

func addressesTogether(s *scene) {
	first, second, third := s.register(alice, device("t1"), 10), s.register(alice, device("t2"), 10), s.register(alice, device("t3"), 10)
	for range 2 {
		s.send(invoice, to(alice, s.delivery(notify.Mobile)))
	}
	tasks := s.claim(notify.Mobile, 2)
	s.Advance(time.Second)
	gone := notify.AddressOutcome{Registration: third.ID, Error: "410", Gone: true, Since: s.now()}
	lost := s.settleAll(
		notify.Outcome{Task: held(tasks[0]), Status: notify.StatusDelivered, Addresses: []notify.AddressOutcome{{Registration: first.ID}, {Registration: second.ID, Error: "429"}, gone}},
		notify.Outcome{Task: held(tasks[1]), Status: notify.StatusPending, Addresses: []notify.AddressOutcome{{Registration: first.ID, Error: "400"}, {Registration: second.ID, Error: "503"}, {Registration: third.ID}}},
	)
	equal(s, "lost leases", lost, nil)
	got := s.registered(alice)
	equal(s, "registrations", values(got), []string{"t1", "t2"})
	s.that(!got[0].LastSuccess.IsZero() && got[0].LastError == "400", "of a success and an error there is %+v", got[0])
	s.that(got[1].LastSuccess.IsZero() && got[1].LastError == "503", "of two errors there is %+v", got[1])
}

func addressesGone(s *scene) {
	reg, other := s.register(alice, device("t1"), 10), s.register(alice, device("t2"), 10)
	s.Advance(time.Second)
	s.attempt(notify.AddressOutcome{Registration: reg.ID, Error: "410", Gone: true, Since: s.now()})
	equal(s, "registrations", s.registered(alice), []notify.Registration{other})
}

func addressesGoneAnew(s *scene) {
	reg := s.register(alice, device("t1"), 10)
	s.Advance(time.Second)
	since := s.now()
	s.Advance(time.Second)
	s.register(alice, device("t1"), 10)
	s.attempt(notify.AddressOutcome{Registration: reg.ID, Error: "410", Gone: true, Since: since})
	equal(s, "registrations", values(s.registered(alice)), []string{"t1"})
}

func addressesCopies(s *scene) {
	a := device("t1")
	copy(s.register(alice, a, 10).Address.Meta, `######`)
	copy(s.registered(alice)[0].Address.Meta, `######`)
	copy(a.Meta, `######`)
	equal(s, "meta", string(s.registered(alice)[0].Address.Meta), string(device("").Meta))
}
