package storetest

import (
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

var glanceChecks = []check{
	{"glance/counts and newest are those of the inbox", glanceSame},
	{"glance/counts stop at the limit", glanceLimit},
	{"glance/many recipients in one call", glanceMany},
}

// glance looks at inboxes; one that is missing has nothing.
func (s *scene) glance(limit int, recipients ...notify.Recipient) map[notify.Recipient]notify.Glimpse {
	found, err := role[notify.Glancer](s, "Glancer").Glance(s.ctx, recipients, limit)
	s.ok(err, "Glance")
	return found
}

// seen is what a glance should show of an inbox.
func (s *scene) seen(r notify.Recipient) notify.Glimpse {
	g := notify.Glimpse{Counts: s.counts(r)}
	for _, it := range s.items(r, notify.ItemQuery{State: notify.StateAll, Limit: 1}) {
		g.Newest = position(it)
	}
	return g
}

func glanceSame(s *scene) {
	stranger := notify.Recipient{Tenant: "acme", ID: "stranger"}
	steps := []struct {
		what string
		do   func()
	}{
		{"at first", func() {}},
		{"an item was filed", func() { s.send(invoice, to(alice)) }},
		{"another was", func() { s.Advance(time.Second); s.send(invoice, to(alice)); s.send(invoice, to(bob)) }},
		{"one was seen", func() { s.mark(alice, notify.OpSeen, s.inbox(alice, notify.StateAll)[0]) }},
		{"one was read", func() { s.mark(alice, notify.OpRead, s.inbox(alice, notify.StateAll)[1]) }},
		{"one was archived", func() { s.mark(alice, notify.OpArchive, s.inbox(alice, notify.StateAll)[0]) }},
		{"one was taken up again", func() { s.mark(alice, notify.OpUnread, s.inbox(alice, notify.StateAll)[1]) }},
		{"one is snoozed", func() { s.snooze(alice, s.inbox(alice, notify.StateAll)[1], time.Minute) }},
		{"the snooze has ended", func() { s.Advance(2 * time.Minute) }},
	}
	for _, step := range steps {
		step.do()
		got := s.glance(1000, alice, bob, stranger)
		for _, r := range []notify.Recipient{alice, bob, stranger} {
			equal(s, fmt.Sprintf("glimpse of %s when %s", r.ID, step.what), got[r], s.seen(r))
		}
	}
}

func glanceLimit(s *scene) {
	all := s.fill(alice, 5)
	s.mark(alice, notify.OpSeen, all[0], all[1])
	for limit := 1; limit <= 6; limit++ {
		want, err := s.Store.Counts(s.ctx, alice, limit)
		s.ok(err, "Counts")
		equal(s, fmt.Sprintf("counts up to %d", limit), s.glance(limit, alice)[alice].Counts, want)
	}
}

func glanceMany(s *scene) {
	var everybody []notify.Recipient
	var filings []notify.Filing
	for i := range 1100 {
		r := notify.Recipient{Tenant: "acme", ID: fmt.Sprintf("user-%04d", i)}
		everybody = append(everybody, r)
		if i%100 == 99 {
			filings = append(filings, to(r))
		}
	}
	s.send(invoice, filings...)
	found := s.glance(10, everybody...)
	for i, r := range everybody {
		want := 0
		if i%100 == 99 {
			want = 1
		}
		equal(s, "unread of "+r.ID, found[r].Counts.Unread, want)
	}
}
