package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const (
	// A task whose lease has expired is held by nobody: it counts as due.
	countQueues = `SELECT kind, channel, CASE WHEN kind = 'fanout' THEN provider ELSE '' END,
SUM(CASE WHEN leased_until > ?1 THEN 0 ELSE 1 END), SUM(CASE WHEN leased_until > ?1 THEN 1 ELSE 0 END),
SUM(CASE WHEN leased_until > ?1 THEN 0 WHEN leased_until <> 0 OR due <= ?1 THEN 1 ELSE 0 END),
COALESCE(MIN(CASE WHEN leased_until > ?1 THEN NULL WHEN leased_until <> 0 OR due <= ?1 THEN due END), 0)
FROM {task} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`

	countDead = `SELECT COUNT(*) FROM {delivery} WHERE status = 'dead'`

	earliestCut = `SELECT COALESCE(MIN(next_cut), 0) FROM {plan} WHERE next_cut <> 0`
)

// Stats implements [notify.DeliveryLog].
func (s *Store) Stats(ctx context.Context) (notify.Stats, error) {
	var stats notify.Stats
	err := s.snapshot(ctx, "stats", func(ctx context.Context, t *tx) error {
		stats = notify.Stats{Now: instant(t.now)}
		err := t.query(ctx, countQueues, func(r row) error {
			var q notify.QueueStats
			var oldest int64
			err := r.Scan(&q.Kind, &q.Channel, &q.Provider, &q.Pending, &q.Leased, &q.Due, &oldest)
			q.OldestDue = instant(oldest)
			stats.Queues = append(stats.Queues, q)
			return err
		}, t.now)
		if err != nil {
			return err
		}
		if err := t.query(ctx, countDead, func(r row) error { return r.Scan(&stats.Dead) }); err != nil {
			return err
		}
		return t.query(ctx, earliestCut, func(r row) error {
			var cut int64
			err := r.Scan(&cut)
			stats.NextCut = instant(cut)
			return err
		})
	})
	return stats, err
}
