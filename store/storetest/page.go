package storetest

import (
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

var pageChecks = []check{
	{"page/items and counts are those of the inbox", pageSame},
	{"page/one without items has the counts all the same", pageEmpty},
	{"page/counts stop at the limit", pageLimit},
}

// page reads a page and fails unless it says what Items and Counts do.
func (s *scene) page(what string, r notify.Recipient, q notify.ItemQuery, limit int) {
	items, counts, err := role[notify.Pager](s, "Pager").Page(s.ctx, r, q, limit)
	s.ok(err, "Page")
	equal(s, "items of "+what, items, s.items(r, q))
	want, err := s.Store.Counts(s.ctx, r, limit)
	s.ok(err, "Counts")
	equal(s, "counts of "+what, counts, want)
}

func pageSame(s *scene) {
	all := s.fill(alice, 6)
	s.send(invoice, to(bob))
	s.mark(alice, notify.OpSeen, all[1], all[2])
	s.mark(alice, notify.OpRead, all[2], all[3])
	s.mark(alice, notify.OpArchive, all[4])
	s.snooze(alice, all[5], time.Minute)
	for range 2 {
		for _, r := range []notify.Recipient{alice, bob, {Tenant: "acme", ID: "stranger"}} {
			for _, state := range []notify.State{notify.StateInbox, notify.StateUnread, notify.StateArchived, notify.StateSnoozed, notify.StateAll} {
				for _, limit := range []int{0, 1, 2, 50} {
					s.page(fmt.Sprintf("%s in state %q up to %d", r.ID, state, limit), r, notify.ItemQuery{State: state, Limit: limit}, 1000)
				}
			}
		}
		s.Advance(2 * time.Minute) // the snooze ends
	}
	for _, it := range s.items(alice, notify.ItemQuery{}) {
		s.page("alice before one of hers", alice, notify.ItemQuery{Before: position(it), Limit: 2}, 1000)
	}
	s.page("alice by id", alice, notify.ItemQuery{IDs: all[:2]}, 1000)
}

func pageEmpty(s *scene) {
	s.fill(alice, 2)
	s.page("alice of another provider", alice, notify.ItemQuery{Provider: "nobody", Limit: 5}, 1000)
	s.page("alice archived", alice, notify.ItemQuery{State: notify.StateArchived, Limit: 5}, 1000)
}

func pageLimit(s *scene) {
	all := s.fill(alice, 5)
	s.mark(alice, notify.OpSeen, all[0], all[1])
	for limit := 1; limit <= 6; limit++ {
		s.page(fmt.Sprintf("alice counted up to %d", limit), alice, notify.ItemQuery{Limit: 2}, limit)
	}
}
