package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const (
	insertSuppression = `INSERT INTO {suppression} (tenant, channel, address, proof, since) VALUES (?, ?, ?, ?, ?) {nothing suppression since}`
	deleteSuppression = `DELETE FROM {suppression} WHERE tenant = ? AND channel = ? AND address = ?`
	selectSuppressed  = `SELECT s.tenant, s.channel, s.address, s.proof, s.since
FROM {rows channel:text address:long} JOIN {suppression} s ON s.tenant = ? AND s.channel = r.channel AND s.address = r.address ORDER BY s.channel, s.address`
	listSuppressions = `SELECT s.tenant, s.channel, s.address, s.proof, s.since FROM {suppression} s
WHERE s.tenant = ?1 AND s.channel >= ?2 AND (s.channel, s.address) > (?2, ?3) ORDER BY s.channel, s.address LIMIT ?4`
)

// Suppress implements [notify.AddressStore]. The instant is the store's.
func (s *Store) Suppress(ctx context.Context, p notify.Suppression) error {
	return s.write(ctx, "suppress", func(ctx context.Context, t *tx) error {
		at := micros(p.At)
		if at == 0 {
			at = t.now
		}
		_, err := t.exec(ctx, insertSuppression, p.Tenant, p.Address.Channel, p.Address.Value, p.Proof, at)
		return err
	})
}

// Unsuppress implements [notify.AddressStore].
func (s *Store) Unsuppress(ctx context.Context, tenant, channel, address string) error {
	return s.write(ctx, "unsuppress", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, deleteSuppression, tenant, channel, address)
		if err == nil && n == 0 {
			err = notify.ErrNotFound
		}
		return err
	})
}

// Suppressed implements [notify.AddressStore].
func (s *Store) Suppressed(ctx context.Context, tenant string, of []notify.Address) ([]notify.Suppression, error) {
	if len(of) == 0 {
		return nil, nil
	}
	rows := make(rowset, 0, len(of))
	asked := map[[2]string]bool{}
	for _, a := range of {
		if key := [2]string{a.Channel, a.Value}; !asked[key] {
			asked[key] = true
			rows = append(rows, []any{a.Channel, a.Value})
		}
	}
	return s.suppressions(ctx, "suppressed", selectSuppressed, rows, tenant)
}

// Suppressions implements [notify.AddressStore]. A limit of 0 is none.
func (s *Store) Suppressions(ctx context.Context, tenant string, after notify.Address, limit int) ([]notify.Suppression, error) {
	return s.suppressions(ctx, "suppressions", listSuppressions, tenant, after.Channel, after.Value, atMost(limit))
}

func (s *Store) suppressions(ctx context.Context, op, text string, args ...any) ([]notify.Suppression, error) {
	var found []notify.Suppression
	err := s.read(ctx, op, func(ctx context.Context, q querier) error {
		found = nil
		return q.query(ctx, text, func(r row) error {
			var p notify.Suppression
			var since int64
			err := r.Scan(&p.Tenant, &p.Address.Channel, &p.Address.Value, &p.Proof, &since)
			p.At = instant(since)
			found = append(found, p)
			return err
		}, args...)
	})
	return found, err
}

// atMost is a limit as it is bound; 0 is none.
func atMost(limit int) int {
	if limit <= 0 {
		return 1 << 31
	}
	return limit
}
