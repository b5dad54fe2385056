package memory

import (
	"context"

	"github.com/bellwether-go/notify"
)

// Accept implements [notify.Acceptor].
func (s *Store) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	receipts := make([]notify.Receipt, len(batch))
	for i := range batch {
		a := &batch[i]
		if first := s.taken(a); first != nil {
			receipts[i] = replay(first, a)
			continue
		}
		n := s.addNotification(a, now)
		whole := a.Task == nil && a.Notification.CollapseKey == ""
		for _, f := range a.Filings {
			whole = s.file(n, f, now) && whole
		}
		if a.Task != nil {
			t := newTask(*a.Task, now)
			t.Recipient.Tenant = a.Notification.Tenant
			s.enqueue(t, n, a.Task.Lease)
		}
		receipts[i].ID = a.ID
		if whole {
			receipts[i].Filed = now
		}
	}
	return receipts, nil
}

// taken returns the notification that has the key already. An id that is in
// use counts like a key: what was stored under it is never overwritten.
func (s *Store) taken(a *notify.Acceptance) *notification {
	if a.Notification.Key != "" {
		if first := s.keys[keyOf(a.Notification)]; first != nil {
			return first
		}
	}
	return s.notifications[a.ID]
}

func replay(first *notification, a *notify.Acceptance) notify.Receipt {
	if first.fingerprint != a.Fingerprint {
		return notify.Receipt{Err: notify.ErrConflict}
	}
	return notify.Receipt{ID: first.id, Replayed: true, Withdrawn: first.withdrawn}
}
