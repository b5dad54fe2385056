package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const (
	// selectPutOff selects, of digests, those with items that the recipient has
	// put off.
	selectPutOff = `SELECT DISTINCT r.ended FROM {rows tenant:text recipient:text channel:text ended:id} {join} {entry} e {key entry}
ON e.tenant = r.tenant AND e.recipient = r.recipient AND e.channel = r.channel AND e.digest = r.ended
{join} {item} i {key item} ON i.notification = e.notification AND i.tenant = e.tenant AND i.recipient = e.recipient
WHERE i.read_at = 0 AND i.archived = 0 AND i.snoozed > ?2`

	// releaseSnoozed sets free the entries of a digest whose items the
	// recipient has put off.
	releaseSnoozed = `UPDATE {entry} SET digest = {none} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = ?
AND EXISTS (SELECT 1 FROM {item} i WHERE i.notification = {entry}.notification AND i.tenant = {entry}.tenant AND i.recipient = {entry}.recipient
AND i.read_at = 0 AND i.archived = 0 AND i.snoozed > ?)`

	releaseEntries = `UPDATE {entry} SET digest = {none} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = ?`

	deleteBound = `{delete entry tenant:text recipient:text channel:text digest:id}`
)

// ending is a digest that has ended, and how.
type ending struct {
	task    taskRow
	outcome notify.Outcome
}

// closeDigests does what follows for the entries of digests that have ended: most
// were delivered, and nothing of them was put off.
func (t *tx) closeDigests(ctx context.Context, ended []ending) error {
	if len(ended) == 0 {
		return nil
	}
	var bound rowset
	for _, e := range ended {
		if e.outcome.Status != notify.StatusDead {
			bound = append(bound, []any{e.task.Recipient.Tenant, e.task.Recipient.ID, e.task.Channel, e.task.ID})
		}
	}
	putOff := map[notify.ID]bool{}
	if len(bound) > 0 {
		err := t.query(ctx, selectPutOff, func(r row) error {
			var id notify.ID
			err := r.Scan(scanID(&id))
			putOff[id] = true
			return err
		}, bound, t.now)
		if err != nil {
			return err
		}
	}
	for _, e := range ended {
		if e.outcome.Status == notify.StatusDead || putOff[e.task.ID] {
			if err := t.closeDigest(ctx, e.task, e.outcome); err != nil {
				return err
			}
		}
	}
	if len(bound) == 0 {
		return nil
	}
	_, err := t.exec(ctx, deleteBound, bound)
	return err
}

// closeDigest releases entries of a digest that has ended.
func (t *tx) closeDigest(ctx context.Context, k taskRow, o notify.Outcome) error {
	bound := []any{k.Recipient.Tenant, k.Recipient.ID, k.Channel, k.ID}
	var released int64
	var err error
	switch {
	case o.Status != notify.StatusDead:
		if released, err = t.exec(ctx, releaseSnoozed, append(bound, t.now)...); err != nil {
			return err
		}
	case !k.Unknown:
		if released, err = t.exec(ctx, releaseEntries, bound...); err != nil {
			return err
		}
	}
	if released == 0 || o.NextCut.IsZero() {
		return nil
	}
	return t.plan(ctx, rowset{{k.Recipient.Tenant, k.Recipient.ID, k.Channel, micros(o.NextCut)}})
}
