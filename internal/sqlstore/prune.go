package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const (
	// The second part leaves out what is in the first.
	pruneRead = `SELECT notification, tenant, recipient, id FROM {item} WHERE read_at <> 0 AND read_at < ?1 AND filed < ?1
UNION ALL SELECT notification, tenant, recipient, id FROM {item} WHERE archived <> 0 AND archived < ?1 AND filed < ?1 AND (read_at = 0 OR read_at >= ?1) LIMIT ?2`

	pruneUnread = `SELECT notification, tenant, recipient, id FROM {item} WHERE read_at = 0 AND filed < ? LIMIT ?`

	// unreferred are the notifications that nothing refers to: no item, no
	// task, no entry, and no dead delivery that could be repeated. It is asked
	// by one statement, because a fan-out that ends turns its task into items.
	unreferred = `NOT EXISTS (SELECT 1 FROM {item} i WHERE i.notification = n.id) AND {unqueued}
AND NOT EXISTS (SELECT 1 FROM {delivery} d WHERE d.notification = n.id AND d.status = 'dead' AND d.kind <> '')`

	pruneNotifications  = `SELECT n.id FROM {notification} n WHERE n.accepted < ? AND ` + unreferred + ` LIMIT ?`
	deleteNotifications = `{delete notification id:id}`

	pruneDeliveries = `SELECT id, tenant, recipient, channel FROM {delivery} WHERE filed < ?1 AND settled < ?1 ORDER BY filed, id LIMIT ?2`
	deleteEntriesOf = `{delete entry digest:id tenant:text recipient:text channel:text}`
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

// itemKeys reads the names of items, as removeItems takes them.
func (t *tx) itemKeys(ctx context.Context, text string, args ...any) (rowset, error) {
	var items rowset
	err := t.query(ctx, text, func(r row) error {
		var notification, id notify.ID
		var tenant, recipient string
		err := r.Scan(scanID(&notification), &tenant, &recipient, scanID(&id))
		items = append(items, []any{notification, tenant, recipient, id})
		return err
	}, args...)
	return items, err
}

func (t *tx) pruneNotifications(ctx context.Context, before int64, limit int) (int, error) {
	return t.deleteUnreferred(ctx, pruneNotifications, before, limit)
}

// deleteUnreferred deletes the notifications that a text selects.
func (t *tx) deleteUnreferred(ctx context.Context, text string, args ...any) (int, error) {
	gone, err := t.ids(ctx, text, args...)
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	_, err = t.exec(ctx, deleteNotifications, idRows(gone))
	return len(gone), err
}

// ids reads a column of ids.
func (t *tx) ids(ctx context.Context, text string, args ...any) ([]notify.ID, error) {
	var found []notify.ID
	err := t.query(ctx, text, func(r row) error {
		var id notify.ID
		err := r.Scan(scanID(&id))
		found = append(found, id)
		return err
	}, args...)
	return found, err
}

func (t *tx) pruneDeliveries(ctx context.Context, before int64, limit int) (int, error) {
	var ids []notify.ID
	var digests rowset
	err := t.query(ctx, pruneDeliveries, func(r row) error {
		var id notify.ID
		var tenant, recipient, channel string
		err := r.Scan(scanID(&id), &tenant, &recipient, &channel)
		ids = append(ids, id)
		digests = append(digests, []any{id, tenant, recipient, channel})
		return err
	}, before, limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if _, err := t.exec(ctx, deleteEntriesOf, digests); err != nil {
		return 0, err
	}
	_, err = t.exec(ctx, deleteDeliveries, idRows(ids))
	return len(ids), err
}
