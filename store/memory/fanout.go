package memory

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

// FanOut implements [notify.Outbox].
func (s *Store) FanOut(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
	var at time.Time
	now, err := s.begin(ctx)
	if err != nil {
		return at, false, err
	}
	defer s.mu.Unlock()
	t := s.held(c.Task)
	if t == nil || t.Kind != notify.KindFanOut {
		return at, false, notify.ErrLeaseLost
	}
	n := t.notification
	if n.withdrawn {
		s.dequeue(t)
		return at, true, nil
	}
	whole := n.content.CollapseKey == ""
	for _, f := range c.Filings {
		whole = s.file(n, f, now) && whole
	}
	if whole {
		at = now
	}
	for _, rejected := range c.Rejected {
		s.reject(n, rejected, now)
	}
	t.Cursor = c.Cursor
	if c.Done {
		s.dequeue(t)
	}
	return at, false, nil
}

// reject records a recipient that could not be filed.
func (s *Store) reject(n *notification, rejected notify.Rejection, now time.Time) {
	r := s.admit(rejected.Recipient)
	if r == nil || s.log[rejected.ID] != nil || s.outbox[rejected.ID] != nil {
		return
	}
	t := newTask(notify.NewTask{ID: rejected.ID, Kind: notify.KindDelivery, Channel: notify.Interface}, now)
	t.Recipient = rejected.Recipient
	t.Notification, t.Provider = n.id, n.content.Provider
	t.status, t.reason, t.settled = notify.StatusDead, rejected.Reason, now
	s.log[t.ID] = t
	s.dead++
	s.record(t, r)
}
