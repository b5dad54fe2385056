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
			if now.Sub(renewed) >= s.n.lease*2/3 {
				s.cancelCalls()
			}
		}
	}
}

// renew extends the leases of what is held.
func (s *session) renew() error {
	s.mu.Lock()
	held := make([]Lease, 0, len(s.held))
	for _, w := range s.held {
		held = append(held, w.lease())
	}
	s.mu.Unlock()
	for chunk := range slices.Chunk(held, renewBatch) {
		ctx, cancel := context.WithTimeout(s.ctx, min(s.n.lease/3, writeDeadline))
		lost, err := s.n.store.Renew(ctx, chunk, s.n.lease)
		cancel()
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
		s.drop(w.task.ID)
	}
}

func (s *session) leaseLost(w *work) {
	s.n.emit(s.ctx, Event{
		Type: EventLeaseLost, Recipient: w.task.Recipient, Notification: w.task.Notification,
		Delivery: w.task.ID, Provider: w.task.Provider, Channel: w.task.Channel,
	})
}

// cancelCalls ends what may soon be somebody else's work.
func (s *session) cancelCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.held {
		if w.cancel != nil {
			w.cancel(errNotRenewed)
		}
	}
}
