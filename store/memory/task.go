package memory

import (
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// task is a row of work, and what became of it: a delivery or digest that is
// finished goes from the outbox to the log as it is, so that it can come back.
type task struct {
	notify.Task

	owner        *recipient    // nil for fan-outs and sweeps
	notification *notification // while in the outbox; nil for digests
	plan         *plan         // of a digest
	entries      []*entry      // bound to a digest

	lease   time.Time // until when; zero: not leased
	expired bool      // the lease ended and nobody has claimed the task since

	status  notify.Status // "" while in the outbox
	reason  string
	failure string // of the last attempt
	settled time.Time
}

func newTask(nt notify.NewTask, now time.Time) *task {
	due := stamp(now.Add(max(nt.Wait, 0)))
	if notBefore := stamp(nt.NotBefore); notBefore.After(due) {
		due = notBefore
	}
	return &task{Task: notify.Task{
		ID:      nt.ID,
		Kind:    nt.Kind,
		Channel: nt.Channel,
		Lane:    nt.Lane,
		Bucket:  nt.Bucket,
		Forced:  nt.Forced,
		Filed:   now,
		Due:     due,
	}}
}

// logged reports whether the task is one that the log of deliveries knows.
func (t *task) logged() bool {
	return t.Kind == notify.KindDelivery || t.Kind == notify.KindDigest
}

func (t *task) export() notify.Task {
	c := t.Task
	c.Accepted = slices.Clone(c.Accepted)
	return c
}

// enqueue puts a task into the outbox. One that is there already stays as it
// is, and so does one whose outcome is known.
func (s *Store) enqueue(t *task, n *notification, lease time.Duration) bool {
	if s.outbox[t.ID] != nil || s.log[t.ID] != nil {
		return false
	}
	if n != nil {
		t.Notification, t.Provider = n.id, n.content.Provider
	}
	if lease > 0 {
		t.Epoch = 1
		t.lease = stamp(t.Filed.Add(lease))
	}
	s.outbox[t.ID] = t
	s.refer(t, n)
	s.queueOf(t).tasks++
	s.place(t)
	return true
}

// addDelivery puts a delivery or digest into the outbox and its record into
// the log.
func (s *Store) addDelivery(t *task, r *recipient, n *notification, lease time.Duration) {
	if s.enqueue(t, n, lease) {
		s.record(t, r)
	}
}

func (s *Store) record(t *task, r *recipient) {
	t.owner = r
	r.deliveries.insert(t)
	s.deliveries.insert(t)
}

// dequeue takes a task out of the outbox.
func (s *Store) dequeue(t *task) {
	s.displace(t)
	t.lease, t.expired = time.Time{}, false
	delete(s.outbox, t.ID)
	q := s.queueOf(t)
	q.tasks--
	if q.tasks == 0 {
		delete(s.queues, q.key)
	}
	if t.Kind == notify.KindFanOut {
		s.forgetReceivers(t.notification)
	}
	s.refer(t, nil)
	if t.plan != nil {
		t.plan.open = slices.DeleteFunc(t.plan.open, func(other *task) bool { return other == t })
	}
}

// refer makes a task hold a notification, or none.
func (s *Store) refer(t *task, n *notification) {
	if t.notification != nil {
		t.notification.references--
	}
	if t.notification = n; n != nil {
		n.references++
	}
}

// finish takes a task out of the outbox. The outcome of a delivery or digest
// stays in the log. If its recipient was erased, nothing stays.
func (s *Store) finish(t *task, status notify.Status, reason string, now time.Time) {
	n := t.notification
	s.dequeue(t)
	if !t.logged() {
		return
	}
	t.status, t.reason, t.settled = status, reason, now
	if t.owner.erased {
		s.unrecord(t)
		s.leave(t.owner)
		s.dropUnused(n)
		return
	}
	s.log[t.ID] = t
	if status == notify.StatusDead {
		s.dead++
		s.refer(t, n) // it may be delivered yet
	}
}

// forget removes a finished task from the log, with the entries that are bound
// to it still.
func (s *Store) forget(t *task) {
	for len(t.entries) > 0 {
		s.removeEntry(t.entries[len(t.entries)-1])
	}
	delete(s.log, t.ID)
	if t.status == notify.StatusDead {
		s.dead--
		s.refer(t, nil)
	}
	s.unrecord(t)
}

func (s *Store) unrecord(t *task) {
	t.owner.deliveries.remove(t)
	s.deliveries.remove(t)
}
