package storetest

import (
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

var markChecks = []check{
	{"marks/each sets its instant", marksSet},
	{"marks/read is also seen", marksReadSeen},
	{"marks/a second time changes nothing", marksTwice},
	{"marks/an instant that is set is kept", marksKeep},
	{"marks/the opposites clear the instant", marksOpposites},
	{"marks/a past or zero instant ends a snooze", marksUnsnooze},
	{"marks/a snooze can be moved", marksMoveSnooze},
	{"marks/ids of which none exists are not found", marksNotFound},
	{"marks/somebody else's items never change", marksForeign},
	{"marks/up to a position leaves newer ones", marksUpTo},
	{"marks/up to a position only of the provider", marksUpToProvider},
	{"marks/up to a position only what is in the inbox", marksUpToState},
	{"marks/callers at once change an item once", marksConcurrent},
}

func marksSet(s *scene) {
	id := s.send(invoice, to(alice))
	s.Advance(time.Minute)
	for _, c := range []struct {
		op notify.Op
		at func(notify.Item) time.Time
	}{
		{notify.OpSeen, func(it notify.Item) time.Time { return it.Seen }},
		{notify.OpRead, func(it notify.Item) time.Time { return it.Read }},
		{notify.OpArchive, func(it notify.Item) time.Time { return it.Archived }},
	} {
		s.Advance(time.Minute)
		s.during(string(c.op), func() time.Time {
			equal(s, "changed by "+string(c.op), s.mark(alice, c.op, id), 1)
			return c.at(s.item(alice, id))
		})
	}
	until := s.now().Add(time.Hour)
	s.snooze(alice, id, time.Hour)
	if got := s.item(alice, id).Snoozed; got.Before(until) || got.After(s.now().Add(time.Hour)) {
		s.fail("snoozed until %v, want %v", got, until)
	}
}

func marksReadSeen(s *scene) {
	id := s.send(invoice, to(alice))
	s.mark(alice, notify.OpRead, id)
	it := s.item(alice, id)
	s.that(!it.Seen.IsZero() && it.Seen.Equal(it.Read), "read at %v, seen at %v", it.Read, it.Seen)
}

func marksTwice(s *scene) {
	id := s.send(invoice, to(alice))
	until := s.now().Add(time.Hour)
	for _, m := range []notify.ItemMark{
		{Op: notify.OpSeen}, {Op: notify.OpRead}, {Op: notify.OpUnread}, {Op: notify.OpArchive}, {Op: notify.OpUnarchive},
		{Op: notify.OpSnooze, Until: until}, {Op: notify.OpSnooze},
	} {
		m.IDs = []notify.ID{id}
		equal(s, "changed by the first "+string(m.Op), s.markWith(alice, m), 1)
		s.Advance(time.Second)
		equal(s, "changed by the second "+string(m.Op), s.markWith(alice, m), 0)
	}
}

func marksKeep(s *scene) {
	id := s.send(invoice, to(alice))
	s.mark(alice, notify.OpSeen, id)
	seen := s.item(alice, id).Seen
	s.Advance(time.Minute)
	s.mark(alice, notify.OpRead, id)
	s.mark(alice, notify.OpArchive, id)
	before := s.item(alice, id)
	equal(s, "seen after read", before.Seen, seen)
	s.Advance(time.Minute)
	for _, op := range []notify.Op{notify.OpSeen, notify.OpRead, notify.OpArchive} {
		s.mark(alice, op, id)
	}
	equal(s, "item", s.item(alice, id), before)
}

func marksOpposites(s *scene) {
	id := s.send(invoice, to(alice))
	s.mark(alice, notify.OpRead, id)
	s.mark(alice, notify.OpArchive, id)
	seen := s.item(alice, id).Seen
	s.mark(alice, notify.OpUnread, id)
	it := s.item(alice, id)
	equal(s, "read", it.Read, time.Time{})
	equal(s, "seen", it.Seen, seen)
	s.that(!it.Archived.IsZero(), "unread took the item out of the archive")
	s.mark(alice, notify.OpUnarchive, id)
	equal(s, "archived", s.item(alice, id).Archived, time.Time{})
	equal(s, "unread", s.inbox(alice, notify.StateUnread), []notify.ID{id})
}

func marksUnsnooze(s *scene) {
	for _, until := range []time.Time{{}, s.now().Add(-time.Minute)} {
		id := s.send(invoice, to(alice))
		s.snooze(alice, id, time.Hour)
		equal(s, "changed", s.markWith(alice, notify.ItemMark{Op: notify.OpSnooze, IDs: []notify.ID{id}, Until: until}), 1)
		s.that(len(s.items(alice, notify.ItemQuery{State: notify.StateSnoozed})) == 0, "still snoozed after until %v", until)
		equal(s, "the newest in the inbox", s.inbox(alice, notify.StateUnread)[0], id)
	}
}

func marksMoveSnooze(s *scene) {
	id := s.send(invoice, to(alice))
	s.snooze(alice, id, time.Hour)
	s.snooze(alice, id, 3*time.Hour)
	s.Advance(2 * time.Hour)
	equal(s, "snoozed", s.inbox(alice, notify.StateSnoozed), []notify.ID{id})
}

func marksNotFound(s *scene) {
	id := s.send(invoice, to(alice))
	for _, op := range []notify.Op{notify.OpSeen, notify.OpRead, notify.OpUnread, notify.OpArchive, notify.OpUnarchive, notify.OpSnooze} {
		_, err := s.Store.Mark(s.ctx, alice, notify.ItemMark{Op: op, IDs: []notify.ID{s.id(), s.id()}})
		s.is(err, notify.ErrNotFound, "Mark "+string(op))
	}
	equal(s, "changed when one exists", s.mark(alice, notify.OpRead, s.id(), id), 1)
	equal(s, "changed when one exists that is read", s.mark(alice, notify.OpRead, s.id(), id), 0)
}

func marksForeign(s *scene) {
	mine, hers := s.send(invoice, to(bob)), s.send(invoice, to(alice))
	_, err := s.Store.Mark(s.ctx, bob, notify.ItemMark{Op: notify.OpRead, IDs: []notify.ID{hers}})
	s.is(err, notify.ErrNotFound, "Mark of somebody else's item")
	equal(s, "changed of both", s.mark(bob, notify.OpRead, mine, hers), 1)
	both := s.send(invoice, to(alice), to(bob))
	s.mark(bob, notify.OpArchive, both)
	s.markWith(bob, notify.ItemMark{Op: notify.OpRead, UpTo: position(s.item(bob, both))})
	equal(s, "unread items of the other", s.inbox(alice, notify.StateUnread), []notify.ID{both, hers})
}

func marksUpTo(s *scene) {
	s.fill(alice, 12)
	all := s.items(alice, notify.ItemQuery{})
	cursor := position(all[4]) // amid items of one instant
	equal(s, "changed", s.markWith(alice, notify.ItemMark{Op: notify.OpRead, UpTo: cursor}), 8)
	equal(s, "unread", s.inbox(alice, notify.StateUnread), ids(all[:4]))
	equal(s, "changed the second time", s.markWith(alice, notify.ItemMark{Op: notify.OpRead, UpTo: cursor}), 0)
}

func marksUpToProvider(s *scene) {
	chat := invoice
	chat.Provider = "chats"
	kept := s.send(invoice, to(alice))
	s.send(chat, to(alice))
	s.Advance(time.Second)
	head := s.send(invoice, to(alice))
	m := notify.ItemMark{Op: notify.OpRead, UpTo: position(s.item(alice, head)), Provider: "chats"}
	equal(s, "changed", s.markWith(alice, m), 1)
	equal(s, "unread", s.inbox(alice, notify.StateUnread), []notify.ID{head, kept})
}

func marksUpToState(s *scene) {
	archived, snoozed, plain := s.send(invoice, to(alice)), s.send(invoice, to(alice)), s.send(invoice, to(alice))
	s.mark(alice, notify.OpArchive, archived)
	s.snooze(alice, snoozed, time.Hour)
	s.Advance(time.Second)
	equal(s, "changed", s.markWith(alice, notify.ItemMark{Op: notify.OpRead, UpTo: notify.Position{Filed: s.now(), ID: s.id()}}), 1)
	s.that(!s.item(alice, plain).Read.IsZero(), "the item in the inbox is not read")
	s.that(s.item(alice, archived).Read.IsZero(), "the archived item was read too")
	s.that(s.item(alice, snoozed).Read.IsZero(), "the snoozed item was read too")
}

func marksConcurrent(s *scene) {
	all := s.fill(alice, 20)
	var changed atomic.Int64
	s.parallel(8, func(int) error {
		n, err := s.Store.Mark(s.ctx, alice, notify.ItemMark{Op: notify.OpRead, IDs: all})
		changed.Add(int64(n))
		return err
	})
	equal(s, "changed by all together", changed.Load(), 20)
}
