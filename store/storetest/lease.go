package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var leaseChecks = []check{
	{"lease/an expired one is reclaimed at a higher epoch", leaseExpires},
	{"lease/recovered tasks are limited by the claim", leaseRecoveredLimit},
	{"lease/renewal keeps a long task", leaseRenew},
	{"lease/an old epoch cannot renew", leaseOldRenew},
	{"lease/an old epoch cannot charge", leaseOldCharge},
	{"lease/an old epoch cannot settle", leaseOldSettle},
	{"lease/an old epoch cannot file", leaseOldFanOut},
	{"lease/a charge is durable", leaseCharge},
	{"lease/a renewal without charge is no attempt", leaseNoCharge},
	{"lease/a settled task is lost", leaseSettled},
	{"lease/an inserted one expires at epoch 1", leaseInserted},
	{"lease/of claimers of an expired one exactly one wins", leaseExpiredConcurrent},
}

// expired files a delivery, claims it, and lets the lease expire.
func (s *scene) expired() notify.Task {
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	old := s.claimOne(notify.Email)
	s.Advance(lease + time.Minute)
	return old
}

// reclaimed has the lease of an email delivery expire and claims it anew.
func (s *scene) reclaimed() (old, current notify.Task) {
	old = s.expired()
	return old, s.claimOne(notify.Email)
}

func leaseExpires(s *scene) {
	old, current := s.reclaimed()
	s.that(current.Epoch > old.Epoch, "the epoch is %d after %d", current.Epoch, old.Epoch)
	s.that(!old.Recovered && !old.Unknown, "the first claim is recovered or unknown: %+v", old)
	want := old
	want.Epoch, want.Recovered, want.Unknown = current.Epoch, true, true
	equal(s, "task", current, want)
}

func leaseRecoveredLimit(s *scene) {
	for range 3 {
		s.send(invoice, to(alice, s.delivery(notify.Email)))
	}
	s.claim(notify.Email, 3)
	s.Advance(lease + time.Minute)
	s.bucketed(1, 2)
	count := func(limit int) (recovered, fresh int) {
		for _, t := range s.claimWith(notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 10}, Recovered: limit}) {
			if t.Recovered {
				recovered++
			} else {
				fresh++
			}
		}
		return recovered, fresh
	}
	recovered, fresh := count(0)
	equal(s, "recovered up to 0, and fresh", []int{recovered, fresh}, []int{0, 2})
	recovered, fresh = count(1)
	equal(s, "recovered up to 1, and fresh", []int{recovered, fresh}, []int{1, 0})
	recovered, fresh = count(10)
	equal(s, "recovered up to 10, and fresh", []int{recovered, fresh}, []int{2, 0})
}

// renew renews one lease and returns whether it is lost.
func (s *scene) renew(l notify.Lease) bool {
	lost, err := s.Store.Renew(s.ctx, []notify.Lease{l}, lease)
	s.ok(err, "Renew")
	if len(lost) == 0 {
		return false
	}
	equal(s, "lost leases", lost, []notify.ID{l.ID})
	return true
}

func leaseRenew(s *scene) {
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	task := s.claimOne(notify.Email)
	for range 4 {
		s.Advance(lease - time.Minute)
		s.that(!s.renew(held(task)), "a lease in time is lost")
		equal(s, "claimable tasks", len(s.claim(notify.Email, 10)), 0)
	}
	s.settle(task, notify.Outcome{Status: notify.StatusDelivered})
}

func leaseOldRenew(s *scene) {
	old, current := s.reclaimed()
	unknown := s.id()
	lost, err := s.Store.Renew(s.ctx, []notify.Lease{held(old), held(current), {ID: unknown, Epoch: 1}}, 10*lease)
	s.ok(err, "Renew")
	slices.Sort(lost)
	equal(s, "lost leases", lost, []notify.ID{old.ID, unknown})

	s.Advance(10*lease - time.Minute)
	equal(s, "tasks while the current lease lasts", len(s.claim(notify.Email, 10)), 0)
	s.Advance(2 * time.Minute)
	s.claimOne(notify.Email)
	lost, err = s.Store.Renew(s.ctx, []notify.Lease{held(current)}, 10*lease)
	s.ok(err, "Renew")
	equal(s, "lost leases", lost, []notify.ID{current.ID})
	s.Advance(lease + time.Minute)
	s.claimOne(notify.Email) // the old epoch did not extend the lease of the new one
}

func leaseOldCharge(s *scene) {
	old, current := s.reclaimed()
	charged := held(old)
	charged.Charge = true
	s.that(s.renew(charged), "an old epoch is not lost")
	s.settle(current, notify.Outcome{Status: notify.StatusPending})
	equal(s, "attempts", s.claimOne(notify.Email).Attempts, 0)
}

