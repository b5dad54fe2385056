package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	insertItems = `INSERT INTO {item} (tenant, recipient, filed, id, notification, provider, slot, seen, read_at, archived, snoozed, repeats)
SELECT tenant, recipient, filed, id, notification, provider, slot, 0, 0, 0, 0, repeats
FROM {rows tenant:text recipient:text filed:int id:id notification:id provider:text slot:text repeats:int} WHERE 1 = 1`

	insertEntries = `INSERT INTO {entry} (tenant, recipient, channel, digest, filed, item, notification, provider, preferences)
SELECT tenant, recipient, channel, {none}, filed, item, notification, provider, preferences
FROM {rows tenant:text recipient:text channel:text filed:int item:id notification:id provider:text preferences:int} WHERE 1 = 1`
)

// filed is a notification that is being filed.
type filed struct {
	id       notify.ID
	provider string
	collapse string
	accepted int64
	placed   int // filings that were not dropped
}

// at is the instant of all its filings, if none was dropped and none may have
// gone into an item that was there.
func (of *filed) at(filings int, now int64) time.Time {
	if of.collapse != "" || of.placed < filings {
		return time.Time{}
	}
	return instant(now)
}

// filing is one recipient's part in it.
type filing struct {
	of *filed
	*notify.Filing
}

// file writes the filings, in the order in which they came where they meet, and
// puts their tasks and the given ones into the outbox. Fresh notifications were
// inserted in this transaction.
func (t *tx) file(ctx context.Context, filings []filing, tasks []taskRow, fresh bool) error {
	filings, err := t.withoutErased(ctx, filings)
	if err != nil {
		return err
	}
	// Writers that lock rows meet no deadlock when all go by recipient.
	slices.SortStableFunc(filings, func(a, b filing) int { return compareRecipients(a.Recipient, b.Recipient) })
	placed, err := t.place(ctx, filings, fresh)
	if err != nil {
		return err
	}
	var entries, plans rowset
	for _, p := range placed {
		r := p.Recipient
		p.of.placed++
		for _, task := range p.Tasks {
			tasks = append(tasks, newTask(task, r, p.of.id, p.of.provider, p.PreferencesVersion, t.now))
		}
		for _, e := range p.Entries {
			entries = append(entries, []any{r.Tenant, r.ID, e.Channel, t.now, p.item, p.of.id, p.of.provider, p.PreferencesVersion})
			plans = append(plans, []any{r.Tenant, r.ID, e.Channel, micros(e.NextCut)})
		}
	}
	if err := t.insertTasks(ctx, tasks); err != nil || len(entries) == 0 {
		return err
	}
	if _, err := t.exec(ctx, insertEntries, entries); err != nil {
		return err
	}
	return t.plan(ctx, plans)
}

// plan plans a cut where none is planned. Rows are tenant, recipient, channel
// and next cut; of several for one plan the first counts.
func (t *tx) plan(ctx context.Context, plans rowset) error {
	if len(plans) == 0 {
		return nil
	}
	compare := func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[0].(string), b[0].(string)), cmp.Compare(a[1].(string), b[1].(string)), cmp.Compare(a[2].(string), b[2].(string)))
	}
	slices.SortStableFunc(plans, compare)
	plans = slices.CompactFunc(plans, func(a, b []any) bool { return compare(a, b) == 0 })
	_, err := t.exec(ctx, t.s.d.UpsertPlan, plans)
	return err
}

// compareRecipients is the order in which rows are written.
func compareRecipients(a, b notify.Recipient) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
}
