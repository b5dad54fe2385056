package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bellwether-go/notify"
)

// pgReading measures the reads of an open page against the same by hand: the
// hand-written count and page go to the server in one trip.
var pgReading = []comparison{
	pgInboxes("PostgreSQL, counts of one of 1,000 inboxes of 100, against a hand-written count", 1/1.2, (*handInboxes).count,
		func(ctx context.Context, in notify.Inbox) error {
			_, err := in.Counts(ctx)
			return err
		}),
	pgInboxes("PostgreSQL, counts and first page, against both in one hand-written trip", 1/1.15, (*handInboxes).page,
		func(ctx context.Context, in notify.Inbox) error {
			_, err := in.Page(ctx, notify.Query{Limit: pageSize})
			return err
		}),
}

const (
	pgReaders   = 1000
	pgInboxSize = 100
)

func pgInboxes(name string, goal float64, hand func(*handInboxes, context.Context, string) error, ours func(context.Context, notify.Inbox) error) comparison {
	return comparison{name: name, goal: goal, servers: []*server{postgresServer}, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		h, err := openHandInboxes(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		c, err := fillPG(ctx)
		if err != nil {
			return nil, nil, nil, errors.Join(err, h.Close())
		}
		of := func(read func(context.Context, string) error) turn {
			return func(ctx context.Context, slice time.Duration) (float64, error) {
				return repeat(ctx, slice, 1, func(ctx context.Context, number int64) error {
					return read(ctx, recipientID(0, int(number*31)%pgReaders))
				})
			}
		}
		return of(func(ctx context.Context, user string) error { return hand(h, ctx, user) }),
			of(func(ctx context.Context, user string) error { return ours(ctx, c.notifier.Inbox(notify.User(user))) }),
			func() {
				h.Close()
				c.Close()
			}, nil
	}}
}

// fillPG gives everybody a hundred items, of which the newest twenty are unread.
func fillPG(ctx context.Context) (*center, error) {
	c, err := postgresServer.center(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	for i := range pgInboxSize / min(scale, 4) {
		if err := c.Send(ctx, 0, pgReaders); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		if err := c.notifier.Drain(ctx); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		if i != pgInboxSize/min(scale, 4)-21 {
			continue
		}
		for r := range pgReaders / scale {
			in := c.notifier.Inbox(notify.User(recipientID(0, r)))
			page, err := in.Page(ctx, notify.Query{Limit: 1})
			if err == nil {
				_, err = in.Mark(ctx, notify.Mark{Op: notify.OpRead, UpTo: page.Head})
			}
			if err != nil {
				return nil, errors.Join(err, c.Close())
			}
		}
	}
	_, err = c.db.ExecContext(ctx, `VACUUM ANALYZE notify_item, notify_notification`)
	return c, err
}

// handInboxes has the same items, read through a pool of pgx itself.
type handInboxes struct {
	*place
	pool *pgxpool.Pool
}

func openHandInboxes(ctx context.Context) (*handInboxes, error) {
	p, err := postgresServer.newPlace(ctx)
	if err != nil {
		return nil, err
	}
	h := &handInboxes{place: p}
	_, err = p.db.ExecContext(ctx, handPGSchema+fmt.Sprintf(`
		INSERT INTO note (provider, title, body) SELECT 'billing', '%s', '%s' FROM generate_series(1, %d);
		INSERT INTO item (recipient, note, read_at) SELECT 'user-' || u, n, CASE WHEN n <= %d THEN now() END
			FROM generate_series(1, %d) n, generate_series(0, %d) u`, title, body, pgInboxSize, pgInboxSize-20, pgInboxSize, pgReaders-1))
	if err == nil {
		_, err = p.db.ExecContext(ctx, `VACUUM ANALYZE item, note`)
	}
	if err == nil {
		h.pool, err = pgxpool.New(ctx, p.dsn)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *handInboxes) Close() error {
	if h.pool != nil {
		h.pool.Close()
	}
	return h.place.Close()
}

const (
	handCount = `SELECT count(*) FROM (SELECT 1 FROM item WHERE recipient = $1 AND read_at IS NULL LIMIT 10000) unread`
	handPage  = `SELECT i.id, i.filed, i.read_at, n.provider, n.title, n.body FROM item i JOIN note n ON n.id = i.note
		WHERE i.recipient = $1 ORDER BY i.id DESC LIMIT 20`
)

func (h *handInboxes) count(ctx context.Context, user string) error {
	var unread int
	return h.pool.QueryRow(ctx, handCount, user).Scan(&unread)
}

func (h *handInboxes) page(ctx context.Context, user string) error {
	batch := &pgx.Batch{}
	batch.Queue(handCount, user)
	batch.Queue(handPage, user)
	results := h.pool.SendBatch(ctx, batch)
	defer results.Close()
	var unread int
	if err := results.QueryRow().Scan(&unread); err != nil {
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID                    int64
		Filed                 time.Time
		Read                  *time.Time
		Provider, Title, Body string
	}])
	return err
}
