package storetest

import (
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

var fanOutChecks = []check{
	{"fanout/a chunk files and moves the cursor", fanOutChunk},
	{"fanout/the task stays held between chunks", fanOutHeld},
	{"fanout/a crash resumes after the last chunk", fanOutResumes},
	{"fanout/done removes the task and the kept recipients", fanOutDone},
	{"fanout/a withdrawn notification is not filed", fanOutWithdrawn},
	{"fanout/the same recipient is filed once", fanOutTwice},
	{"fanout/the same recipient in one chunk is filed once", fanOutTwins},
	{"fanout/what was replaced is not filed again", fanOutReplaced},
	{"fanout/rejections are logged", fanOutRejected},
	{"fanout/tasks of a chunk may be held", fanOutLeased},
	{"fanout/a chunk says when all was filed", fanOutFiled},
	{"fanout/not due before its instant", fanOutNotBefore},
}

// begin takes a fan-out to recipients in and claims it.
func (s *scene) begin(recipients ...notify.Recipient) notify.Task {
	s.take(s.fanOut(invoice, recipients...))
	return s.claimFanOut()
}

func fanOutChunk(s *scene) {
	task := s.begin(alice, bob, carol)
	s.Advance(time.Minute)
	f := to(alice, s.delivery(notify.Email))
	f.PreferencesVersion = 5
	f.Entries = []notify.NewEntry{{Channel: "letter", NextCut: s.now().Add(time.Hour)}}
	s.during("Filed", func() time.Time {
		s.chunk(task, notify.Chunk{Filings: []notify.Filing{f, to(bob)}, Cursor: bob.ID})
		return s.item(alice, task.Notification).Filed
	})
	equal(s, "items of the second", s.inbox(bob, notify.StateAll), []notify.ID{task.Notification})
	equal(s, "items of one not yet filed", s.inbox(carol, notify.StateAll), nil)
	got := s.claimOne(notify.Email)
	equal(s, "task", got.ID, f.Tasks[0].ID)
	equal(s, "version", got.PreferencesVersion, 5)
	equal(s, "filed", got.Filed, s.item(alice, task.Notification).Filed)
	equal(s, "planned cut", s.plan(alice, "letter").NextCut, f.Entries[0].NextCut)
}

func fanOutHeld(s *scene) {
	task := s.begin(alice, bob)
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice)}, Cursor: alice.ID})
	equal(s, "claimable tasks", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Recovered: 10})), 0)
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(bob)}, Cursor: bob.ID, Done: true})
	equal(s, "items", s.inbox(bob, notify.StateAll), []notify.ID{task.Notification})
}

func fanOutResumes(s *scene) {
	task := s.begin(alice, bob)
	equal(s, "first cursor", task.Cursor, "")
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice)}, Cursor: alice.ID})
	s.Advance(lease + time.Minute)
	again := s.claimFanOut()
	equal(s, "cursor", again.Cursor, alice.ID)
	equal(s, "recipients", s.load(again).Notification.To, []notify.Recipient{alice, bob})
	s.chunk(again, notify.Chunk{Filings: []notify.Filing{to(bob)}, Done: true})
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{task.Notification})
	equal(s, "items of the second", s.inbox(bob, notify.StateAll), []notify.ID{task.Notification})
}

func fanOutDone(s *scene) {
	task := s.begin(alice)
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice, s.delivery(notify.Email))}, Cursor: alice.ID, Done: true})
	s.that(s.renew(held(task)), "the lease of a finished fan-out is not lost")
	s.Advance(lease + time.Minute)
	equal(s, "tasks", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Recovered: 10})), 0)
	equal(s, "recipients kept", s.load(s.claimOne(notify.Email)).Notification.To, nil)
	equal(s, "records of the fan-out", len(s.records(notify.DeliveryQuery{IDs: []notify.ID{task.ID}})), 0)
}

func fanOutWithdrawn(s *scene) {
	n := invoice
	n.Entity = "invoice/17"
	s.take(s.fanOut(n, alice, bob))
	task := s.claimFanOut()
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice)}, Cursor: alice.ID})
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: n.Entity})
	s.that(s.load(task).Withdrawn, "the facts do not say that it is withdrawn")
	chunk := notify.Chunk{Task: held(task), Filings: []notify.Filing{to(bob, s.delivery(notify.Email))}, Cursor: bob.ID}
	_, withdrawn, err := s.Store.FanOut(s.ctx, chunk)
	s.ok(err, "FanOut")
	s.that(withdrawn, "FanOut does not say that the notification is withdrawn")
	equal(s, "items", s.inbox(bob, notify.StateAll), nil)
	equal(s, "deliveries", len(s.claim(notify.Email, 10)), 0)
	s.Advance(lease + time.Minute)
	equal(s, "kind of the only task left", s.claimFanOut().Kind, notify.KindSweep)
}

