package sqlstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/bellwether-go/notify"
)

const (
	selectPlan = `SELECT p.tenant, p.recipient, p.channel, p.next_cut, p.last_cut FROM {plan} p WHERE p.tenant = ? AND p.recipient = ? AND p.channel = ? {locked}`
	updatePlan = `UPDATE {plan} SET next_cut = ?, last_cut = ? WHERE tenant = ? AND recipient = ? AND channel = ?`

	selectDigests = `SELECT id FROM {task} WHERE queue = 1 AND kind = 'digest' AND tenant = ? AND recipient = ? AND channel = ?`
	selectEarlier = `SELECT ` + taskColumns + ` FROM {rows held:id} {join} {task} t {key task} ON t.id = r.held WHERE leased_until = 0 AND unknown = 0 {locked t}`

	dropEntries   = `DELETE FROM {entry} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = {none} AND filed < ?`
	bindEntries   = `UPDATE {entry} SET digest = ? WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = {none} AND filed < ?`
	rebindEntries = `UPDATE {entry} SET digest = ? WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = ?`
	anyEntry      = `SELECT 1 FROM {entry} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = {none} LIMIT 1`
)

// OpenDigests implements [notify.DigestStore]. An earlier digest whose lease
// has expired counts as leased: its letter may be out.
func (s *Store) OpenDigests(ctx context.Context, openings []notify.Opening) error {
	if len(openings) == 0 {
		return nil
	}
	ordered := slices.Clone(openings)
	slices.SortStableFunc(ordered, func(a, b notify.Opening) int {
		return cmp.Or(compareRecipients(a.Plan.Recipient, b.Plan.Recipient), cmp.Compare(a.Plan.Channel, b.Plan.Channel))
	})
	return s.write(ctx, "open digests", func(ctx context.Context, t *tx) error {
		for _, o := range ordered {
			if err := t.open(ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) open(ctx context.Context, o notify.Opening) error {
	of := []any{o.Plan.Recipient.Tenant, o.Plan.Recipient.ID, o.Plan.Channel}
	asRead := false
	err := t.query(ctx, selectPlan, func(r row) error {
		p, err := scanPlan(r)
		asRead = p.NextCut.Equal(stored(o.Plan.NextCut)) && p.LastCut.Equal(stored(o.Plan.LastCut))
		return err
	}, of...)
	if err != nil || !asRead {
		return err
	}
	next, last := micros(o.NextCut), micros(o.Plan.LastCut)
	if !o.Cut.IsZero() {
		if err := t.openRun(ctx, o, of); err != nil {
			return err
		}
		last = micros(o.Cut)
		left := false
		err := t.query(ctx, anyEntry, func(row) error { left = true; return nil }, of...)
		if err != nil {
			return err
		}
		if !left {
			next = 0
		}
	}
	_, err = t.exec(ctx, updatePlan, append([]any{next, last}, of...)...)
	return err
}

// openRun binds what was filed in the window, and what an earlier digest had
// bound that nobody has begun, to a new one.
func (t *tx) openRun(ctx context.Context, o notify.Opening, of []any) error {
	cut := micros(o.Cut)
	if _, err := t.exec(ctx, dropEntries, append(slices.Clone(of), min(micros(o.Oldest), cut))...); err != nil {
		return err
	}
	id := o.Task.ID
	bound, err := t.exec(ctx, bindEntries, append(append([]any{id}, of...), cut)...)
	if err != nil {
		return err
	}
	superseded, err := t.supersede(ctx, id, of)
	if err != nil {
		return err
	}
	if bound+superseded == 0 {
		return nil
	}
	o.Task.Kind, o.Task.Channel = notify.KindDigest, o.Plan.Channel
	task := newTask(o.Task, o.Plan.Recipient, "", "", 0, t.now)
	task.Cut, task.From = stored(o.Cut), stored(o.From)
	return t.insertTasks(ctx, []taskRow{task})
}

// supersede closes earlier digests and returns how many entries changed over.
func (t *tx) supersede(ctx context.Context, id notify.ID, of []any) (int64, error) {
	digests, err := t.ids(ctx, selectDigests, of...)
	if err != nil || len(digests) == 0 {
		return 0, err
	}
	var earlier []taskRow
	err = t.query(ctx, selectEarlier, func(r row) error {
		k, err := scanTask(r)
		k.status, k.reason = notify.StatusSkipped, "superseded"
		earlier = append(earlier, k)
		return err
	}, idRows(digests))
	if err != nil || len(earlier) == 0 {
		return 0, err
	}
	var moved int64
	for _, k := range earlier {
		n, err := t.exec(ctx, rebindEntries, append(append([]any{id}, of...), k.ID)...)
		if err != nil {
			return 0, err
		}
		moved += n
	}
	if err := t.record(ctx, earlier); err != nil {
		return 0, err
	}
	return moved, t.deleteTasks(ctx, taskIDs(earlier))
}
