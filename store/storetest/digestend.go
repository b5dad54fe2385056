package storetest

import (
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var digestEndChecks = []check{
	{"digest/delivered it removes its entries", digestDelivered},
	{"digest/skipped it removes its entries", digestSkipped},
	{"digest/a snoozed entry waits for another one", digestSnoozedWaits},
	{"digest/dead it releases its entries", digestDead},
	{"digest/released entries keep a cut that is planned", digestReleasedPlanned},
	{"digest/dead and unknown it releases nothing", digestDeadUnknown},
	{"digest/a free one is superseded by the next", digestSuperseded},
	{"digest/a held one is not superseded", digestHeldStays},
	{"digest/an unknown one is not superseded", digestUnknownStays},
	{"digest/one whose lease expired is not superseded", digestExpiredStays},
	{"digest/superseding needs no entry of its own", digestSupersededAlone},
	{"digest/superseding is per recipient and channel", digestSupersedeScope},
}

func digestDelivered(s *scene) { s.removes(notify.StatusDelivered) }

func digestSkipped(s *scene) { s.removes(notify.StatusSkipped) }

// removes checks that entries of a digest that ended with a status come in no
// other digest.
func (s *scene) removes(status notify.Status) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	task := s.digest(alice)
	s.settle(task, notify.Outcome{Status: status, NextCut: s.now().Add(24 * time.Hour)})
	equal(s, "status", s.record(task.ID).Status, status)
	equal(s, "next cut", s.plan(alice, notify.Email).NextCut, time.Time{})
	later := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	equal(s, "entries of the next", s.entries(s.digest(alice)), []notify.ID{later})
}

func digestSnoozedWaits(s *scene) {
	for _, status := range []notify.Status{notify.StatusDelivered, notify.StatusSkipped} {
		s.enter(alice, notify.Email, s.now().Add(time.Hour))
		snoozed := s.enter(alice, notify.Email, s.now().Add(time.Hour))
		both := s.enter(alice, notify.Email, s.now().Add(time.Hour))
		task := s.digest(alice)
		s.snooze(alice, snoozed, time.Hour)
		s.snooze(alice, both, time.Hour)
		s.mark(alice, notify.OpRead, both)
		next := s.now().Add(24 * time.Hour)
		s.settle(task, notify.Outcome{Status: status, NextCut: next})
		equal(s, "next cut", s.plan(alice, notify.Email).NextCut, next)
		s.Advance(2 * time.Hour)
		task = s.digest(alice)
		equal(s, "entries of the next", s.entries(task), []notify.ID{snoozed})
		s.settle(task, notify.Outcome{Status: notify.StatusDelivered})
	}
}

func digestDead(s *scene) {
	first, read := s.enter(alice, notify.Email, s.now().Add(time.Hour)), s.enter(alice, notify.Email, s.now().Add(time.Hour))
	task := s.digest(alice)
	s.mark(alice, notify.OpRead, read)
	next := s.now().Add(24 * time.Hour)
	s.settle(task, notify.Outcome{Status: notify.StatusDead, Reason: "no attempts left", NextCut: next})
	equal(s, "status", s.record(task.ID).Status, notify.StatusDead)
	equal(s, "next cut", s.plan(alice, notify.Email).NextCut, next)
	s.mark(alice, notify.OpUnread, read)
	got := s.entries(s.digest(alice))
	slices.Sort(got)
	equal(s, "entries of the next", got, []notify.ID{first, read})
}

func digestReleasedPlanned(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	task := s.digest(alice)
	planned := s.now().Add(2 * time.Hour)
	s.enter(alice, notify.Email, planned)
	s.settle(task, notify.Outcome{Status: notify.StatusDead, NextCut: planned.Add(24 * time.Hour)})
	equal(s, "next cut", s.plan(alice, notify.Email).NextCut, planned)
	equal(s, "entries of the next", len(s.entries(s.digest(alice))), 2)
}

