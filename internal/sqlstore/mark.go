package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const selectPlaces = `SELECT p.notification FROM (` + placesOf + `) p`

// changes is what each operation sets, and what it makes a difference to.
// Parameters are numbered, the instant of now is the first, that of a snooze
// the second. What is read is seen too, so that unseen items are unread ones.
var changes = map[notify.Op]struct{ set, where string }{
	notify.OpSeen:      {`seen = ?1`, `seen = 0 AND read_at = 0`},
	notify.OpRead:      {`read_at = CASE WHEN read_at = 0 THEN ?1 ELSE read_at END, seen = CASE WHEN seen = 0 THEN ?1 ELSE seen END, slot = NULL`, `read_at = 0`},
	notify.OpUnread:    {`read_at = 0`, `read_at <> 0`},
	notify.OpArchive:   {`archived = ?1, slot = NULL`, `archived = 0`},
	notify.OpUnarchive: {`archived = 0`, `archived <> 0`},
	notify.OpSnooze:    {`snoozed = ?2`, `(snoozed <> ?2 AND ?2 > 0 OR snoozed > ?1 AND ?2 = 0)`},
}

// Mark implements [notify.InboxStore]. A zero UpTo is older than every item.
func (s *Store) Mark(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error) {
	change, ok := changes[m.Op]
	if !ok {
		return 0, &notify.InvalidError{Field: "Op", Reason: "unknown"}
	}
	var changed int64
	err := s.write(ctx, "mark", func(ctx context.Context, t *tx) (err error) {
		until := micros(m.Until)
		if until <= t.now {
			until = 0
		}
		args := []any{t.now, until}
		var head, tail string
		if len(m.IDs) > 0 {
			places, err := t.places(ctx, r, m.IDs)
			if err != nil {
				return err
			}
			if len(places) == 0 {
				return notify.ErrNotFound
			}
			head, tail = `{update item 3 notification:id tenant:text recipient:text}`, `{those}`
			args = append(args, places)
		} else {
			head = `UPDATE {item}`
			tail = `WHERE tenant = ?3 AND recipient = ?4 AND archived = 0 AND {anywhere} AND snoozed <= ?1 AND (filed, id) <= (?5, ?6) AND (?7 = '' OR provider = ?7)`
			args = append(args, r.Tenant, r.ID, micros(m.UpTo.Filed), m.UpTo.ID, m.Provider)
		}
		changed, err = t.exec(ctx, head+` SET `+change.set+` `+tail+` AND `+change.where, args...)
		return err
	})
	return int(changed), err
}

// places finds the primary keys of items by their ids.
func (t *tx) places(ctx context.Context, r notify.Recipient, ids []notify.ID) (rowset, error) {
	var found rowset
	err := t.query(ctx, selectPlaces, func(rows row) error {
		var notification notify.ID
		err := rows.Scan(scanID(&notification))
		found = append(found, []any{notification, r.Tenant, r.ID})
		return err
	}, placesArgs(r, ids)...)
	return found, err
}
