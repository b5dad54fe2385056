package memory

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// Erase implements [notify.Eraser]. Notifications that were kept for this
// recipient only go too. There is nothing to wait for: transactions of this
// store follow one another.
func (s *Store) Erase(ctx context.Context, who notify.Recipient) (busy bool, err error) {
	now, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if mark := tombstone(who); s.tombstones[mark].IsZero() {
		s.tombstones[mark] = now
	}
	for n := range s.addressed {
		n.content.To = slices.DeleteFunc(n.content.To, func(to notify.Recipient) bool { return to == who })
	}
	r := s.recipients[who]
	if r == nil {
		return false, nil
	}
	r.erased = true
	touched := s.eraseItems(r)
	for _, t := range slices.Collect(r.deliveries.all()) {
		switch {
		case t.status != "":
			touched = append(touched, t.notification)
			s.forget(t)
		case t.lease.After(now):
			busy = true
		default:
			touched = append(touched, t.notification)
			s.dequeue(t)
			s.unrecord(t)
		}
	}
	for _, reg := range slices.Clone(r.registrations) {
		s.removeRegistration(reg)
	}
	for _, p := range r.plans {
		s.planCut(p, time.Time{})
	}
	r.plans, r.preferences, r.optOuts = nil, notify.Preferences{}, nil
	for _, n := range touched {
		s.dropUnused(n)
	}
	s.leave(r)
	return busy, nil
}

// eraseItems removes all items and returns the notifications that they or
// their entries referred to.
func (s *Store) eraseItems(r *recipient) []*notification {
	var touched []*notification
	for _, it := range slices.Collect(r.order.all()) {
		touched = append(touched, it.notification)
		for _, e := range it.entries {
			touched = append(touched, e.notification)
		}
		s.removeItem(it)
	}
	return touched
}

// Restore implements [notify.Eraser].
func (s *Store) Restore(ctx context.Context, who notify.Recipient) error {
	if _, err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if !s.hasTombstone(who) {
		return notify.ErrNotFound
	}
	delete(s.tombstones, tombstone(who))
	if r := s.recipients[who]; r != nil {
		r.erased = false
	}
	return nil
}
