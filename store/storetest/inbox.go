package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var inboxChecks = []check{
	{"inbox/newest first", inboxOrder},
	{"inbox/ascending is oldest first", inboxAscending},
	{"inbox/equal instants are ordered by id", inboxEqualInstants},
	{"inbox/pages join without gap or repetition", inboxPages},
	{"inbox/pages are stable while items come in", inboxPagesInsert},
	{"inbox/after a position only newer ones", inboxAfter},
	{"inbox/limit zero is no limit", inboxUnlimited},
	{"inbox/by provider", inboxProvider},
	{"inbox/by id in any state", inboxIDs},
	{"inbox/states", inboxStates},
	{"inbox/a snoozed item is hidden until its instant", inboxSnooze},
	{"inbox/counts unread and unseen", inboxCounts},
	{"inbox/counts stop at the limit", inboxCountLimit},
	{"inbox/an absent recipient has nothing", inboxAbsent},
	{"inbox/tenants are apart", inboxTenants},
	{"inbox/somebody else's id does not exist", inboxForeign},
	{"inbox/items belong to the caller", inboxCopies},
}

func inboxOrder(s *scene) {
	first := s.send(invoice, to(alice))
	s.Advance(time.Millisecond)
	second := s.send(invoice, to(alice))
	s.Advance(time.Microsecond)
	third := s.send(invoice, to(alice))
	equal(s, "items", s.inbox(alice, notify.StateInbox), []notify.ID{third, second, first})
}

func inboxAscending(s *scene) {
	all := s.fill(alice, 10)
	newest := s.items(alice, notify.ItemQuery{})
	equal(s, "number of items", len(newest), len(all))
	slices.Reverse(newest)
	equal(s, "items", s.items(alice, notify.ItemQuery{Ascending: true}), newest)
	equal(s, "the oldest three", s.items(alice, notify.ItemQuery{Ascending: true, Limit: 3}), newest[:3])
}

// fill files n items for r: several at each instant, and out of the order of
// their ids.
func (s *scene) fill(r notify.Recipient, n int) []notify.ID {
	var all []notify.ID
	for len(all) < n {
		var batch []notify.Acceptance
		for range min(5, n-len(all)) {
			batch = append(batch, s.acceptance(invoice, to(r)))
			all = append(all, batch[len(batch)-1].ID)
		}
		slices.Reverse(batch)
		s.accept(batch...)
		s.Advance(time.Millisecond)
	}
	return all
}

func inboxEqualInstants(s *scene) {
	s.fill(alice, 20)
	items := s.items(alice, notify.ItemQuery{})
	for i, it := range items[1:] {
		newer := items[i]
		if newer.Filed.Before(it.Filed) || newer.Filed.Equal(it.Filed) && newer.ID <= it.ID {
			s.fail("item %s at %v comes before %s at %v", newer.ID, newer.Filed, it.ID, it.Filed)
		}
	}
}

// position is the place of an item.
func position(it notify.Item) notify.Position { return notify.Position{Filed: it.Filed, ID: it.ID} }

func inboxPages(s *scene) {
	s.fill(alice, 23)
	for _, ascending := range []bool{false, true} {
		want := s.inbox(alice, notify.StateInbox)
		if ascending {
			slices.Reverse(want)
		}
		var got []notify.ID
		q := notify.ItemQuery{Ascending: ascending, Limit: 4}
		for range len(want) {
			page := s.items(alice, q)
			if len(page) == 0 {
				break
			}
			got = append(got, ids(page)...)
			if last := position(page[len(page)-1]); ascending {
				q.After = last
			} else {
				q.Before = last
			}
		}
		equal(s, fmt.Sprintf("items in pages, ascending %t", ascending), got, want)
	}
}

func inboxPagesInsert(s *scene) {
	s.fill(alice, 10)
	want := s.inbox(alice, notify.StateInbox)
	page := s.items(alice, notify.ItemQuery{Limit: 4})
	s.fill(alice, 5)
	rest := s.items(alice, notify.ItemQuery{Before: position(page[3]), Limit: 100})
	equal(s, "both pages", append(ids(page), ids(rest)...), want)
}

func inboxAfter(s *scene) {
	s.fill(alice, 12)
	all := s.items(alice, notify.ItemQuery{Ascending: true})
	for i, it := range all {
		equal(s, "items after one", ids(s.items(alice, notify.ItemQuery{After: position(it), Ascending: true})), ids(all[i+1:]))
		equal(s, "items before one", ids(s.items(alice, notify.ItemQuery{Before: position(it), Ascending: true})), ids(all[:i]))
	}
	between := s.items(alice, notify.ItemQuery{After: position(all[2]), Before: position(all[9]), Ascending: true})
	equal(s, "items between two", ids(between), ids(all[3:9]))
}

func inboxUnlimited(s *scene) {
	s.fill(alice, 230)
	equal(s, "number of items", len(s.items(alice, notify.ItemQuery{})), 230)
	equal(s, "number of items up to 201", len(s.items(alice, notify.ItemQuery{Limit: 201})), 201)
}

func inboxProvider(s *scene) {
	s.send(invoice, to(alice))
	chat := invoice
	chat.Provider = "chats"
	want := s.send(chat, to(alice))
	s.send(invoice, to(alice))
	equal(s, "items", ids(s.items(alice, notify.ItemQuery{Provider: "chats", Limit: 1})), []notify.ID{want})
	equal(s, "items of an unknown provider", len(s.items(alice, notify.ItemQuery{Provider: "news"})), 0)
}

