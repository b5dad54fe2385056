package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// The queues of the outbox.
const (
	queueFanOuts    = 0 // fan-outs and sweeps
	queueDeliveries = 1 // deliveries and digests
)

func queueOf(k notify.Kind) int {
	if k == notify.KindFanOut || k == notify.KindSweep {
		return queueFanOuts
	}
	return queueDeliveries
}

// taskRow is a row of the outbox.
type taskRow struct {
	notify.Task
	leasedUntil   int64
	reason, error string
	status        notify.Status // once it has ended
}

const (
	taskColumns = `id, kind, tenant, recipient, notification, provider, channel, lane, bucket, forced, preferences, filed, due, leased_until, epoch, attempts, accepted, unknown, progress, cut, cut_from, reason, error`

	insertTasks = `INSERT INTO {task} (queue, ` + taskColumns + `)
SELECT queue, ` + taskColumns + `
FROM {rows queue:int id:id kind:text tenant:text recipient:text notification:id provider:text channel:text lane:int bucket:int forced:int preferences:int filed:int due:int leased_until:int epoch:int attempts:int accepted:long unknown:int progress:long cut:int cut_from:int reason:long error:long} WHERE 1 = 1`

	selectTasks = `SELECT ` + taskColumns + ` FROM {rows held:id} {join} {task} t {key task} ON t.id = r.held ORDER BY id {locked t}`

	deleteTasks = `{delete task id:id}`
)

// newTask makes the row of a task that is filed now.
func newTask(n notify.NewTask, r notify.Recipient, notification notify.ID, provider string, preferences, now int64) taskRow {
	row := taskRow{Task: notify.Task{
		ID: n.ID, Kind: n.Kind, Recipient: r, Notification: notification, Provider: provider,
		Channel: n.Channel, Lane: n.Lane, Bucket: n.Bucket, Forced: n.Forced, PreferencesVersion: preferences,
		Filed: instant(now), Due: instant(max(now+n.Wait.Microseconds(), micros(n.NotBefore))),
	}}
	if n.Lease > 0 {
		row.leasedUntil = now + n.Lease.Microseconds()
		row.Epoch = 1
	}
	return row
}

// insertTasks puts tasks into the outbox.
func (t *tx) insertTasks(ctx context.Context, tasks []taskRow) error {
	if len(tasks) == 0 {
		return nil
	}
	rows := make(rowset, len(tasks))
	for i, k := range tasks {
		accepted, err := packList(k.Accepted)
		if err != nil {
			return err
		}
		rows[i] = []any{
			queueOf(k.Kind), k.ID, string(k.Kind), k.Recipient.Tenant, k.Recipient.ID, k.Notification, k.Provider, k.Channel,
			int(k.Lane), k.Bucket, k.Forced, k.PreferencesVersion, micros(k.Filed), micros(k.Due), k.leasedUntil, k.Epoch, k.Attempts,
			accepted, k.Unknown, k.Cursor, micros(k.Cut), micros(k.From), k.reason, k.error,
		}
	}
	_, err := t.exec(ctx, insertTasks, rows)
	return err
}

// deleteTasks takes tasks out of the outbox.
func (t *tx) deleteTasks(ctx context.Context, of []notify.ID) error {
	if len(of) == 0 {
		return nil
	}
	_, err := t.exec(ctx, deleteTasks, idRows(of))
	return err
}

// scanTask reads taskColumns, and what follows them into more.
func scanTask(r row, more ...any) (taskRow, error) {
	var k taskRow
	var filed, due, cut, from int64
	var accepted string
	err := r.Scan(append([]any{
		scanID(&k.ID), &k.Kind, &k.Recipient.Tenant, &k.Recipient.ID, scanID(&k.Notification), &k.Provider, &k.Channel,
		&k.Lane, &k.Bucket, &k.Forced, &k.PreferencesVersion, &filed, &due, &k.leasedUntil, &k.Epoch, &k.Attempts,
		&accepted, &k.Unknown, &k.Cursor, &cut, &from, &k.reason, &k.error,
	}, more...)...)
	if err != nil {
		return k, err
	}
	k.Filed, k.Due, k.Cut, k.From = instant(filed), instant(due), instant(cut), instant(from)
	k.Accepted, err = unpackList(accepted)
	return k, err
}

// heldTasks are the rows of tasks, by id.
type heldTasks map[notify.ID]taskRow

// of returns the task of a lease, if it was not lost or given back.
func (h heldTasks) of(l notify.Lease) (taskRow, bool) {
	k, ok := h[l.ID]
	return k, ok && k.Epoch == l.Epoch && k.leasedUntil != 0
}

// held reads the tasks of leases, locked, and tells which leases were lost.
func (t *tx) held(ctx context.Context, leases []notify.Lease) (rows heldTasks, lost []notify.ID, err error) {
	of := make([]notify.ID, len(leases))
	for i, l := range leases {
		of[i] = l.ID
	}
	slices.Sort(of) // some databases lock in this order, whatever ORDER BY says
	rows = make(heldTasks, len(leases))
	err = t.query(ctx, selectTasks, func(r row) error {
		k, err := scanTask(r)
		rows[k.ID] = k
		return err
	}, idRows(of))
	if err != nil {
		return nil, nil, err
	}
	for _, l := range leases {
		if _, ok := rows.of(l); !ok {
			lost = append(lost, l.ID)
		}
	}
	return rows, lost, nil
}

// packList keeps a list of strings; "" is none.
func packList(list []string) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

func unpackList(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("stored list: %w", err)
	}
	return list, nil
}

// after is the instant d from now.
func (t *tx) after(d time.Duration) int64 { return t.now + d.Microseconds() }
