package memory

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

// Prune implements [notify.Pruner]. The oldest go first: items, then the
// notifications that nothing refers to any more, then records of deliveries.
// Digest entries go with their item and are not counted.
func (s *Store) Prune(ctx context.Context, p notify.Prune, limit int) (int, error) {
	if _, err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	p.ReadBefore, p.UnreadBefore = stamp(p.ReadBefore), stamp(p.UnreadBefore)
	p.DeliveriesBefore = stamp(p.DeliveriesBefore)
	removed := s.pruneItems(p, limit)
	removed += s.pruneNotifications(p.ReadBefore, limit-removed)
	removed += s.pruneDeliveries(p.DeliveriesBefore, limit-removed)
	return removed, nil
}

func (s *Store) pruneItems(p notify.Prune, limit int) int {
	latest := p.ReadBefore
	if p.UnreadBefore.After(latest) {
		latest = p.UnreadBefore
	}
	var old []*item
	for n := range s.accepted.all() {
		// Nothing is filed before it is accepted.
		if !n.accepted.Before(latest) || len(old) >= limit {
			break
		}
		for it := range n.items.all() {
			if len(old) >= limit {
				break
			}
			if it.old(p) {
				old = append(old, it)
			}
		}
	}
	for _, it := range old {
		s.removeItem(it)
	}
	return len(old)
}

func (it *item) old(p notify.Prune) bool {
	before := func(at, bound time.Time) bool { return !at.IsZero() && at.Before(bound) }
	if before(it.filed, p.ReadBefore) && (before(it.read, p.ReadBefore) || before(it.archived, p.ReadBefore)) {
		return true
	}
	return it.read.IsZero() && before(it.filed, p.UnreadBefore)
}

func (s *Store) pruneNotifications(before time.Time, limit int) int {
	var old []*notification
	for n := range s.accepted.all() {
		if !n.accepted.Before(before) || len(old) >= limit {
			break
		}
		if n.references == 0 {
			old = append(old, n)
		}
	}
	for _, n := range old {
		s.removeNotification(n)
	}
	return len(old)
}

func (s *Store) pruneDeliveries(before time.Time, limit int) int {
	var old []*task
	for t := range s.deliveries.all() {
		// Nothing is settled before it is filed.
		if !t.Filed.Before(before) || len(old) >= limit {
			break
		}
		if t.status != "" && t.settled.Before(before) {
			old = append(old, t)
		}
	}
	for _, t := range old {
		s.forget(t)
	}
	return len(old)
}
