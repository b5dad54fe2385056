package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

var settleChecks = []check{
	{"settle/a final status leaves the outbox and stays in the log", settleFinal},
	{"settle/given back it is due after the delay", settleRetry},
	{"settle/given back without a delay it is due as before", settleBack},
	{"settle/given back it keeps its lane, bucket and identity", settleKeeps},
	{"settle/an unknown outcome is remembered", settleUnknown},
	{"settle/what accepted replaces what had", settleAccepted},
	{"settle/a charge counts once", settleCharge},
	{"settle/many outcomes lose only those that are lost", settleMany},
	{"settle/the last error is in the log", settleError},
	{"settle/a fan-out is given back with its cursor", settleFanOut},
	{"settle/outcomes are not kept", settleNotKept},
}

// hold files a delivery to alice by email and claims it.
func (s *scene) hold() notify.Task {
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	return s.claimOne(notify.Email)
}

func settleFinal(s *scene) {
	for _, status := range []notify.Status{notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead} {
		task := s.hold()
		s.during("Settled", func() time.Time {
			s.settle(task, notify.Outcome{Status: status, Reason: "why", Error: "450 busy", Charge: true})
			return s.record(task.ID).Settled
		})
		got := s.record(task.ID)
		equal(s, "record", got, notify.DeliveryRecord{
			ID: task.ID, Recipient: alice, Notification: task.Notification, Provider: "billing", Channel: notify.Email,
			Status: status, Reason: "why", Error: "450 busy", Attempts: 1, Filed: task.Filed, Settled: got.Settled, Due: got.Due,
		})
		s.Advance(2 * lease)
		equal(s, fmt.Sprintf("tasks after %s", status), len(s.claim(notify.Email, 10)), 0)
	}
}

func settleRetry(s *scene) {
	task := s.hold()
	before := s.now()
	s.settle(task, notify.Outcome{Status: notify.StatusPending, RetryIn: 10 * time.Minute, Charge: true})
	after := s.now()
	due := s.record(task.ID).Due
	s.that(!due.Before(before.Add(10*time.Minute)) && !due.After(after.Add(10*time.Minute)), "due at %v, ten minutes after %v", due, before)
	s.comesDue(due)
}

func settleBack(s *scene) {
	task := s.hold()
	s.Advance(time.Minute)
	s.settle(task, notify.Outcome{Status: notify.StatusPending})
	got := s.claimOne(notify.Email)
	equal(s, "due", got.Due, task.Due)
	s.that(got.Epoch > task.Epoch && !got.Recovered && !got.Unknown && got.Attempts == 0, "the task is %+v", got)
}

func settleKeeps(s *scene) {
	f := to(alice, s.delivery(notify.Email))
	f.PreferencesVersion = 6
	f.Tasks[0].Forced, f.Tasks[0].Lane, f.Tasks[0].Bucket = true, notify.LaneUrgent, 200
	s.send(invoice, f)
	task := s.claimOne(notify.Email)
	s.settle(task, notify.Outcome{Status: notify.StatusPending, RetryIn: time.Minute})
	s.Advance(time.Hour)
	got := s.claimOne(notify.Email)
	task.Epoch, task.Due = got.Epoch, got.Due
	equal(s, "task", got, task)
}

func settleUnknown(s *scene) {
	task := s.hold()
	s.settle(task, notify.Outcome{Status: notify.StatusUnknown, RetryIn: time.Minute, Charge: true})
	equal(s, "status", s.record(task.ID).Status, notify.StatusUnknown)
	s.Advance(time.Hour)
	got := s.claimOne(notify.Email)
	s.that(got.Unknown && !got.Recovered && got.Attempts == 1, "the task is %+v", got)
	s.settle(got, notify.Outcome{Status: notify.StatusPending, Charge: true})
	s.that(s.claimOne(notify.Email).Unknown, "a later attempt forgot that an outcome was unknown")
}

func settleAccepted(s *scene) {
	task := s.hold()
	s.settle(task, notify.Outcome{Status: notify.StatusPending, Accepted: []string{"a1", "a2"}})
	task = s.claimOne(notify.Email)
	equal(s, "accepted", task.Accepted, []string{"a1", "a2"})
	s.settle(task, notify.Outcome{Status: notify.StatusPending, Accepted: []string{"a1", "a2", "a3"}})
	s.claimOne(notify.Email)
	s.Advance(lease + time.Minute)
	equal(s, "accepted, after a lost lease", s.claimOne(notify.Email).Accepted, []string{"a1", "a2", "a3"})
}

func settleCharge(s *scene) {
	task := s.hold()
	for want := 1; want <= 3; want++ {
		s.settle(task, notify.Outcome{Status: notify.StatusPending, Charge: true})
		equal(s, "attempts in the log", s.record(task.ID).Attempts, want)
		task = s.claimOne(notify.Email)
		equal(s, "attempts", task.Attempts, want)
	}
	s.settle(task, notify.Outcome{Status: notify.StatusPending})
	equal(s, "attempts without a charge", s.claimOne(notify.Email).Attempts, 3)
}

func settleMany(s *scene) {
	old, current := s.reclaimed()
	fresh := s.delivery(notify.Mobile)
	s.send(invoice, to(bob, fresh))
	other := s.claimOne(notify.Mobile)
	unknown := s.id()
	lost := s.settleAll(
		notify.Outcome{Task: held(old), Status: notify.StatusDead},
		notify.Outcome{Task: held(other), Status: notify.StatusDelivered},
		notify.Outcome{Task: notify.Lease{ID: unknown, Epoch: 1}, Status: notify.StatusDelivered},
	)
	equal(s, "lost leases", lost, []notify.ID{old.ID, unknown})
	equal(s, "status of what was held", s.record(other.ID).Status, notify.StatusDelivered)
	s.settle(current, notify.Outcome{Status: notify.StatusSkipped})
	equal(s, "lost leases of no outcomes", s.settleAll(), nil)
}

func settleError(s *scene) {
	task := s.hold()
	s.settle(task, notify.Outcome{Status: notify.StatusPending, Error: "450 try later"})
	equal(s, "error of a pending one", s.record(task.ID).Error, "450 try later")
	long := strings.Repeat("e", 4096)
	s.settle(s.claimOne(notify.Email), notify.Outcome{Status: notify.StatusDead, Error: long})
	equal(s, "length of the last error", len(s.record(task.ID).Error), len(long))
}

func settleFanOut(s *scene) {
	s.take(s.fanOut(invoice, alice, bob))
	task := s.claimFanOut()
	s.chunk(task, notify.Chunk{Filings: []notify.Filing{to(alice)}, Cursor: alice.ID})
	s.settle(task, notify.Outcome{Status: notify.StatusPending, RetryIn: time.Minute, Error: "directory is down", Charge: true})
	equal(s, "tasks before it is due", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10})), 0)
	s.Advance(time.Hour)
	got := s.claimFanOut()
	equal(s, "cursor", got.Cursor, alice.ID)
	equal(s, "attempts", got.Attempts, 1)
	equal(s, "recipients", s.load(got).Notification.To, []notify.Recipient{alice, bob})
}

func settleNotKept(s *scene) {
	accepted := []string{"a1"}
	s.settle(s.hold(), notify.Outcome{Status: notify.StatusPending, Accepted: accepted})
	accepted[0] = "changed"
	task := s.claimOne(notify.Email)
	equal(s, "accepted", task.Accepted, []string{"a1"})
	task.Accepted[0] = "changed"
	s.Advance(lease + time.Minute)
	equal(s, "accepted, after the caller changed it", s.claimOne(notify.Email).Accepted, []string{"a1"})
}
