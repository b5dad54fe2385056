package memory

import (
	"cmp"
	"context"
	"strings"

	"github.com/bellwether-go/notify"
)

type suppressionKey struct{ tenant, channel, value string }

// Suppress implements [notify.AddressStore]. A zero At is now.
func (s *Store) Suppress(ctx context.Context, sup notify.Suppression) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	key := suppressionKey{sup.Tenant, sup.Address.Channel, sup.Address.Value}
	if s.suppressed[key] != nil {
		return nil
	}
	sup.Address.Meta = nil
	sup.At = stamp(sup.At)
	if sup.At.IsZero() {
		sup.At = now
	}
	s.suppressed[key] = &sup
	s.suppressions.insert(&sup)
	return nil
}

// Unsuppress implements [notify.AddressStore].
func (s *Store) Unsuppress(ctx context.Context, tenant, channel, address string) error {
	if _, err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	key := suppressionKey{tenant, channel, address}
	sup := s.suppressed[key]
	if sup == nil {
		return notify.ErrNotFound
	}
	delete(s.suppressed, key)
	s.suppressions.remove(sup)
	return nil
}

// Suppressed implements [notify.AddressStore]. It keeps the order of the
// addresses.
func (s *Store) Suppressed(ctx context.Context, tenant string, addresses []notify.Address) ([]notify.Suppression, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []notify.Suppression
	asked := make(map[suppressionKey]bool)
	for _, a := range addresses {
		key := suppressionKey{tenant, a.Channel, a.Value}
		if sup := s.suppressed[key]; sup != nil && !asked[key] {
			asked[key] = true
			found = append(found, *sup)
		}
	}
	return found, nil
}

// Suppressions implements [notify.AddressStore]. A limit of 0 is none.
func (s *Store) Suppressions(ctx context.Context, tenant string, after notify.Address, limit int) ([]notify.Suppression, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	place := func(sup *notify.Suppression) int {
		return cmp.Or(strings.Compare(sup.Tenant, tenant), compareAddresses(sup.Address, after))
	}
	var found []notify.Suppression
	for sup := range s.suppressions.from(place) {
		if sup.Tenant != tenant || limit > 0 && len(found) == limit {
			break
		}
		if compareAddresses(sup.Address, after) > 0 {
			found = append(found, *sup)
		}
	}
	return found, nil
}
