package notify

import (
	"context"
	"time"
)

// While Run is at work here and has slots to spare, tasks are stored as leased
// to this process and handed over in memory after the commit: no claim, no
// poll. If the process dies in between, the leases expire and others take over.

// reserve keeps a place in the queues for the tasks of the filings and leases
// those that got one.
func (n *Notifier) reserve(filings []Filing) {
	s := n.active.Load()
	if s == nil || !s.running {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.accepting {
		return
	}
	for i := range filings {
		for k := range filings[i].Tasks {
			t := &filings[i].Tasks[k]
			q := s.queues[t.Channel]
			if q == nil || t.Wait > 0 || s.pauses.blocks(t.Channel) || !q.reserve() {
				continue
			}
			t.Lease = n.lease
		}
	}
}

// reserveTask keeps a place for a fan-out that is due at once.
func (n *Notifier) reserveTask(t *NewTask) {
	s := n.active.Load()
	if s == nil || !s.running || !t.NotBefore.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepting && s.queues[fanOutQueue].reserve() {
		t.Lease = n.lease
	}
}

// unreserve gives places back that will not be used.
func (n *Notifier) unreserve(batch []Acceptance) {
	s := n.active.Load()
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range batch {
		if t := batch[i].Task; t != nil && t.Lease > 0 {
			s.queues[fanOutQueue].unreserve()
		}
		for _, f := range batch[i].Filings {
			for _, t := range f.Tasks {
				if q := s.queues[t.Channel]; q != nil && t.Lease > 0 {
					q.unreserve()
				}
			}
		}
	}
}

// handOver passes tasks that were leased after begun on to the workers, and tells
// whether there are others that have to be claimed.
func (n *Notifier) handOver(ctx context.Context, begun time.Time, of filed, filings []Filing) (others bool) {
	var works []*work
	for i := range filings {
		f := &filings[i]
		for _, t := range f.Tasks {
			if t.Lease == 0 {
				others = others || t.Wait == 0
				continue
			}
			w := &work{renewed: begun, task: Task{
				ID: t.ID, Kind: t.Kind, Epoch: 1, Recipient: f.Recipient, Notification: of.id,
				Provider: of.note.Provider, Channel: t.Channel, Lane: t.Lane, Bucket: t.Bucket, Forced: t.Forced,
				PreferencesVersion: f.PreferencesVersion,
			}}
			of.inform(w)
			works = append(works, w)
		}
	}
	n.take(ctx, works)
	return others
}

// handOverFanOut passes a fan-out on that was leased after begun, with the
// notification that it files, and tells whether it has to be claimed instead.
func (n *Notifier) handOverFanOut(ctx context.Context, begun time.Time, a *Acceptance) (others bool) {
	t := a.Task
	if t.Lease == 0 {
		return true
	}
	n.take(ctx, []*work{{renewed: begun, facts: Facts{Notification: a.Notification}, task: Task{
		ID: t.ID, Kind: t.Kind, Epoch: 1, Recipient: Recipient{Tenant: a.Notification.Tenant}, Notification: a.ID,
		Provider: a.Notification.Provider, Channel: t.Channel, Lane: t.Lane, Bucket: t.Bucket,
	}}})
	return false
}

// take gives works to the Run that is at it, if it still is.
func (n *Notifier) take(ctx context.Context, works []*work) {
	if len(works) == 0 {
		return
	}
	if s := n.active.Load(); s != nil {
		s.add(works)
		return
	}
	n.returnLeases(ctx, works)
}

// returnLeases gives back tasks for a Run that has ended meanwhile. If that
// fails, their leases expire.
func (n *Notifier) returnLeases(ctx context.Context, works []*work) {
	outcomes := make([]Outcome, len(works))
	for i, w := range works {
		outcomes[i] = Outcome{Task: w.lease(), Status: w.pendingStatus(), Reason: "given back", Accepted: w.task.Accepted}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeDeadline)
	defer cancel()
	if _, err := n.store.Settle(ctx, outcomes); err != nil {
		n.emit(ctx, Event{Type: EventStoreFailed, Reason: "settle", Err: err})
	}
}
