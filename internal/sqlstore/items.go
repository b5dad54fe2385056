package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bellwether-go/notify"
)

// itemColumns selects what scanItem takes, of the item i and its notification n.
const itemColumns = `i.id, i.tenant, i.recipient, i.notification, i.filed, i.seen, i.read_at, i.archived, i.snoozed, i.repeats, ` + packedColumns

// placesOf selects which notifications are in items, by the ids of the items.
// Most have the id of the notification that they hold; the others have an index
// of their own. A join that begins with few rows is written CROSS JOIN: some
// planners take that as the order to go in, to the others it is the same.
const placesOf = `SELECT notification FROM {item} WHERE notification IN (SELECT id FROM {rows id:id}) AND id = notification AND tenant = ? AND recipient = ?
UNION ALL SELECT i.notification FROM {rows id:id} CROSS JOIN {item} i WHERE i.id = r.id AND i.id <> i.notification AND i.tenant = ? AND i.recipient = ?`

func placesArgs(r notify.Recipient, of []notify.ID) []any {
	named := idRows(slices.Compact(slices.Sorted(slices.Values(of))))
	return []any{named, r.Tenant, r.ID, named, r.Tenant, r.ID}
}

// Items implements [notify.InboxStore].
func (s *Store) Items(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
	if err := checkState(q.State); err != nil {
		return nil, err
	}
	var items []notify.Item
	err := s.read(ctx, "items", func(ctx context.Context, on querier) error {
		items = nil
		text, args := itemsQuery(s.d, itemColumns, r, q, s.at())
		return on.query(ctx, text, func(r row) error {
			it, err := scanItem(r)
			items = append(items, it)
			return err
		}, args...)
	})
	return cut(items, q.Limit), err
}

// cut undoes what rounded adds.
func cut(items []notify.Item, limit int) []notify.Item {
	if limit > 0 && len(items) > limit {
		return items[:limit]
	}
	return items
}

// rounded makes few limits of many, since each is a statement of its own: those
// of usual pages, with the one item more that tells whether another follows.
func rounded(limit int) int {
	for _, usual := range []int{21, 51, 101, 201} {
		if limit > usual/2 && limit <= usual {
			return usual
		}
	}
	return limit
}

func checkState(state notify.State) error {
	if !slices.Contains(states, state) {
		return &notify.InvalidError{Field: "State", Reason: "unknown"}
	}
	return nil
}

// states are those that a query may ask for.
var states = []notify.State{notify.StateInbox, notify.StateUnread, notify.StateArchived, notify.StateSnoozed, notify.StateAll}

// itemsQuery selects columns, of which those of an item are some. The instant is
// an argument of {now}.
func itemsQuery(d *Dialect, columns string, r notify.Recipient, q notify.ItemQuery, now any) (string, []any) {
	order, limit := ` ORDER BY i.filed DESC, i.id DESC`, ""
	if q.Ascending {
		order = ` ORDER BY i.filed, i.id`
	}
	if q.Limit > 0 {
		limit = ` LIMIT ` + strconv.Itoa(rounded(q.Limit))
	}
	join := ` JOIN {notification} n ON n.id = i.notification `
	if len(q.IDs) > 0 {
		q.State = notify.StateAll
		where, args := itemsWhere(r, q, now)
		text := `SELECT ` + columns + ` FROM (` + placesOf + `) p CROSS JOIN {item} i` + join + `WHERE i.notification = p.notification AND ` + where
		return text + order + limit, append(placesArgs(r, q.IDs), args...)
	}
	where, args := itemsWhere(r, q, now)
	if d.Done == "" || q.State == notify.StateUnread || q.State == notify.StateArchived {
		return `SELECT ` + columns + ` FROM {item} i` + join + `WHERE ` + where + order + limit, args
	}
	// Each of two indexes gives its own first ones.
	first := func(part string) string {
		return `(SELECT i.* FROM {item} i WHERE ` + part + ` AND ` + where + order + limit + `)`
	}
	return `SELECT ` + columns + ` FROM (` + first(d.Unread) + ` UNION ALL ` + first(d.Done) + `) i` + join + order + limit, slices.Concat(args, args)
}

func itemsWhere(r notify.Recipient, q notify.ItemQuery, now any) (string, []any) {
	var b strings.Builder
	b.WriteString(`i.tenant = ? AND i.recipient = ?`)
	args := []any{r.Tenant, r.ID}
	and := func(condition string, values ...any) {
		b.WriteString(" AND " + condition)
		args = append(args, values...)
	}
	condition, values := inState(q.State, now)
	and(condition, values...)
	if q.Provider != "" {
		and(`i.provider = ?`, q.Provider)
	}
	if q.Before != (notify.Position{}) {
		and(`i.filed <= ? AND (i.filed, i.id) < (?, ?)`, micros(q.Before.Filed), micros(q.Before.Filed), q.Before.ID)
	}
	if q.After != (notify.Position{}) {
		and(`i.filed >= ? AND (i.filed, i.id) > (?, ?)`, micros(q.After.Filed), micros(q.After.Filed), q.After.ID)
	}
	return b.String(), args
}

// inState is the condition for the items of a state.
func inState(state notify.State, now any) (string, []any) {
	switch state {
	case notify.StateUnread:
		return `i.read_at = 0 AND i.archived = 0 AND i.snoozed <= {now}`, []any{now}
	case notify.StateArchived:
		return `i.archived <> 0`, nil
	case notify.StateSnoozed:
		return `i.snoozed > {now}`, []any{now}
	case notify.StateAll:
		return `1 = 1`, nil
	}
	return `i.archived = 0 AND i.snoozed <= {now}`, []any{now}
}

// scanItem reads itemColumns, and what was selected after them.
func scanItem(r row, more ...any) (notify.Item, error) {
	var it notify.Item
	var p packed
	var filed, seen, read, archived, snoozed int64
	err := r.Scan(slices.Concat([]any{
		scanID(&it.ID), &it.Recipient.Tenant, &it.Recipient.ID, scanID(&it.NotificationID), &filed, &seen, &read, &archived, &snoozed, &it.Repeats,
	}, p.scan(), more)...)
	if err != nil {
		return it, err
	}
	it.Filed, it.Seen, it.Read = instant(filed), instant(seen), instant(read)
	it.Archived, it.Snoozed = instant(archived), instant(snoozed)
	if it.Notification, err = p.unpack(); err != nil {
		return it, fmt.Errorf("item %s: %w", it.ID, err)
	}
	return it, nil
}
