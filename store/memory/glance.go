package memory

import (
	"context"

	"github.com/bellwether-go/notify"
)

// Glance implements [notify.Glancer]. Recipients without anything are left out.
func (s *Store) Glance(ctx context.Context, recipients []notify.Recipient, limit int) (map[notify.Recipient]notify.Glimpse, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	glimpses := make(map[notify.Recipient]notify.Glimpse)
	for _, id := range recipients {
		r := s.recipients[id]
		if r == nil {
			continue
		}
		for it := range r.order.backward() {
			glimpses[id] = notify.Glimpse{
				Counts: r.countsUpTo(limit, now),
				Newest: notify.Position{Filed: it.filed, ID: it.id},
			}
			break
		}
	}
	return glimpses, nil
}
