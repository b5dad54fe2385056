package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const (
	// releaseSnoozed sets free the entries of a digest whose items the
	// recipient has put off.
	releaseSnoozed = `UPDATE {entry} SET digest = {none} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = ?
AND EXISTS (SELECT 1 FROM {item} i WHERE i.notification = {entry}.notification AND i.tenant = {entry}.tenant AND i.recipient = {entry}.recipient
AND i.read_at = 0 AND i.archived = 0 AND i.snoozed > ?)`

	releaseEntries = `UPDATE {entry} SET digest = {none} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = ?`

	deleteBound = `DELETE FROM {entry} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = ?`
)

// closeDigest does what follows for the entries of a digest that has ended.
func (t *tx) closeDigest(ctx context.Context, k taskRow, o notify.Outcome) error {
	bound := []any{k.Recipient.Tenant, k.Recipient.ID, k.Channel, k.ID}
	var released int64
	var err error
	switch {
	case o.Status != notify.StatusDead:
		if released, err = t.exec(ctx, releaseSnoozed, append(bound, t.now)...); err != nil {
			return err
		}
		if _, err = t.exec(ctx, deleteBound, bound...); err != nil {
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
