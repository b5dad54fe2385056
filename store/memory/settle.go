package memory

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// Settle implements [notify.Outbox].
func (s *Store) Settle(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for i := range outcomes {
		if !known(outcomes[i].Status) {
			return nil, &notify.InvalidError{Field: "Status", Reason: "unknown"}
		}
	}
	var lost []notify.ID
	for i := range outcomes {
		o := &outcomes[i]
		t := s.held(o.Task)
		if t == nil {
			lost = append(lost, o.Task.ID)
			continue
		}
		s.settle(t, o, now)
	}
	return lost, nil
}

func known(status notify.Status) bool {
	switch status {
	case notify.StatusPending, notify.StatusUnknown, notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead:
		return true
	}
	return false
}

func (s *Store) settle(t *task, o *notify.Outcome, now time.Time) {
	if o.Charge && !o.Task.Charge {
		t.Attempts++
	}
	t.Accepted = slices.Clone(o.Accepted)
	if o.Error != "" || o.Status == notify.StatusDelivered {
		t.failure = o.Error
	}
	for _, learnt := range o.Addresses {
		s.learn(learnt, t.Recipient, now)
	}
	if o.Status == notify.StatusPending || o.Status == notify.StatusUnknown {
		s.giveBack(t, o, now)
		return
	}
	s.settleEntries(t, o, now)
	s.finish(t, o.Status, o.Reason, now)
}

// giveBack ends the lease of a task that is to be tried again.
func (s *Store) giveBack(t *task, o *notify.Outcome, now time.Time) {
	t.reason = o.Reason
	t.Unknown = t.Unknown || o.Status == notify.StatusUnknown
	s.move(t, func() {
		t.lease, t.expired = time.Time{}, false
		if o.RetryIn > 0 {
			t.Due = stamp(now.Add(o.RetryIn))
		}
	})
}

// settleEntries decides what becomes of the entries of a digest that ends.
func (s *Store) settleEntries(t *task, o *notify.Outcome, now time.Time) {
	if o.Status == notify.StatusDead && t.Unknown {
		return // the letter may have been read: what was in it is not repeated
	}
	for _, e := range slices.Clone(t.entries) {
		if o.Status == notify.StatusDead || e.item.read.IsZero() && e.item.hidden(now) {
			s.releaseEntry(e, o.NextCut)
		} else {
			s.removeEntry(e)
		}
	}
}