func digestDeadUnknown(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.settle(s.digest(alice), notify.Outcome{Status: notify.StatusUnknown, Charge: true})
	s.settle(s.claimOne(notify.Email), notify.Outcome{Status: notify.StatusDead, NextCut: s.now().Add(24 * time.Hour)})
	equal(s, "next cut", s.plan(alice, notify.Email).NextCut, time.Time{})
	later := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	equal(s, "entries of the next", s.entries(s.digest(alice)), []notify.ID{later})
}

// openNext files another entry for alice and opens the next digest.
func (s *scene) openNext() (entry, digest notify.ID) {
	s.Advance(time.Second)
	entry = s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(time.Second)
	o := s.opening(alice, s.now(), s.now().Add(24*time.Hour))
	s.apply(o)
	return entry, o.Task.ID
}

func digestSuperseded(s *scene) {
	first := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	old := s.digest(alice)
	s.settle(old, notify.Outcome{Status: notify.StatusPending, RetryIn: time.Hour, Error: "450", Charge: true})
	second, next := s.openNext()
	task := s.claimOne(notify.Email)
	equal(s, "task", task.ID, next)
	equal(s, "entries", s.entries(task), []notify.ID{second, first})
	record := s.record(old.ID)
	equal(s, "status of the old one", record.Status, notify.StatusSkipped)
	equal(s, "reason of the old one", record.Reason, "superseded")
	s.that(!record.Settled.IsZero(), "the old one has no instant")
	s.Advance(2 * time.Hour)
	equal(s, "tasks", len(s.claimWith(notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 10}})), 0)
}

func digestHeldStays(s *scene) {
	first := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	old := s.digest(alice)
	second, next := s.openNext()
	equal(s, "entries of the held one", s.entries(old), []notify.ID{first})
	s.settle(old, notify.Outcome{Status: notify.StatusDelivered})
	task := s.claimOne(notify.Email)
	equal(s, "task", task.ID, next)
	equal(s, "entries", s.entries(task), []notify.ID{second})
}

func digestUnknownStays(s *scene) {
	first := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.settle(s.digest(alice), notify.Outcome{Status: notify.StatusUnknown, RetryIn: time.Minute, Charge: true})
	second, next := s.openNext()
	s.Advance(time.Hour)
	tasks := s.claim(notify.Email, 10)
	equal(s, "digests", len(tasks), 2)
	for _, t := range tasks {
		want := first
		if t.ID == next {
			want = second
		}
		equal(s, "entries of each", s.entries(t), []notify.ID{want})
	}
}

func digestExpiredStays(s *scene) {
	first := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	old := s.digest(alice)
	s.Advance(lease + time.Minute) // whoever held it may have sent it
	s.openNext()
	equal(s, "status", s.record(old.ID).Status == notify.StatusSkipped, false)
	equal(s, "entries", s.entries(old), []notify.ID{first})
}

func digestSupersededAlone(s *scene) {
	first := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	old := s.digest(alice)
	s.settle(old, notify.Outcome{Status: notify.StatusPending, RetryIn: 100 * time.Hour})
	s.Advance(time.Second)
	late := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	o := s.opening(alice, s.item(alice, late).Filed, s.now().Add(24*time.Hour)) // the late one is the next one's
	s.apply(o)
	task := s.claimOne(notify.Email)
	equal(s, "task", task.ID, o.Task.ID)
	equal(s, "entries", s.entries(task), []notify.ID{first})
	equal(s, "status of the old one", s.record(old.ID).Status, notify.StatusSkipped)
}

func digestSupersedeScope(s *scene) {
	s.enter(bob, notify.Email, s.now().Add(time.Hour))
	his := s.digest(bob)
	s.settle(his, notify.Outcome{Status: notify.StatusPending, RetryIn: time.Hour})
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	delivery := s.claimOne(notify.Email)
	s.settle(delivery, notify.Outcome{Status: notify.StatusPending, RetryIn: time.Hour})
	s.openNext()
	equal(s, "status of another's digest", s.record(his.ID).Status, notify.StatusPending)
	equal(s, "status of a delivery", s.record(delivery.ID).Status, notify.StatusPending)
}
