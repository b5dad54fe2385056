package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	insertIngestKey = `INSERT INTO {ingest_key} (id, tenant, name, providers, hash, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?) {nothing ingest_key id}`
	selectIngestKey = `SELECT k.id, k.tenant, k.name, k.providers, k.hash, k.created, k.expires FROM {ingest_key} k WHERE k.id = ?`
	listIngestKeys  = `SELECT k.id, k.tenant, k.name, k.providers, k.hash, k.created, k.expires FROM {ingest_key} k WHERE k.tenant = ? ORDER BY k.id`
	expireIngestKey = `UPDATE {ingest_key} SET expires = CASE WHEN expires = 0 OR expires > ?1 THEN ?1 ELSE expires END WHERE tenant = ?2 AND id = ?3`
	countIngestKey  = `SELECT 1 FROM {ingest_key} k WHERE k.tenant = ? AND k.id = ?`
)

// AddIngestKey implements [notify.IngestKeyStore].
func (s *Store) AddIngestKey(ctx context.Context, k notify.IngestKey) error {
	providers, err := json.Marshal(k.Providers)
	if err != nil {
		return err
	}
	return s.write(ctx, "add ingest key", func(ctx context.Context, t *tx) error {
		// Looked for first: a row that is left alone counts as touched on some
		// databases.
		taken, err := ingestKeys(ctx, t, selectIngestKey, k.ID)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, insertIngestKey, k.ID, k.Tenant, k.Name, string(providers), k.Hash, t.now, micros(k.Expires))
		if err == nil && (n == 0 || len(taken) > 0) {
			err = fmt.Errorf("%w: the id of the key is taken", notify.ErrConflict)
		}
		return err
	})
}

// IngestKey implements [notify.IngestKeyStore].
func (s *Store) IngestKey(ctx context.Context, id notify.ID) (notify.IngestKey, error) {
	var found []notify.IngestKey
	err := s.read(ctx, "ingest key", func(ctx context.Context, q querier) error {
		now, err := s.now(ctx, q)
		if err != nil {
			return err
		}
		if found, err = ingestKeys(ctx, q, selectIngestKey, id); err != nil {
			return err
		}
		if len(found) == 0 || !found[0].Expires.IsZero() && micros(found[0].Expires) <= now {
			return notify.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return notify.IngestKey{}, err
	}
	return found[0], nil
}

// IngestKeys implements [notify.IngestKeyStore].
func (s *Store) IngestKeys(ctx context.Context, tenant string) ([]notify.IngestKey, error) {
	var found []notify.IngestKey
	err := s.read(ctx, "ingest keys", func(ctx context.Context, q querier) (err error) {
		found, err = ingestKeys(ctx, q, listIngestKeys, tenant)
		return err
	})
	return found, err
}

func ingestKeys(ctx context.Context, q querier, text string, args ...any) ([]notify.IngestKey, error) {
	var found []notify.IngestKey
	err := q.query(ctx, text, func(r row) error {
		var k notify.IngestKey
		var providers string
		var created, expires int64
		if err := r.Scan(scanID(&k.ID), &k.Tenant, &k.Name, &providers, &k.Hash, &created, &expires); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(providers), &k.Providers); err != nil {
			return fmt.Errorf("stored providers: %w", err)
		}
		k.Created, k.Expires = instant(created), instant(expires)
		found = append(found, k)
		return nil
	}, args...)
	return found, err
}

// ExpireIngestKey implements [notify.IngestKeyStore].
func (s *Store) ExpireIngestKey(ctx context.Context, tenant string, id notify.ID, d time.Duration) error {
	return s.write(ctx, "expire ingest key", func(ctx context.Context, t *tx) error {
		// Counted by itself: a row that stays as it is counts as touched on
		// some databases only.
		found := false
		err := t.query(ctx, countIngestKey, func(row) error { found = true; return nil }, tenant, id)
		if err != nil {
			return err
		}
		if !found {
			return notify.ErrNotFound
		}
		_, err = t.exec(ctx, expireIngestKey, t.now+d.Microseconds(), tenant, id)
		return err
	})
}
