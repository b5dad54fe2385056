package storetest

import (
	"time"

	"github.com/bellwether-go/notify"
)

var pruneChecks = []check{
	{"prune/a zero instant removes nothing", pruneZero},
	{"prune/read and archived items", pruneRead},
	{"prune/never unread ones by default", pruneUnreadKept},
	{"prune/unread ones when told", pruneUnread},
	{"prune/in batches", pruneBatches},
	{"prune/settled deliveries", pruneDeliveries},
	{"prune/notifications that nothing refers to", pruneNotifications},
	{"prune/a pending fan-out is kept", pruneFanOut},
	{"prune/what a pending task needs is kept", prunePending},
	{"prune/what a dead delivery needs is kept", pruneDead},
}

// prune removes up to limit rows.
func (s *scene) prune(p notify.Prune, limit int) int {
	n, err := role[notify.Pruner](s, "notify.Pruner").Prune(s.ctx, p, limit)
	s.ok(err, "Prune")
	s.that(n >= 0 && n <= limit, "Prune removed %d rows, up to %d", n, limit)
	return n
}

// pruneAll removes all that may be removed.
func (s *scene) pruneAll(p notify.Prune) {
	for range 1000 {
		if s.prune(p, 100) < 100 {
			return
		}
	}
	s.fail("Prune does not come to an end")
}

// everything may be removed but unread items.
func (s *scene) everything() notify.Prune {
	return notify.Prune{ReadBefore: s.now(), DeliveriesBefore: s.now()}
}

func pruneZero(s *scene) {
	id := s.send(invoice, to(alice, s.delivery(notify.Email)))
	s.settle(s.claimOne(notify.Email), notify.Outcome{Status: notify.StatusDelivered})
	s.mark(alice, notify.OpRead, id)
	s.Advance(1000 * time.Hour)
	equal(s, "removed", s.prune(notify.Prune{}, 100), 0)
	s.item(alice, id)
	equal(s, "records", len(s.records(notify.DeliveryQuery{})), 1)
}

func pruneRead(s *scene) {
	read, archived, later := s.send(invoice, to(alice)), s.send(invoice, to(alice)), s.send(invoice, to(alice))
	s.mark(alice, notify.OpRead, read)
	s.mark(alice, notify.OpArchive, archived)
	s.Advance(time.Hour)
	s.mark(alice, notify.OpRead, later)
	at := s.item(alice, later).Read
	s.pruneAll(notify.Prune{ReadBefore: at})
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{later})
}

func pruneUnreadKept(s *scene) {
	unread := s.send(invoice, to(alice))
	again := s.send(invoice, to(alice))
	s.mark(alice, notify.OpRead, again)
	s.mark(alice, notify.OpUnread, again)
	s.Advance(1000 * time.Hour)
	s.pruneAll(s.everything())
	equal(s, "items", s.inbox(alice, notify.StateUnread), []notify.ID{again, unread})
	equal(s, "title", s.item(alice, unread).Notification.Title, invoice.Title)
}

func pruneUnread(s *scene) {
	s.send(invoice, to(alice))
	s.Advance(time.Hour)
	later := s.send(invoice, to(alice))
	read := s.send(invoice, to(alice))
	s.mark(alice, notify.OpRead, read)
	s.pruneAll(notify.Prune{UnreadBefore: s.item(alice, later).Filed})
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{read, later})
}

func pruneBatches(s *scene) {
	all := s.fill(alice, 7)
	s.mark(alice, notify.OpRead, all...)
	s.Advance(time.Hour)
	p := notify.Prune{ReadBefore: s.now()}
	equal(s, "removed in the first batch", s.prune(p, 3), 3)
	s.that(len(s.inbox(alice, notify.StateAll)) >= 4, "a batch of 3 left %d of 7 items", len(s.inbox(alice, notify.StateAll)))
	s.pruneAll(p)
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
	equal(s, "removed when nothing is left", s.prune(p, 3), 0)
}

func pruneDeliveries(s *scene) {
	for _, status := range []notify.Status{notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead} {
		s.settle(s.hold(), notify.Outcome{Status: status})
	}
	s.Advance(time.Hour)
	later := s.hold()
	s.settle(later, notify.Outcome{Status: notify.StatusDelivered})
	s.send(invoice, to(alice, s.delivery(notify.Mobile)))
	s.pruneAll(notify.Prune{DeliveriesBefore: s.record(later.ID).Settled})
	equal(s, "finished records", len(s.records(notify.DeliveryQuery{Channel: notify.Email})), 1)
	equal(s, "record that is younger", s.record(later.ID).Status, notify.StatusDelivered)
	equal(s, "status of the pending one", s.record(s.claimOne(notify.Mobile).ID).Status, notify.StatusPending)
	equal(s, "unread items", len(s.inbox(alice, notify.StateUnread)), 5)
}

func pruneNotifications(s *scene) {
	n := invoice
	n.Key = "k"
	id := s.send(n, to(alice), to(bob))
	s.mark(alice, notify.OpRead, id)
	s.Advance(time.Hour)
	s.pruneAll(s.everything())
	n.Title = "Invoice 18"
	s.is(s.accept(s.acceptance(n, to(carol)))[0].Err, notify.ErrConflict, "receipt while an item refers to it")
	equal(s, "title of the unread item", s.item(bob, id).Notification.Title, invoice.Title)
	s.mark(bob, notify.OpRead, id)
	s.Advance(time.Hour)
	s.pruneAll(s.everything())
	s.send(n, to(carol)) // the key is free
}

func pruneFanOut(s *scene) {
	a := s.fanOut(invoice, alice)
	s.take(a)
	s.Advance(time.Hour)
	s.pruneAll(s.everything())
	task := s.claimFanOut()
	equal(s, "recipients", s.load(task).Notification.To, []notify.Recipient{alice})
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice)}, Done: true})
	equal(s, "title", s.item(alice, a.ID).Notification.Title, invoice.Title)
}

func prunePending(s *scene) {
	id := s.send(invoice, to(alice, s.delivery(notify.Email)))
	s.mark(alice, notify.OpRead, id)
	s.Advance(time.Hour)
	s.pruneAll(s.everything())
	equal(s, "title", s.load(s.claimOne(notify.Email)).Notification.Title, invoice.Title)
}

func pruneDead(s *scene) {
	id := s.send(invoice, to(alice, s.delivery(notify.Email)))
	task := s.claimOne(notify.Email)
	s.settle(task, notify.Outcome{Status: notify.StatusDead})
	s.mark(alice, notify.OpRead, id)
	s.Advance(time.Hour)
	s.pruneAll(notify.Prune{ReadBefore: s.now()})
	equal(s, "redelivered", s.redeliver(task.ID), 1)
	equal(s, "title", s.load(s.claimOne(notify.Email)).Notification.Title, invoice.Title)
}
