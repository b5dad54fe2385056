package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
)

const (
	deliveryColumns = `filed, id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences, epoch, attempts, accepted, unknown, cut, cut_from, status, reason, error, settled`

	// A rejected recipient has a record without a kind, which is no work to repeat.
	selectDead = `SELECT id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences, filed, 0, 0, epoch, 0, accepted, unknown, '', cut, cut_from, '', error
FROM {rows dead:id} {join} {delivery} d {key delivery} ON d.id = r.dead WHERE status = 'dead' AND kind <> '' {locked d}`

	deleteDeliveries = `{delete delivery id:id}`
)

// Redeliver implements [notify.DeliveryLog].
func (s *Store) Redeliver(ctx context.Context, ids []notify.ID) (int, error) {
	var n int
	err := s.write(ctx, "redeliver", func(ctx context.Context, t *tx) error {
		var dead []taskRow
		err := t.query(ctx, selectDead, func(r row) error {
			k, err := scanTask(r)
			k.Filed, k.Due = instant(t.now), instant(t.now)
			k.Accepted = slices.DeleteFunc(k.Accepted, func(id string) bool { return strings.HasPrefix(id, "!") })
			dead = append(dead, k)
			return err
		}, idRows(slices.Compact(slices.Sorted(slices.Values(ids)))))
		if n = len(dead); err != nil || n == 0 {
			return err
		}
		if _, err := t.exec(ctx, deleteDeliveries, idRows(taskIDs(dead))); err != nil {
			return err
		}
		return t.insertTasks(ctx, dead)
	})
	return n, err
}

func taskIDs(rows []taskRow) []notify.ID {
	ids := make([]notify.ID, len(rows))
	for i, k := range rows {
		ids[i] = k.ID
	}
	return ids
}

// Deliveries implements [notify.DeliveryLog].
func (s *Store) Deliveries(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error) {
	q.Limit = cmp.Or(q.Limit, 100)
	var records []notify.DeliveryRecord
	err := s.snapshot(ctx, "deliveries", func(ctx context.Context, t *tx) error {
		records = nil
		for _, part := range []struct {
			table string
			final bool
		}{{"task", false}, {"delivery", true}} {
			if q.Status != "" && pending(q.Status) == part.final {
				continue
			}
			text, args := deliveriesQuery(q, part.table, part.final)
			err := t.query(ctx, text, func(r row) error {
				d, err := scanDelivery(r)
				records = append(records, d)
				return err
			}, args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(records, func(a, b notify.DeliveryRecord) int {
		return cmp.Or(b.Filed.Compare(a.Filed), cmp.Compare(b.ID, a.ID))
	})
	return records[:min(len(records), q.Limit)], err
}

// deliveriesQuery selects from the outbox, or from what has left it.
func deliveriesQuery(q notify.DeliveryQuery, table string, final bool) (string, []any) {
	var b strings.Builder
	var args []any
	b.WriteString(`SELECT id, tenant, recipient, notification, provider, channel, `)
	if final {
		b.WriteString(`status, 0, settled, `)
	} else {
		b.WriteString(`CASE WHEN unknown = 0 THEN 'pending' ELSE 'unknown' END, due, 0, `)
	}
	b.WriteString(`reason, error, attempts, filed, cut FROM {` + table + `} WHERE `)
	if final {
		b.WriteString(`1 = 1`)
	} else {
		b.WriteString(`queue = 1`)
	}
	and := func(condition string, values ...any) {
		b.WriteString(" AND " + condition)
		args = append(args, values...)
	}
	if len(q.IDs) > 0 {
		and(`id IN (SELECT id FROM {rows id:id})`, idRows(q.IDs))
	}
	if q.Recipient != nil {
		and(`tenant = ? AND recipient = ?`, q.Recipient.Tenant, q.Recipient.ID)
	}
	if q.Notification != "" {
		and(`notification = ?`, q.Notification)
	}
	if q.Channel != "" {
		and(`channel = ?`, q.Channel)
	}
	switch q.Status {
	case "":
	case notify.StatusPending:
		and(`unknown = 0`)
	case notify.StatusUnknown:
		and(`unknown = 1`)
	case notify.StatusDead:
		and(`status = 'dead'`) // as text, so that the partial index serves it
	default:
		and(`status = ?`, string(q.Status))
	}
	if q.Before != (notify.Position{}) {
		and(`filed <= ? AND (filed, id) < (?, ?)`, micros(q.Before.Filed), micros(q.Before.Filed), q.Before.ID)
	}
	b.WriteString(` ORDER BY filed DESC, id DESC LIMIT ?`)
	return b.String(), append(args, q.Limit)
}

func scanDelivery(r row) (notify.DeliveryRecord, error) {
	var d notify.DeliveryRecord
	var due, settled, filed, cut int64
	err := r.Scan(scanID(&d.ID), &d.Recipient.Tenant, &d.Recipient.ID, scanID(&d.Notification), &d.Provider, &d.Channel,
		&d.Status, &due, &settled, &d.Reason, &d.Error, &d.Attempts, &filed, &cut)
	d.Due, d.Settled, d.Filed, d.Cut = instant(due), instant(settled), instant(filed), instant(cut)
	return d, err
}
