package sqlstore

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	// selectFiled locks the notification against being withdrawn meanwhile.
	selectFiled  = `SELECT n.accepted, n.withdrawn, n.content FROM {notification} n WHERE n.id = ? {share}`
	moveProgress = `UPDATE {task} SET progress = ? WHERE id = ?`
)

// FanOut implements [notify.Outbox].
func (s *Store) FanOut(ctx context.Context, c notify.Chunk) (at time.Time, withdrawn bool, err error) {
	err = s.write(ctx, "fan out", func(ctx context.Context, t *tx) (err error) {
		at, withdrawn, err = t.fanOut(ctx, c)
		return err
	})
	if err != nil {
		return time.Time{}, false, err
	}
	return at, withdrawn, nil
}

func (t *tx) fanOut(ctx context.Context, c notify.Chunk) (at time.Time, withdrawn bool, err error) {
	rows, _, err := t.held(ctx, []notify.Lease{c.Task})
	if err != nil {
		return at, false, err
	}
	k, ok := rows.of(c.Task)
	if !ok || k.Kind != notify.KindFanOut {
		return at, false, notify.ErrLeaseLost
	}
	of, withdrawn, err := t.filed(ctx, k)
	if err != nil {
		return at, false, err
	}
	if withdrawn {
		return at, true, t.endFanOut(ctx, k)
	}
	filings := make([]filing, len(c.Filings))
	for i := range c.Filings {
		filings[i] = filing{of, &c.Filings[i]}
	}
	if err := t.file(ctx, filings, nil, false); err != nil {
		return at, false, err
	}
	at = of.at(len(filings), t.now)
	if err := t.record(ctx, rejected(c.Rejected, k, t.now)); err != nil {
		return at, false, err
	}
	if c.Done {
		return at, false, t.endFanOut(ctx, k)
	}
	_, err = t.exec(ctx, moveProgress, c.Cursor, k.ID)
	return at, false, err
}

// filed reads the notification of a fan-out. One that is gone counts as
// withdrawn: there is nothing to file.
func (t *tx) filed(ctx context.Context, k taskRow) (of *filed, withdrawn bool, err error) {
	of, withdrawn = &filed{id: k.Notification, provider: k.Provider}, true
	err = t.query(ctx, selectFiled, func(r row) error {
		var at int64
		var p packed
		if err := r.Scan(&of.accepted, &at, &p.document); err != nil {
			return err
		}
		withdrawn = at != 0
		n, err := p.unpack()
		of.collapse = n.CollapseKey
		return err
	}, k.Notification)
	return of, withdrawn, err
}

// endFanOut removes the task and the recipients kept for it.
func (t *tx) endFanOut(ctx context.Context, k taskRow) error {
	if err := t.deleteTasks(ctx, []notify.ID{k.ID}); err != nil {
		return err
	}
	_, err := t.exec(ctx, forgetRecipients, idRows([]notify.ID{k.Notification}))
	return err
}

// rejected makes records of recipients that could not be filed. They have no
// kind, because there is no work to do again.
func rejected(rejections []notify.Rejection, k taskRow, now int64) []taskRow {
	records := make([]taskRow, len(rejections))
	for i, r := range rejections {
		records[i] = taskRow{
			Task: notify.Task{
				ID: r.ID, Recipient: r.Recipient, Notification: k.Notification, Provider: k.Provider,
				Channel: notify.Interface, Filed: instant(now),
			},
			status: notify.StatusDead, reason: r.Reason,
		}
	}
	return records
}
