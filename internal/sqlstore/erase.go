package sqlstore

import (
	"context"
	"slices"

	"github.com/bellwether-go/notify"
)

const (
	insertTombstone = `INSERT INTO {tombstone} (hash, since) VALUES (?, ?) {nothing tombstone hash}`
	deleteTombstone = `DELETE FROM {tombstone} WHERE hash = ?`

	// selectTouched are the notifications that are to go if nobody else has them.
	selectTouched = `SELECT notification FROM {item} WHERE tenant = ?1 AND recipient = ?2 AND {anywhere}
UNION SELECT notification FROM {task} WHERE queue = 1 AND tenant = ?1 AND recipient = ?2
UNION SELECT notification FROM {entry} WHERE tenant = ?1 AND recipient = ?2
UNION SELECT notification FROM {delivery} WHERE tenant = ?1 AND recipient = ?2`
	selectUnreferred = `SELECT n.id FROM {notification} n WHERE n.id IN (SELECT id FROM {rows id:id}) AND ` + unreferred

	selectFanOuts = `SELECT notification FROM {task} WHERE queue = 0 AND kind = 'fanout' AND tenant = ?`
	selectKept    = `SELECT n.id, n.recipients FROM {rows held:id} {join} {notification} n {key notification} ON n.id = r.held WHERE n.recipients IS NOT NULL {locked n}`
	updateKept    = `UPDATE {notification} SET recipients = ? WHERE id = ?`

	selectTasksOf   = `SELECT id FROM {task} WHERE queue = 1 AND tenant = ? AND recipient = ?`
	deleteFreeTasks = `{delete task 1 id:id} AND leased_until <= ?2`
)

// eraseFrom deletes whatever else is stored about one recipient.
var eraseFrom = []string{
	`DELETE FROM {item} WHERE tenant = ? AND recipient = ? AND {anywhere}`,
	`DELETE FROM {entry} WHERE tenant = ? AND recipient = ?`,
	`DELETE FROM {plan} WHERE tenant = ? AND recipient = ?`,
	`DELETE FROM {preference} WHERE tenant = ? AND recipient = ?`,
	`DELETE FROM {address} WHERE tenant = ? AND recipient = ?`,
	`DELETE FROM {delivery} WHERE tenant = ? AND recipient = ?`,
}

// Erase implements [notify.Eraser]. Notifications that were kept for this
// recipient only go too. Suppressions stay: they are about addresses.
func (s *Store) Erase(ctx context.Context, r notify.Recipient) (busy bool, err error) {
	err = s.write(ctx, "erase", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, insertTombstone, tombstone(r), t.now)
		return err
	})
	if err == nil && s.d.Barrier != "" {
		err = s.write(ctx, "erase", func(ctx context.Context, t *tx) error {
			_, err := t.exec(ctx, s.d.Barrier)
			return err
		})
	}
	if err != nil {
		return false, err
	}
	err = s.write(ctx, "erase", func(ctx context.Context, t *tx) (err error) {
		busy, err = t.erase(ctx, r)
		return err
	})
	return busy && err == nil, err
}

func (t *tx) erase(ctx context.Context, r notify.Recipient) (busy bool, err error) {
	touched, err := t.ids(ctx, selectTouched, r.Tenant, r.ID)
	if err != nil {
		return false, err
	}
	tasks, err := t.ids(ctx, selectTasksOf, r.Tenant, r.ID)
	if err != nil {
		return false, err
	}
	free, err := t.exec(ctx, deleteFreeTasks, idRows(tasks), t.now)
	if err != nil {
		return false, err
	}
	for _, text := range eraseFrom {
		if _, err := t.exec(ctx, text, r.Tenant, r.ID); err != nil {
			return false, err
		}
	}
	if _, err := t.deleteUnreferred(ctx, selectUnreferred, idRows(touched)); err != nil {
		return false, err
	}
	return free < int64(len(tasks)), t.eraseKept(ctx, r)
}

// eraseKept takes the recipient out of the lists of pending fan-outs.
func (t *tx) eraseKept(ctx context.Context, r notify.Recipient) error {
	shortened := map[notify.ID]string{}
	pending, err := t.ids(ctx, selectFanOuts, r.Tenant)
	if err != nil {
		return err
	}
	err = t.query(ctx, selectKept, func(rows row) error {
		var id notify.ID
		var recipients string
		if err := rows.Scan(scanID(&id), &recipients); err != nil {
			return err
		}
		to, err := unpackRecipients(r.Tenant, recipients)
		if err != nil || !slices.Contains(to, r) {
			return err
		}
		to = slices.DeleteFunc(to, func(other notify.Recipient) bool { return other == r })
		shortened[id], err = packRecipients(to)
		return err
	}, idRows(pending))
	if err != nil {
		return err
	}
	for id, recipients := range shortened {
		if _, err := t.exec(ctx, updateKept, recipients, id); err != nil {
			return err
		}
	}
	return nil
}

// Restore implements [notify.Eraser].
func (s *Store) Restore(ctx context.Context, r notify.Recipient) error {
	return s.write(ctx, "restore", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, deleteTombstone, tombstone(r))
		if err == nil && n == 0 {
			err = notify.ErrNotFound
		}
		return err
	})
}
