package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	selectPlans = `SELECT p.tenant, p.recipient, p.channel, p.next_cut, p.last_cut FROM {rows tenant:text recipient:text channel:text} {join} {plan} p {key plan}
ON p.tenant = r.tenant AND p.recipient = r.recipient AND p.channel = r.channel ORDER BY p.tenant, p.recipient, p.channel {locked p}`
	updatePlans = `{update plan tenant:text recipient:text channel:text +upcoming:int +closed:int} SET next_cut = r.upcoming, last_cut = r.closed {those}`

	// countPending counts the entries of each opening that are too old, within its
	// window, and to come.
	countPending = `SELECT r.opened, SUM(CASE WHEN e.filed < r.oldest THEN 1 ELSE 0 END), SUM(CASE WHEN e.filed >= r.oldest AND e.filed < r.cut THEN 1 ELSE 0 END), SUM(CASE WHEN e.filed >= r.cut THEN 1 ELSE 0 END)
FROM {rows tenant:text recipient:text channel:text opened:id oldest:int cut:int} {join} {entry} e {key entry}
ON e.tenant = r.tenant AND e.recipient = r.recipient AND e.channel = r.channel AND e.digest = {none} GROUP BY r.opened`

	dropEntries = `DELETE FROM {entry} WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = {none} AND filed < ?`
	bindEntries = `{update entry tenant:text recipient:text channel:text +opened:id +cut:int} SET digest = r.opened {those} AND digest = {none} AND filed < r.cut`

	selectUnsent = `SELECT DISTINCT t.tenant, t.recipient, t.channel FROM {rows tenant:text recipient:text channel:text} {join} {task} t
ON t.tenant = r.tenant AND t.recipient = r.recipient AND t.channel = r.channel WHERE t.queue = 1 AND t.kind = 'digest'`
	selectDigests = `SELECT id FROM {task} WHERE queue = 1 AND kind = 'digest' AND tenant = ? AND recipient = ? AND channel = ?`
	selectEarlier = `SELECT ` + taskColumns + ` FROM {rows held:id} {join} {task} t {key task} ON t.id = r.held WHERE leased_until = 0 AND unknown = 0 {locked t}`
	rebindEntries = `UPDATE {entry} SET digest = ? WHERE tenant = ? AND recipient = ? AND channel = ? AND digest = ?`
)

// planKey names a plan.
type planKey struct {
	notify.Recipient
	channel string
}

func keyOf(p notify.Plan) planKey { return planKey{p.Recipient, p.Channel} }

func (k planKey) row(more ...any) []any { return append([]any{k.Tenant, k.ID, k.channel}, more...) }

// OpenDigests implements [notify.DigestStore], all of them in one transaction. An
// earlier digest whose lease has expired counts as leased: its letter may be out.
func (s *Store) OpenDigests(ctx context.Context, openings []notify.Opening) error {
	if len(openings) == 0 {
		return nil
	}
	ordered := slices.Clone(openings)
	slices.SortStableFunc(ordered, compareOpenings)
	// After the first for a plan it is not as read any more.
	ordered = slices.CompactFunc(ordered, func(a, b notify.Opening) bool { return compareOpenings(a, b) == 0 })
	return s.write(ctx, "open digests", func(ctx context.Context, t *tx) error {
		open, err := t.asRead(ctx, ordered)
		if err != nil || len(open) == 0 {
			return err
		}
		return t.open(ctx, open)
	})
}

func compareOpenings(a, b notify.Opening) int {
	return cmp.Or(compareRecipients(a.Plan.Recipient, b.Plan.Recipient), cmp.Compare(a.Plan.Channel, b.Plan.Channel))
}

// asRead locks the plans and leaves out those that have changed. Whoever files for
// one of these waits for the lock before its entry can be seen.
func (t *tx) asRead(ctx context.Context, openings []notify.Opening) ([]notify.Opening, error) {
	var rows rowset
	for _, o := range openings {
		rows = append(rows, keyOf(o.Plan).row())
	}
	found := make(map[planKey]notify.Plan, len(openings))
	err := t.query(ctx, selectPlans, func(r row) error {
		p, err := scanPlan(r)
		found[keyOf(p)] = p
		return err
	}, rows)
	return slices.DeleteFunc(slices.Clone(openings), func(o notify.Opening) bool {
		p, there := found[keyOf(o.Plan)]
		return !there || !p.NextCut.Equal(stored(o.Plan.NextCut)) || !p.LastCut.Equal(stored(o.Plan.LastCut))
	}), err
}

