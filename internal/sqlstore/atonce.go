package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
)

// acceptAtOnce stores a batch by one statement where the database has one for
// it, and the batch is of the simple sort that most are. What it leaves out,
// because a key was taken, it returns by place in the batch. An acceptance
// without a key that is there already is one of our own, sent twice by the
// driver after a connection broke.
func (s *Store) acceptAtOnce(ctx context.Context, on querier, batch []notify.Acceptance) (receipts []notify.Receipt, left []int, err error) {
	args, err := s.atOnce(batch)
	if err != nil {
		return nil, nil, err
	}
	inserted := make(map[notify.ID]int64, len(batch))
	erased := ""
	err = on.query(ctx, s.d.AcceptAtOnce, func(r row) error {
		var id notify.ID
		var filed int64
		err := r.Scan(scanID(&id), &filed, &erased)
		inserted[id] = filed
		return err
	}, args...)
	if err != nil {
		return nil, nil, err
	}
	dropped := func(f notify.Filing) bool { return erased != "" && strings.Contains(erased, tombstone(f.Recipient)) }
	receipts = make([]notify.Receipt, len(batch))
	for i, a := range batch {
		filed, ok := inserted[a.ID]
		receipts[i].ID = a.ID
		switch {
		case a.Notification.Key != "" && !ok:
			left = append(left, i)
		case a.Task == nil && !slices.ContainsFunc(a.Filings, dropped):
			receipts[i].Filed = instant(filed)
		}
	}
	return receipts, left, nil
}

// acceptAtOnce does so in a transaction of the host, and answers for keys that
// were taken, too.
func (t *tx) acceptAtOnce(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	receipts, left, err := t.s.acceptAtOnce(ctx, t, batch)
	if err != nil {
		return nil, err
	}
	return receipts, t.answer(ctx, batch, receipts, left)
}

// canDefer tells whether a batch is what [Dialect].DeferAtOnce stores.
func (s *Store) canDefer(batch []notify.Acceptance) bool {
	if s.d.DeferAtOnce == "" || len(batch) != 1 || len(batch[0].Filings) > 0 {
		return false
	}
	task := batch[0].Task
	return task != nil && task.Wait == 0 && task.Lease == 0 && !task.Forced && (batch[0].Notification.Key == "" || !s.d.Inexact)
}

// deferAtOnce stores what canDefer says, with as little as possible within the
// host's transaction.
func (t *tx) deferAtOnce(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	a := batch[0]
	row, err := notificationRow(a, 0)
	if err != nil {
		return nil, err
	}
	args := append([]any{t.s.at()}, row...)
	inserted, err := t.exec(ctx, t.s.d.DeferAtOnce, append(args, a.Task.ID, a.Task.Channel, int(a.Task.Lane), a.Task.Bucket, micros(a.Task.NotBefore))...)
	if err != nil {
		return nil, err
	}
	receipts := []notify.Receipt{{ID: a.ID}}
	if inserted > 0 || a.Notification.Key == "" {
		return receipts, nil
	}
	return receipts, t.answer(ctx, batch, receipts, []int{0})
}

// answer completes the receipts of those, by place in the batch, whose keys were
// taken.
func (t *tx) answer(ctx context.Context, batch []notify.Acceptance, receipts []notify.Receipt, left []int) error {
	if len(left) == 0 {
		return nil
	}
	firsts, err := t.firsts(ctx, batch)
	if err != nil {
		return err
	}
	for _, i := range left {
		n := batch[i].Notification
		f, ok := firsts[dedupKey{n.Tenant, n.Provider, n.Key}]
		if !ok {
			return errors.New("the notification that had the key has just been removed: repeat the transaction")
		}
		receipts[i] = f.receipt(batch[i].Fingerprint)
	}
	return nil
}

// isSimple tells whether a batch needs nothing of what is stored: no collapse
// key, no plan of digests, nobody twice.
func isSimple(batch []notify.Acceptance) bool {
	for _, a := range batch {
		if a.Notification.CollapseKey != "" {
			return false
		}
		for i, f := range a.Filings {
			if len(f.Entries) > 0 || i > 0 && compareRecipients(a.Filings[i-1].Recipient, f.Recipient) >= 0 {
				return false
			}
		}
	}
	return len(batch) > 0
}

// atOnce makes the arguments of [Dialect].AcceptAtOnce.
func (s *Store) atOnce(batch []notify.Acceptance) ([]any, error) {
	var notifications, hashes, items, tasks, ids rowset
	for _, a := range batch {
		n := a.Notification
		row, err := notificationRow(a, 0)
		if err != nil {
			return nil, err
		}
		notifications = append(notifications, row)
		ids = append(ids, []any{a.ID})
		if a.Task != nil {
			tasks = append(tasks, atOnceTask(*a.Task, notify.Recipient{Tenant: n.Tenant}, a.ID, n.Provider, 0, ""))
		}
		for _, f := range a.Filings {
			hash := tombstone(f.Recipient)
			hashes = append(hashes, []any{hash})
			items = append(items, []any{a.ID, f.Recipient.Tenant, f.Recipient.ID, n.Provider, hash})
			for _, task := range f.Tasks {
				tasks = append(tasks, atOnceTask(task, f.Recipient, a.ID, n.Provider, f.PreferencesVersion, hash))
			}
		}
	}
	return []any{s.at(), notifications, hashes, items, tasks, ids}, nil
}

func atOnceTask(n notify.NewTask, r notify.Recipient, notification notify.ID, provider string, preferences int64, hash string) []any {
	return []any{
		queueOf(n.Kind), n.ID, string(n.Kind), r.Tenant, r.ID, notification, provider, n.Channel, int(n.Lane), n.Bucket, n.Forced,
		preferences, n.Wait.Microseconds(), micros(n.NotBefore), n.Lease.Microseconds(), hash,
	}
}