func leaseOldSettle(s *scene) {
	old, current := s.reclaimed()
	before := s.record(old.ID)
	for _, status := range []notify.Status{notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead, notify.StatusPending, notify.StatusUnknown} {
		lost := s.settleAll(notify.Outcome{
			Task: held(old), Status: status, Reason: "stale", Error: "stale", RetryIn: time.Hour, Charge: true, Accepted: []string{"stale"},
		})
		equal(s, "lost leases", lost, []notify.ID{old.ID})
		equal(s, "record", s.record(old.ID), before)
	}
	s.that(!s.renew(held(current)), "the current lease is lost")
	s.settle(current, notify.Outcome{Status: notify.StatusPending})
	again := s.claimOne(notify.Email)
	s.that(again.Attempts == 0 && len(again.Accepted) == 0, "the task is %+v", again)
}

func leaseOldFanOut(s *scene) {
	s.take(s.fanOut(invoice, alice, bob))
	old := s.claimFanOut()
	s.Advance(lease + time.Minute)
	current := s.claimFanOut()
	for _, c := range []notify.Chunk{
		{Task: held(old), Filings: []notify.Filing{to(alice)}, Cursor: alice.ID},
		{Task: held(old), Filings: []notify.Filing{to(alice)}, Rejected: []notify.Rejection{{ID: s.id(), Recipient: bob, Reason: "x"}}, Done: true},
		{Task: notify.Lease{ID: s.id(), Epoch: 1}, Filings: []notify.Filing{to(alice)}},
	} {
		_, _, err := s.Store.FanOut(s.ctx, c)
		s.is(err, notify.ErrLeaseLost, "FanOut")
		equal(s, "items", s.inbox(alice, notify.StateAll), nil)
		equal(s, "records", len(s.records(notify.DeliveryQuery{})), 0)
	}
	equal(s, "recipients kept", s.load(current).Notification.To, []notify.Recipient{alice, bob})
	s.settle(current, notify.Outcome{Status: notify.StatusPending})
	equal(s, "cursor", s.claimFanOut().Cursor, "")
}

func leaseCharge(s *scene) {
	old := s.expired()
	for want := range 3 {
		task := s.claimOne(notify.Email)
		equal(s, "attempts", task.Attempts, want)
		l := notify.Lease{ID: old.ID, Epoch: task.Epoch, Charge: true}
		s.that(!s.renew(l), "the lease is lost")
		s.Advance(lease + time.Minute)
	}
	task := s.claimOne(notify.Email)
	s.renew(notify.Lease{ID: task.ID, Epoch: task.Epoch, Charge: true})
	o := notify.Outcome{Task: held(task), Status: notify.StatusPending, Charge: true}
	o.Task.Charge = true
	equal(s, "lost leases", s.settleAll(o), nil)
	equal(s, "attempts, the last charged once", s.claimOne(notify.Email).Attempts, 4)
}

func leaseNoCharge(s *scene) {
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	s.renew(held(s.claimOne(notify.Email)))
	s.Advance(lease + time.Minute)
	equal(s, "attempts", s.claimOne(notify.Email).Attempts, 0)
}

func leaseSettled(s *scene) {
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	task := s.claimOne(notify.Email)
	s.settle(task, notify.Outcome{Status: notify.StatusDelivered})
	s.that(s.renew(held(task)), "the lease of a settled task is not lost")
	equal(s, "lost on a second outcome", s.settleAll(notify.Outcome{Task: held(task), Status: notify.StatusDead}), []notify.ID{task.ID})
	equal(s, "status", s.record(task.ID).Status, notify.StatusDelivered)
	s.Advance(lease + time.Minute)
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 0)
}

func leaseInserted(s *scene) {
	task := s.delivery(notify.Email)
	task.Lease = lease
	s.send(invoice, to(alice, task))
	first := notify.Lease{ID: task.ID, Epoch: 1}
	s.Advance(lease - time.Minute)
	s.that(!s.renew(first), "an inserted lease is lost")
	s.Advance(lease - time.Minute)
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 0)
	s.Advance(2 * time.Minute)
	got := s.claimOne(notify.Email)
	s.that(got.Epoch > 1 && got.Recovered && got.Unknown && got.Attempts == 0, "the task is %+v", got)
	s.that(s.renew(first), "epoch 1 is not lost")
}

func leaseExpiredConcurrent(s *scene) {
	old := s.expired()
	const claimers = 8
	var got [claimers][]notify.Task
	s.parallel(claimers, func(i int) (err error) {
		got[i], err = s.Store.Claim(s.ctx, notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 10}, Recovered: 10})
		if len(got[i]) > 1 {
			return errors.New("one task claimed twice at once")
		}
		return err
	})
	n := 0
	for _, tasks := range got {
		n += len(tasks)
	}
	equal(s, fmt.Sprintf("claims of task %s", old.ID), n, 1)
}