func (t *tx) open(ctx context.Context, openings []notify.Opening) error {
	var plans rowset
	var runs []notify.Opening
	for _, o := range openings {
		if o.Cut.IsZero() {
			plans = append(plans, keyOf(o.Plan).row(micros(o.NextCut), micros(o.Plan.LastCut)))
		} else {
			runs = append(runs, o)
		}
	}
	pending, err := t.openRuns(ctx, runs)
	if err != nil {
		return err
	}
	for _, o := range runs {
		next := int64(0)
		if pending[o.Task.ID].left > 0 {
			next = micros(o.NextCut)
		}
		plans = append(plans, keyOf(o.Plan).row(next, micros(o.Cut)))
	}
	_, err = t.exec(ctx, updatePlans, plans)
	return err
}

// waiting is how many entries an opening finds.
type waiting struct{ old, within, left int }

// openRuns binds what was filed in each window, and what an earlier digest had
// bound that nobody has begun, to a new one.
func (t *tx) openRuns(ctx context.Context, runs []notify.Opening) (map[notify.ID]waiting, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	counts, err := t.countPending(ctx, runs)
	if err != nil {
		return nil, err
	}
	unsent, err := t.unsent(ctx, runs)
	if err != nil {
		return nil, err
	}
	var bound rowset
	var tasks []taskRow
	for _, o := range runs {
		n, key := counts[o.Task.ID], keyOf(o.Plan)
		if n.old > 0 {
			if _, err := t.exec(ctx, dropEntries, key.row(micros(oldest(o)))...); err != nil {
				return nil, err
			}
		}
		superseded := int64(0)
		if unsent[key] {
			if superseded, err = t.supersede(ctx, o.Task.ID, key.row()); err != nil {
				return nil, err
			}
		}
		if n.within > 0 {
			bound = append(bound, key.row(o.Task.ID, micros(o.Cut)))
		}
		if int64(n.within)+superseded > 0 {
			tasks = append(tasks, digestTask(o, t.now))
		}
	}
	if len(bound) > 0 {
		if _, err := t.exec(ctx, bindEntries, bound); err != nil {
			return nil, err
		}
	}
	return counts, t.insertTasks(ctx, tasks)
}

func digestTask(o notify.Opening, now int64) taskRow {
	o.Task.Kind, o.Task.Channel = notify.KindDigest, o.Plan.Channel
	task := newTask(o.Task, o.Plan.Recipient, "", "", 0, now)
	task.Cut, task.From = stored(o.Cut), stored(o.From)
	return task
}

func (t *tx) countPending(ctx context.Context, runs []notify.Opening) (map[notify.ID]waiting, error) {
	var rows rowset
	for _, o := range runs {
		rows = append(rows, keyOf(o.Plan).row(o.Task.ID, micros(oldest(o)), micros(o.Cut)))
	}
	counts := make(map[notify.ID]waiting, len(runs))
	return counts, t.query(ctx, countPending, func(r row) error {
		var id notify.ID
		var n waiting
		err := r.Scan(scanID(&id), &n.old, &n.within, &n.left)
		counts[id] = n
		return err
	}, rows)
}

// oldest is from when on entries are in the window.
func oldest(o notify.Opening) time.Time {
	if o.Oldest.Before(o.Cut) {
		return o.Oldest
	}
	return o.Cut
}

// unsent tells which plans have a digest in the outbox.
func (t *tx) unsent(ctx context.Context, runs []notify.Opening) (map[planKey]bool, error) {
	var rows rowset
	for _, o := range runs {
		rows = append(rows, keyOf(o.Plan).row())
	}
	found := map[planKey]bool{}
	return found, t.query(ctx, selectUnsent, func(r row) error {
		var k planKey
		err := r.Scan(&k.Tenant, &k.ID, &k.channel)
		found[k] = true
		return err
	}, rows)
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
