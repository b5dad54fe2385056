package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

const (
	// selectPlaced finds who has an item of the notification already.
	selectPlaced = `SELECT i.tenant, i.recipient, i.notification
FROM {rows notification:id tenant:text recipient:text} JOIN {item} i ON i.notification = r.notification AND i.tenant = r.tenant AND i.recipient = r.recipient`

	// selectFirstPlaced finds items that began with the notification and hold a newer one.
	selectFirstPlaced = `SELECT i.tenant, i.recipient, i.id
FROM {rows notification:id tenant:text recipient:text} JOIN {item} i ON i.id = r.notification AND i.id <> i.notification AND i.tenant = r.tenant AND i.recipient = r.recipient`

	selectSlots = `SELECT i.tenant, i.recipient, i.provider, i.slot, i.id, i.repeats, n.id, n.accepted, n.withdrawn
FROM {rows tenant:text recipient:text provider:text slot:text}
{join} {item} i {key item slot} ON i.tenant = r.tenant AND i.recipient = r.recipient AND i.provider = r.provider AND i.slot = r.slot
{join} {notification} n {key notification} ON n.id = i.notification {locked i}`

	deleteItems = `{delete item notification:id tenant:text recipient:text +id:id}`

	clearSlots = `{update item notification:id tenant:text recipient:text} SET slot = NULL {those}`

	// moveItems has items hold a newer notification.
	moveItems = `{update item notification=was:id tenant:text recipient:text +now:int +newer:id +times:int}
SET notification = r.newer, filed = r.now, seen = 0, snoozed = 0, repeats = r.times {those}`
)

// placed is a filing with the item it went into.
type placed struct {
	filing
	item notify.ID
}

// slot is where items with the same collapse key meet.
type slot struct {
	recipient notify.Recipient
	provider  string
	key       string
}

// holder is the item in a slot: as it is stored, and as it is to be.
type holder struct {
	stored notify.ID // the notification in it; "" if the item is new
	gaveUp bool      // the stored one, because its notification was withdrawn

	id      notify.ID
	of      filed
	repeats int
	row     []any // nil as long as it is as stored
}

// place writes the items. A filing that is dropped is not in the result. Of
// fresh notifications there cannot be an item yet.
func (t *tx) place(ctx context.Context, filings []filing, fresh bool) ([]placed, error) {
	known := map[placeKey]bool{}
	if !fresh {
		if err := t.alreadyPlaced(ctx, filings, known); err != nil {
			return nil, err
		}
	}
	slots, err := t.slots(ctx, filings)
	if err != nil {
		return nil, err
	}
	result := make([]placed, 0, len(filings))
	items := make(rowset, 0, len(filings))
	for _, f := range filings {
		mark := placeKey{f.Recipient, f.of.id}
		if known[mark] {
			continue
		}
		known[mark] = true
		if f.of.collapse == "" {
			items = append(items, newItem(f, f.of.id, nil, 0, t.now))
			result = append(result, placed{f, f.of.id})
			continue
		}
		at := slot{f.Recipient, f.of.provider, f.of.collapse}
		h := slots[at]
		switch {
		case h == nil:
			h = &holder{id: f.of.id}
			slots[at] = h
		case h.gaveUp && h.row == nil:
			h.id, h.repeats = f.of.id, 0
		case older(h.of, *f.of):
			h.repeats++
		default:
			continue // a later one is there already
		}
		h.of = *f.of
		row := newItem(f, h.id, f.of.collapse, h.repeats, t.now)
		switch {
		case h.row != nil:
			copy(h.row, row) // a twin in the same batch
		case h.stored == "" || h.gaveUp:
			h.row = row
			items = append(items, row)
		default:
			h.row = row
		}
		result = append(result, placed{f, h.id})
	}
	return result, t.writeItems(ctx, items, slots)
}

// older tells whether a was accepted before b.
func older(a, b filed) bool {
	return a.accepted < b.accepted || a.accepted == b.accepted && a.id < b.id
}

// newItem is a row of insertItems.
func newItem(f filing, id notify.ID, slot any, repeats int, now int64) []any {
	return []any{f.Recipient.Tenant, f.Recipient.ID, now, id, f.of.id, f.of.provider, slot, repeats}
}

// writeItems writes new items, and those that move up.
func (t *tx) writeItems(ctx context.Context, items rowset, slots map[slot]*holder) error {
	var moved, freed rowset
	for at, h := range slots {
		if h.row == nil || h.stored == "" {
			continue
		}
		key := []any{h.stored, at.recipient.Tenant, at.recipient.ID}
		if h.gaveUp {
			freed = append(freed, key)
		} else {
			moved = append(moved, append(key, t.now, h.of.id, h.repeats))
		}
	}
	for _, step := range []struct {
		text string
		rows rowset
	}{{clearSlots, freed}, {moveItems, moved}, {insertItems, items}} {
		if len(step.rows) == 0 {
			continue
		}
		if _, err := t.exec(ctx, step.text, step.rows); err != nil {
			return err
		}
	}
	return nil
}

// placeKey is what an item is unique by.
type placeKey struct {
	recipient    notify.Recipient
	notification notify.ID
}

// alreadyPlaced finds which filings were filed before.
func (t *tx) alreadyPlaced(ctx context.Context, filings []filing, known map[placeKey]bool) error {
	rows := make(rowset, len(filings))
	for i, f := range filings {
		rows[i] = []any{f.of.id, f.Recipient.Tenant, f.Recipient.ID}
	}
	for _, text := range []string{selectPlaced, selectFirstPlaced} {
		err := t.query(ctx, text, func(r row) error {
			var k placeKey
			if err := r.Scan(&k.recipient.Tenant, &k.recipient.ID, scanID(&k.notification)); err != nil {
				return err
			}
			known[k] = true
			return nil
		}, rows)
		if err != nil {
			return err
		}
	}
	return nil
}

// slots finds who holds the slots that the filings ask for.
func (t *tx) slots(ctx context.Context, filings []filing) (map[slot]*holder, error) {
	found := map[slot]*holder{}
	var rows rowset
	for _, f := range filings {
		if f.of.collapse != "" {
			rows = append(rows, []any{f.Recipient.Tenant, f.Recipient.ID, f.of.provider, f.of.collapse})
		}
	}
	if len(rows) == 0 {
		return found, nil
	}
	err := t.query(ctx, selectSlots, func(r row) error {
		var at slot
		var h holder
		var withdrawn int64
		err := r.Scan(&at.recipient.Tenant, &at.recipient.ID, &at.provider, &at.key,
			scanID(&h.id), &h.repeats, scanID(&h.of.id), &h.of.accepted, &withdrawn)
		if err != nil {
			return err
		}
		h.stored, h.gaveUp = h.of.id, withdrawn != 0
		found[at] = &h
		return nil
	}, rows)
	return found, err
}
