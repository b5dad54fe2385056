package memory

import (
	"context"

	"github.com/bellwether-go/notify"
)

// Withdraw implements [notify.Withdrawer].
func (s *Store) Withdraw(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var ids []notify.ID
	for _, n := range s.named(w) {
		if n.withdrawn {
			continue
		}
		n.withdrawn = true
		ids = append(ids, n.id)
		t := newTask(notify.NewTask{ID: n.id, Kind: notify.KindSweep, Lane: notify.LaneNormal}, now)
		t.Recipient.Tenant = n.content.Tenant
		s.enqueue(t, n, 0)
	}
	return ids, nil
}

// named returns the notifications that a withdrawal names, in the order in
// which they were accepted.
func (s *Store) named(w notify.Withdrawal) []*notification {
	if w.Key != "" {
		if n := s.keys[keyed{w.Tenant, w.Provider, w.Key}]; n != nil {
			return []*notification{n}
		}
		return nil
	}
	about := s.entities[entity{w.Tenant, w.Entity}]
	if about == nil {
		return nil
	}
	var found []*notification
	for n := range about.all() {
		if w.Provider == "" || n.content.Provider == w.Provider {
			found = append(found, n)
		}
	}
	return found
}

// Sweep implements [notify.Outbox]. The recipients come in their order.
func (s *Store) Sweep(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	n := s.notifications[id]
	if n == nil || !n.withdrawn {
		return nil, nil
	}
	last := n.items.length < limit
	var items []*item
	for it := range n.items.all() {
		if len(items) == limit {
			break
		}
		items = append(items, it)
	}
	var recipients []notify.Recipient
	for _, it := range items {
		recipients = append(recipients, it.owner.id)
		s.removeItem(it)
	}
	if t := s.outbox[id]; last && t != nil && t.Kind == notify.KindSweep {
		s.dequeue(t)
	}
	return recipients, nil
}
