package sqlstore

import (
	"context"
	"database/sql"

	"github.com/bellwether-go/notify"
)

const (
	// The second part leaves out what is in the first.
	pruneRead = `SELECT tenant, recipient, filed, id FROM {item} WHERE read_at <> 0 AND read_at < ?1 AND filed < ?1
UNION ALL SELECT tenant, recipient, filed, id FROM {item} WHERE archived <> 0 AND archived < ?1 AND filed < ?1 AND (read_at = 0 OR read_at >= ?1) LIMIT ?2`

	pruneUnread = `SELECT tenant, recipient, filed, id FROM {item} WHERE read_at = 0 AND filed < ? LIMIT ?`

	// unreferred are the notifications that nothing refers to: no item, no
	// task, no entry, and no dead delivery that could be repeated.
	unreferred = `NOT EXISTS (SELECT 1 FROM {item} i WHERE i.notification = n.id)
AND n.id NOT IN (SELECT notification FROM {task})
AND NOT EXISTS (SELECT 1 FROM {delivery} d WHERE d.notification = n.id AND d.status = 'dead' AND d.kind <> '')`

	pruneNotifications = `DELETE FROM {notification} WHERE id IN (SELECT n.id FROM {notification} n WHERE n.accepted < ? AND ` + unreferred + ` LIMIT ?)`

	pruneDeliveries = `SELECT id, tenant, recipient, channel FROM {delivery} WHERE filed < ?1 AND settled < ?1 ORDER BY filed, id LIMIT ?2`
	deleteEntriesOf = `DELETE FROM {entry} WHERE (tenant, recipient, channel, digest) IN (SELECT tenant, recipient, channel, id FROM {rows id:text tenant:text recipient:text channel:text})`
)

// Prune implements [notify.Pruner]: items go first, then notifications, then
// records of deliveries. Digest entries go with them and are not counted.
func (s *Store) Prune(ctx context.Context, p notify.Prune, limit int) (int, error) {
	removed := 0
	err := s.write(ctx, "prune", func(ctx context.Context, t *tx) error {
		removed = 0
		for _, step := range []struct {
			before int64
			prune  func(ctx context.Context, before int64, limit int) (int, error)
		}{
			{micros(p.ReadBefore), t.pruneItems(pruneRead)},
			{micros(p.UnreadBefore), t.pruneItems(pruneUnread)},
			{micros(p.ReadBefore), t.pruneNotifications},
			{micros(p.DeliveriesBefore), t.pruneDeliveries},
		} {
			if step.before == 0 || removed >= limit {
				continue
			}
			n, err := step.prune(ctx, step.before, limit-removed)
			if err != nil {
				return err
			}
			removed += n
		}
		return nil
	})
	return removed, err
}

// pruneItems removes the items that a text selects.
func (t *tx) pruneItems(text string) func(context.Context, int64, int) (int, error) {
	return func(ctx context.Context, before int64, limit int) (int, error) {
		items, err := t.itemKeys(ctx, text, before, limit)
		if err != nil {
			return 0, err
		}
		return len(items), t.removeItems(ctx, items)
	}
}

// itemKeys reads the primary keys of items.
func (t *tx) itemKeys(ctx context.Context, text string, args ...any) (rowset, error) {
	var items rowset
	err := t.query(ctx, text, func(r *sql.Rows) error {
		var tenant, recipient, id string
		var filed int64
		err := r.Scan(&tenant, &recipient, &filed, &id)
		items = append(items, []any{tenant, recipient, filed, id})
		return err
	}, args...)
	return items, err
}

func (t *tx) pruneNotifications(ctx context.Context, before int64, limit int) (int, error) {
	n, err := t.exec(ctx, pruneNotifications, before, limit)
	return int(n), err
}

func (t *tx) pruneDeliveries(ctx context.Context, before int64, limit int) (int, error) {
	var ids []notify.ID
	var digests rowset
	err := t.query(ctx, pruneDeliveries, func(r *sql.Rows) error {
		var id, tenant, recipient, channel string
		err := r.Scan(&id, &tenant, &recipient, &channel)
		ids = append(ids, notify.ID(id))
		digests = append(digests, []any{id, tenant, recipient, channel})
		return err
	}, before, limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := t.exec(ctx, deleteEntriesOf, digests); err != nil {
		return 0, err
	}
	_, err = t.exec(ctx, deleteDeliveries, strs(ids))
	return len(ids), err
}
