package storetest

import (
	"time"

	"github.com/bellwether-go/notify"
)

var collapseChecks = []check{
	{"collapse/an unread item is updated and moves up", collapseUpdates},
	{"collapse/a snoozed item comes back", collapseUnsnoozes},
	{"collapse/the newest of one batch wins", collapseBatch},
	{"collapse/the newest wins in any order of a batch", collapseBatchReversed},
	{"collapse/an earlier one that is filed late is dropped", collapseLate},
	{"collapse/a later one wins over what is filed meanwhile", collapseMeanwhile},
	{"collapse/a read item gives its key up for good", collapseRead},
	{"collapse/an archived item gives its key up for good", collapseArchived},
	{"collapse/a withdrawn item gives its key up for good", collapseWithdrawn},
	{"collapse/keys belong to a recipient and a provider", collapseScope},
	{"collapse/without a key nothing collapses", collapseKeyless},
	{"collapse/senders at once leave one item", collapseConcurrent},
	{"collapse/a delivery of what was replaced has no item", collapseFacts},
	{"collapse/a withdrawal of what was replaced spares the item", collapseWithdrawReplaced},
}

// weather is a notification that replaces the one before it.
func weather(title string) notify.Notification {
	return notify.Notification{Tenant: "acme", Provider: "weather", Title: title, CollapseKey: "today"}
}

func collapseUpdates(s *scene) {
	first := s.send(weather("rain"), to(alice))
	s.Advance(time.Second)
	between := s.send(invoice, to(alice))
	s.mark(alice, notify.OpSeen, first)
	s.Advance(time.Second)
	var second notify.ID
	s.during("Filed of the updated item", func() time.Time {
		second = s.send(weather("sun"), to(alice))
		return s.item(alice, first).Filed
	})
	equal(s, "order", s.inbox(alice, notify.StateInbox), []notify.ID{first, between})
	it := s.item(alice, first)
	it.Filed = time.Time{}
	equal(s, "item", it, notify.Item{ID: first, Recipient: alice, Notification: weather("sun"), NotificationID: second, Repeats: 1})
	s.send(weather("snow"), to(alice))
	equal(s, "repeats after a third", s.item(alice, first).Repeats, 2)
}

func collapseUnsnoozes(s *scene) {
	first := s.send(weather("rain"), to(alice))
	s.snooze(alice, first, time.Hour)
	s.send(weather("sun"), to(alice))
	equal(s, "unread items", s.inbox(alice, notify.StateUnread), []notify.ID{first})
	equal(s, "snoozed", s.item(alice, first).Snoozed, time.Time{})
}

func collapseBatch(s *scene) {
	batch := []notify.Acceptance{s.acceptance(weather("rain"), to(alice)), s.acceptance(weather("sun"), to(alice)), s.acceptance(weather("snow"), to(alice))}
	s.accept(batch...)
	items := s.items(alice, notify.ItemQuery{})
	equal(s, "items", ids(items), []notify.ID{batch[0].ID})
	equal(s, "notification", items[0].NotificationID, batch[2].ID)
	equal(s, "title", items[0].Notification.Title, "snow")
	equal(s, "repeats", items[0].Repeats, 2)
}

func collapseBatchReversed(s *scene) {
	older, newer := s.acceptance(weather("rain"), to(alice)), s.acceptance(weather("sun"), to(alice))
	s.accept(newer, older)
	items := s.items(alice, notify.ItemQuery{})
	equal(s, "number of items", len(items), 1)
	equal(s, "notification", items[0].NotificationID, newer.ID)
}

func collapseLate(s *scene) {
	late := s.fanOut(weather("rain"), alice)
	s.take(late)
	s.Advance(time.Second)
	second := s.send(weather("sun"), to(alice, s.delivery(notify.Email)))
	before := s.item(alice, second)
	s.Advance(time.Second)
	s.chunk(s.claimFanOut(), notify.Chunk{Filings: []notify.Filing{to(alice, s.delivery(notify.Mobile))}, Done: true})
	equal(s, "item", s.items(alice, notify.ItemQuery{State: notify.StateAll}), []notify.Item{before})
	equal(s, "tasks of the dropped filing", len(s.claim(notify.Mobile, 10)), 0)
	equal(s, "tasks of the other", len(s.claim(notify.Email, 10)), 1)
}

