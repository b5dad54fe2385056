package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// AddIngestKey implements [notify.IngestKeyStore].
func (s *Store) AddIngestKey(ctx context.Context, k notify.IngestKey) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, taken := s.ingestKeys[k.ID]; taken {
		return fmt.Errorf("%w: the id of the key is taken", notify.ErrConflict)
	}
	k.Providers = slices.Clone(k.Providers)
	k.Created, k.Expires = now, stamp(k.Expires)
	s.ingestKeys[k.ID] = k
	return nil
}

// IngestKey implements [notify.IngestKeyStore].
func (s *Store) IngestKey(ctx context.Context, id notify.ID) (notify.IngestKey, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return notify.IngestKey{}, err
	}
	defer s.mu.Unlock()
	k, ok := s.ingestKeys[id]
	if !ok || !k.Expires.IsZero() && !now.Before(k.Expires) {
		return notify.IngestKey{}, notify.ErrNotFound
	}
	k.Providers = slices.Clone(k.Providers)
	return k, nil
}

// IngestKeys implements [notify.IngestKeyStore].
func (s *Store) IngestKeys(ctx context.Context, tenant string) ([]notify.IngestKey, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []notify.IngestKey
	for _, k := range s.ingestKeys {
		if k.Tenant == tenant {
			k.Providers = slices.Clone(k.Providers)
			found = append(found, k)
		}
	}
	slices.SortFunc(found, func(a, b notify.IngestKey) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// ExpireIngestKey implements [notify.IngestKeyStore].
func (s *Store) ExpireIngestKey(ctx context.Context, tenant string, id notify.ID, d time.Duration) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	k, ok := s.ingestKeys[id]
	if !ok || k.Tenant != tenant {
		return notify.ErrNotFound
	}
	if at := stamp(now.Add(d)); k.Expires.IsZero() || at.Before(k.Expires) {
		k.Expires = at
		s.ingestKeys[id] = k
	}
	return nil
}
