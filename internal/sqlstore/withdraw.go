package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const (
	selectByKey    = `SELECT n.id FROM {notification} n WHERE n.tenant = ? AND n.provider = ? AND n.dedup = ?`
	selectByEntity = `SELECT n.id FROM {notification} n WHERE n.tenant = ?1 AND n.entity = ?2 AND (?3 = '' OR n.provider = ?3) AND n.withdrawn = 0`
	selectStanding = `SELECT n.id, n.tenant, n.provider FROM {rows held:id} {join} {notification} n {key notification} ON n.id = r.held WHERE n.withdrawn = 0 ORDER BY n.accepted, n.id {locked n}`
	markWithdrawn  = `{update notification 2 id:id} SET withdrawn = ?1 {those}`

	selectSwept  = `SELECT i.tenant, i.recipient, i.id FROM {item} i JOIN {notification} n ON n.id = i.notification WHERE i.notification = ? AND n.withdrawn <> 0 ORDER BY i.tenant, i.recipient LIMIT ?`
	sweptEntries = `{delete entry +notification:id tenant:text recipient:text item:id}`
	deleteSweep  = `DELETE FROM {task} WHERE id = ? AND kind = 'sweep'`
)

// Withdraw implements [notify.Withdrawer].
func (s *Store) Withdraw(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
	var ids []notify.ID
	err := s.write(ctx, "withdraw", func(ctx context.Context, t *tx) (err error) {
		ids, err = t.withdraw(ctx, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

func (t *tx) withdraw(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
	text, args := selectByEntity, []any{w.Tenant, w.Entity, w.Provider}
	if w.Key != "" {
		text, args = selectByKey, []any{w.Tenant, w.Provider, w.Key}
	}
	matching, err := t.ids(ctx, text, args...)
	if err != nil || len(matching) == 0 {
		return nil, err
	}
	var ids []notify.ID
	var sweeps []taskRow
	err = t.query(ctx, selectStanding, func(r row) error {
		var id notify.ID
		var tenant, provider string
		if err := r.Scan(scanID(&id), &tenant, &provider); err != nil {
			return err
		}
		ids = append(ids, id)
		task := notify.NewTask{ID: id, Kind: notify.KindSweep, Lane: notify.LaneNormal}
		sweeps = append(sweeps, newTask(task, notify.Recipient{Tenant: tenant}, id, provider, 0, t.now))
		return nil
	}, idRows(matching))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	if _, err := t.exec(ctx, markWithdrawn, t.now, idRows(ids)); err != nil {
		return nil, err
	}
	return ids, t.insertTasks(ctx, sweeps)
}

// Sweep implements [notify.Outbox]. The recipients come in their order.
func (s *Store) Sweep(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error) {
	var swept []notify.Recipient
	err := s.write(ctx, "sweep", func(ctx context.Context, t *tx) error {
		swept = nil
		var items rowset
		err := t.query(ctx, selectSwept, func(r row) error {
			var of notify.Recipient
			var item notify.ID
			err := r.Scan(&of.Tenant, &of.ID, scanID(&item))
			swept = append(swept, of)
			items = append(items, []any{id, of.Tenant, of.ID, item})
			return err
		}, id, limit)
		if err != nil {
			return err
		}
		if err := t.removeItems(ctx, items); err != nil {
			return err
		}
		if len(items) < limit {
			_, err = t.exec(ctx, deleteSweep, id)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return swept, nil
}

// removeItems removes items with their digest entries. Rows are notification,
// tenant, recipient and id.
func (t *tx) removeItems(ctx context.Context, items rowset) error {
	if len(items) == 0 {
		return nil
	}
	if _, err := t.exec(ctx, sweptEntries, items); err != nil {
		return err
	}
	_, err := t.exec(ctx, deleteItems, items)
	return err
}
