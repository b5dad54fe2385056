package notify

import (
	"context"
	"errors"
	"slices"
	"time"
)

// errNotRenewed is the cause of the contexts of attempts whose lease may soon
// be another's.
var errNotRenewed = errors.New("notify: the lease could not be renewed in time")

const renewBatch = 1000

// keep renews the leases of all that this process holds, and gives up on
// channels that do not return.
func (s *session) keep() {
	interval := min(s.n.lease/3, time.Second)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	renewed := time.Now()
	for {
		select {
		case <-s.keeper:
			return
		case <-ticker.C:
		}
		now := time.Now()
		s.abandon(func(w *work) bool { return now.After(w.deadline.Add(abandonGrace)) })
		if now.Sub(renewed) < s.n.lease/3 {
			continue
		}
		if err := s.renew(); err == nil {
			renewed = now
		} else {
			s.n.emit(s.ctx, Event{Type: EventStoreFailed, Reason: "renew", Err: err})
			s.cancelCalls()
		}
	}
}

// holds tells whether the lease on a work still holds for sure. After a stop of
// the process, or of the whole machine, it may be another's by now, which nobody
// has told yet.
func (s *session) holds(w *work) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holdsLocked(w)
}

// holdsLocked is holds with the mutex held.
func (s *session) holdsLocked(w *work) bool {
	now := time.Now()
	// Of the two clocks, the one of monotonic time stands still while a machine sleeps.
	elapsed := max(now.Sub(w.renewed), now.Round(0).Sub(w.renewed.Round(0)))
	return !w.lost && elapsed < s.n.lease*2/3
}

// secure makes sure of the lease before work is begun, and returns an outcome
// if it must not be.
func (s *session) secure(w *work) (o Outcome, ok bool) {
	if s.holds(w) {
		return Outcome{}, true
	}
	lost, err := s.extend([]*work{w})
	switch {
	case err != nil:
		s.trouble(err)
		return s.setBack(w, stepBack(s.n.pollInterval), "not renewed", err.Error()), false
	case len(lost) > 0:
		s.leaseLost(w)
		return Outcome{}, false
	}
	return Outcome{}, true
}

// extend renews the leases of works and returns those that are lost.
func (s *session) extend(works []*work) (lost []ID, err error) {
	begun := time.Now()
	leases := make([]Lease, len(works))
	for i, w := range works {
		leases[i] = w.lease()
	}
	ctx, cancel := context.WithTimeout(s.ctx, min(s.n.lease/3, writeDeadline))
	defer cancel()
	if lost, err = s.n.store.Renew(ctx, leases, s.n.lease); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range works {
		w.renewed = begun
	}
	return lost, nil
}

// renew extends the leases of what is held.
func (s *session) renew() error {
	s.mu.Lock()
	held := make([]*work, 0, len(s.held))
	for _, w := range s.held {
		held = append(held, w)
	}
	s.mu.Unlock()
	for chunk := range slices.Chunk(held, renewBatch) {
		lost, err := s.extend(chunk)
		if err != nil {
			return err
		}
		s.lose(lost)
	}
	return nil
}

// lose stops work on tasks that others hold now.
func (s *session) lose(ids []ID) {
	if len(ids) == 0 {
		return
	}
	s.mu.Lock()
	var gone []*work
	for _, id := range ids {
		w := s.held[id]
		if w == nil {
			continue
		}
		w.lost = true
		if w.cancel != nil {
			w.cancel(ErrLeaseLost)
		}
		if w.running {
			continue
		}
		for _, q := range s.queues {
			q.remove(w)
		}
		gone = append(gone, w)
	}
	s.mu.Unlock()
	for _, w := range gone {
		s.leaseLost(w)
		s.drop(w)
	}
}

func (s *session) leaseLost(w *work) {
	s.n.emit(s.ctx, Event{
		Type: EventLeaseLost, Recipient: w.task.Recipient, Notification: w.task.Notification,
		Delivery: w.task.ID, Provider: w.task.Provider, Channel: w.task.Channel,
	})
}

// cancelCalls ends the calls whose work may soon be somebody else's.
func (s *session) cancelCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.held {
		if w.cancel != nil && !s.holdsLocked(w) {
			w.cancel(errNotRenewed)
		}
	}
}