func fanOutTwice(s *scene) {
	task := s.begin(alice, bob)
	cut := s.now().Add(time.Hour)
	for range 2 {
		f := to(alice, s.delivery(notify.Email))
		f.Entries = []notify.NewEntry{{Channel: "letter", NextCut: cut}}
		s.chunk(task, notify.Chunk{Filings: []notify.Filing{f}})
		s.Advance(time.Second)
	}
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{task.Notification})
	equal(s, "repeats", s.item(alice, task.Notification).Repeats, 0)
	equal(s, "deliveries", len(s.claim(notify.Email, 10)), 1)
	s.mark(alice, notify.OpRead, task.Notification)
	before := s.item(alice, task.Notification)
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice), to(bob)}})
	equal(s, "item", s.item(alice, task.Notification), before)
	equal(s, "items of the other", s.inbox(bob, notify.StateAll), []notify.ID{task.Notification})
}

// fanOutFiled: a store need not say it, but what it says is believed.
func fanOutFiled(s *scene) {
	task := s.begin(alice, bob, carol)
	if at := s.chunkTimed(task, notify.Chunk{Filings: []notify.Filing{to(alice), to(bob)}}); !at.IsZero() {
		equal(s, "instant of the item of alice", s.item(alice, task.Notification).Filed, at)
		equal(s, "instant of the item of bob", s.item(bob, task.Notification).Filed, at)
	}
	s.Advance(time.Second)
	at := s.chunkTimed(task, notify.Chunk{Filings: []notify.Filing{to(bob), to(carol)}})
	equal(s, "instant with a filing that was dropped", at, time.Time{})
}

func fanOutTwins(s *scene) {
	task := s.begin(alice)
	filings := []notify.Filing{to(alice, s.delivery(notify.Email)), to(alice, s.delivery(notify.Email))}
	s.chunk(task, notify.Chunk{Filings: filings, Done: true})
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{task.Notification})
	equal(s, "deliveries", s.claimOne(notify.Email).ID, filings[0].Tasks[0].ID)
}

func fanOutReplaced(s *scene) {
	s.take(s.fanOut(weather("rain"), alice))
	task := s.claimFanOut()
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice)}})
	s.Advance(time.Second)
	s.send(weather("sun"), to(alice))
	s.mark(alice, notify.OpRead, task.Notification)
	before := s.items(alice, notify.ItemQuery{State: notify.StateAll})
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice, s.delivery(notify.Email))}, Done: true})
	equal(s, "items", s.items(alice, notify.ItemQuery{State: notify.StateAll}), before)
	equal(s, "deliveries", len(s.claim(notify.Email, 10)), 0)
}

func fanOutRejected(s *scene) {
	task := s.begin(alice, bob)
	// A resolver can say much when it panics.
	rejected := notify.Rejection{ID: s.id(), Recipient: bob, Reason: strings.Repeat("the resolver panicked, ", 170)}
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice)}, Rejected: []notify.Rejection{rejected}, Done: true})
	equal(s, "items of the rejected", s.inbox(bob, notify.StateAll), nil)
	got := s.record(rejected.ID)
	s.that(!got.Filed.IsZero() && !got.Settled.IsZero(), "the record has no instants: %+v", got)
	equal(s, "record", got, notify.DeliveryRecord{
		ID: rejected.ID, Recipient: bob, Notification: task.Notification, Provider: "billing", Channel: notify.Interface,
		Status: notify.StatusDead, Reason: rejected.Reason, Filed: got.Filed, Due: got.Due, Settled: got.Settled,
	})
}

func fanOutLeased(s *scene) {
	task := s.begin(alice)
	leased := s.delivery(notify.Email)
	leased.Lease = lease
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice, leased)}, Done: true})
	equal(s, "claimable tasks", len(s.claim(notify.Email, 10)), 0)
	s.settle(notify.Task{ID: leased.ID, Epoch: 1}, notify.Outcome{Status: notify.StatusDelivered})
}

func fanOutNotBefore(s *scene) {
	n := invoice
	n.NotBefore = s.now().Add(time.Hour)
	s.take(s.fanOut(n, alice))
	s.Advance(59 * time.Minute)
	equal(s, "tasks before the instant", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10})), 0)
	s.Advance(time.Minute)
	equal(s, "due", s.claimFanOut().Due, n.NotBefore)
}