func inboxIDs(s *scene) {
	archived, snoozed, read, other := s.send(invoice, to(alice)), s.send(invoice, to(alice)), s.send(invoice, to(alice)), s.send(invoice, to(alice))
	s.mark(alice, notify.OpArchive, archived)
	s.snooze(alice, snoozed, time.Hour)
	s.mark(alice, notify.OpRead, read)
	got := ids(s.items(alice, notify.ItemQuery{State: notify.StateUnread, IDs: []notify.ID{read, snoozed, archived, s.id()}}))
	slices.Sort(got)
	equal(s, "items", got, []notify.ID{archived, snoozed, read})
	equal(s, "another", ids(s.items(alice, notify.ItemQuery{IDs: []notify.ID{other}})), []notify.ID{other})
}

func inboxStates(s *scene) {
	unread, read, archived, snoozed := s.send(invoice, to(alice)), s.send(invoice, to(alice)), s.send(invoice, to(alice)), s.send(invoice, to(alice))
	s.mark(alice, notify.OpRead, read)
	s.mark(alice, notify.OpArchive, archived)
	s.snooze(alice, snoozed, time.Hour)
	for state, want := range map[notify.State][]notify.ID{
		notify.StateInbox: {unread, read}, notify.StateUnread: {unread}, notify.StateArchived: {archived},
		notify.StateSnoozed: {snoozed}, notify.StateAll: {unread, read, archived, snoozed},
	} {
		got := s.inbox(alice, state)
		slices.Sort(got)
		equal(s, fmt.Sprintf("items in state %q", state), got, want)
	}
}

func inboxSnooze(s *scene) {
	id := s.send(invoice, to(alice))
	s.snooze(alice, id, time.Hour)
	until := s.item(alice, id).Snoozed
	s.Advance(59 * time.Minute)
	equal(s, "inbox before the instant", s.inbox(alice, notify.StateInbox), nil)
	equal(s, "unread before the instant", s.inbox(alice, notify.StateUnread), nil)
	equal(s, "snoozed before the instant", s.inbox(alice, notify.StateSnoozed), []notify.ID{id})
	equal(s, "counts before the instant", s.counts(alice), notify.Counts{})
	s.Advance(until.Sub(s.now()))
	equal(s, "inbox at the instant", s.inbox(alice, notify.StateInbox), []notify.ID{id})
	equal(s, "unread at the instant", s.inbox(alice, notify.StateUnread), []notify.ID{id})
	equal(s, "snoozed at the instant", s.inbox(alice, notify.StateSnoozed), nil)
	equal(s, "counts at the instant", s.counts(alice), notify.Counts{Unread: 1, Unseen: 1})
}

func inboxCounts(s *scene) {
	all := s.fill(alice, 6)
	s.send(invoice, to(bob))
	equal(s, "counts", s.counts(alice), notify.Counts{Unread: 6, Unseen: 6})
	s.mark(alice, notify.OpSeen, all[0], all[1])
	s.mark(alice, notify.OpRead, all[2])
	equal(s, "counts after marks", s.counts(alice), notify.Counts{Unread: 5, Unseen: 3})
	s.mark(alice, notify.OpArchive, all[3])
	equal(s, "counts without an archived item", s.counts(alice), notify.Counts{Unread: 4, Unseen: 2})
	s.mark(alice, notify.OpUnread, all[2])
	equal(s, "counts with one unread again", s.counts(alice), notify.Counts{Unread: 5, Unseen: 2})
}

func inboxCountLimit(s *scene) {
	all := s.fill(alice, 5)
	s.mark(alice, notify.OpSeen, all[0], all[1])
	for limit, want := range map[int]notify.Counts{
		2: {Unread: 2, Unseen: 2, AtLeast: true},
		3: {Unread: 3, Unseen: 3, AtLeast: true},
		4: {Unread: 4, Unseen: 3, AtLeast: true},
		5: {Unread: 5, Unseen: 3},
		6: {Unread: 5, Unseen: 3},
	} {
		got, err := s.Store.Counts(s.ctx, alice, limit)
		s.ok(err, "Counts")
		equal(s, fmt.Sprintf("counts up to %d", limit), got, want)
	}
}

func inboxAbsent(s *scene) {
	s.send(invoice, to(alice))
	equal(s, "items", s.inbox(bob, notify.StateAll), nil)
	equal(s, "counts", s.counts(bob), notify.Counts{})
}

func inboxTenants(s *scene) {
	n := invoice
	n.Tenant = "globex"
	namesake := notify.Recipient{Tenant: "globex", ID: alice.ID}
	mine, theirs := s.send(invoice, to(alice)), s.send(n, to(namesake))
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{mine})
	equal(s, "items of the namesake", s.inbox(namesake, notify.StateAll), []notify.ID{theirs})
	equal(s, "items without a tenant", s.inbox(notify.User(alice.ID), notify.StateAll), nil)
	equal(s, "tenant of the item", s.item(namesake, theirs).Notification.Tenant, "globex")
	equal(s, "counts", s.counts(namesake), notify.Counts{Unread: 1, Unseen: 1})
}

func inboxForeign(s *scene) {
	id := s.send(invoice, to(alice))
	equal(s, "items", len(s.items(bob, notify.ItemQuery{IDs: []notify.ID{id}})), 0)
}

func inboxCopies(s *scene) {
	n := invoice
	n.Data = []byte(`{"n":1}`)
	n.Rows = []notify.Row{{Text: "12.00 EUR"}}
	n.Actions = []notify.Action{{Key: "pay", Title: "Pay"}}
	id := s.send(n, to(alice))
	got := s.item(alice, id).Notification
	copy(got.Data, `######`)
	got.Rows[0].Text = "changed"
	got.Actions[0].Key = "changed"
	equal(s, "notification", s.item(alice, id).Notification, n)
}