func collapseMeanwhile(s *scene) {
	first := s.send(weather("rain"), to(alice))
	s.Advance(time.Second)
	second := s.fanOut(weather("sun"), alice)
	s.take(second)
	s.Advance(time.Second)
	s.chunk(s.claimFanOut(), notify.Chunk{Filings: []notify.Filing{to(alice)}, Done: true})
	equal(s, "notification", s.item(alice, first).NotificationID, second.ID)
}

func collapseRead(s *scene) { s.givesUp(notify.OpRead, notify.OpUnread) }

func collapseArchived(s *scene) { s.givesUp(notify.OpArchive, notify.OpUnarchive) }

// givesUp checks that an item that was marked does not hold its key any more,
// not even when the mark is taken back.
func (s *scene) givesUp(mark, back notify.Op) {
	first := s.send(weather("rain"), to(alice))
	s.mark(alice, mark, first)
	s.mark(alice, back, first)
	s.Advance(time.Second)
	second := s.send(weather("sun"), to(alice))
	equal(s, "items", s.inbox(alice, notify.StateUnread), []notify.ID{second, first})
	equal(s, "title of the old item", s.item(alice, first).Notification.Title, "rain")
	third := s.send(weather("snow"), to(alice))
	equal(s, "notification of the new item", s.item(alice, second).NotificationID, third)
}

func collapseWithdrawn(s *scene) {
	n := weather("rain")
	n.Entity = "rome"
	first := s.send(n, to(alice))
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "rome"})
	s.Advance(time.Second)
	second := s.send(weather("sun"), to(alice))
	s.sweep(first)
	it := s.item(alice, second)
	equal(s, "repeats", it.Repeats, 0)
	equal(s, "items after the sweep", s.inbox(alice, notify.StateAll), []notify.ID{second})
	third := s.send(weather("snow"), to(alice))
	equal(s, "notification of the new item", s.item(alice, second).NotificationID, third)
}

func collapseScope(s *scene) {
	s.send(weather("rain"), to(alice))
	s.send(weather("sun"), to(bob))
	other := weather("hail")
	other.Provider = "news"
	s.send(other, to(alice))
	other = weather("fog")
	other.CollapseKey = "tomorrow"
	s.send(other, to(alice))
	equal(s, "items", len(s.inbox(alice, notify.StateInbox)), 3)
	equal(s, "items of another recipient", len(s.inbox(bob, notify.StateInbox)), 1)
}

func collapseKeyless(s *scene) {
	s.send(invoice, to(alice))
	s.send(invoice, to(alice))
	equal(s, "items", len(s.inbox(alice, notify.StateInbox)), 2)
}

func collapseConcurrent(s *scene) {
	const senders = 16
	var batches [senders]notify.Acceptance
	for i := range batches {
		batches[i] = s.acceptance(weather("rain"), to(alice))
	}
	s.parallel(senders, func(i int) error {
		_, err := s.Store.Accept(s.ctx, batches[i:i+1])
		return err
	})
	equal(s, "items", len(s.inbox(alice, notify.StateAll)), 1)
}

func collapseFacts(s *scene) {
	first := s.send(weather("rain"), to(alice, s.delivery(notify.Email)))
	old := s.claimOne(notify.Email)
	equal(s, "item of the first", s.load(old).Item.ID, first)
	s.Advance(time.Second)
	second := s.send(weather("sun"), to(alice, s.delivery(notify.Email)))
	facts := s.load(old)
	equal(s, "item of the replaced", facts.Item, notify.Item{})
	equal(s, "notification of the replaced", facts.Notification.Title, "rain")
	facts = s.load(s.claimOne(notify.Email))
	equal(s, "item of the second", facts.Item.ID, first)
	equal(s, "its notification", facts.Item.NotificationID, second)
}

func collapseWithdrawReplaced(s *scene) {
	n := weather("rain")
	n.Entity = "rome"
	first := s.send(n, to(alice))
	s.Advance(time.Second)
	second := s.send(weather("sun"), to(alice))
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "rome"})
	equal(s, "swept", s.sweep(first), nil)
	equal(s, "notification", s.item(alice, first).NotificationID, second)
	s.send(weather("snow"), to(alice))
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{first})
}
