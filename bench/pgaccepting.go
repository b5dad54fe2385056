package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

// pgAccepting measures Send on PostgreSQL until it returns; no worker runs.
var pgAccepting = []comparison{
	onServer(postgresServer, "PostgreSQL, one sender, one recipient, against one statement of two rows", 0.7,
		sends(openHandPG(handPGTwoRows), 1, 1), sends(openPG(false), 1, 1)),
	onServer(postgresServer, "PostgreSQL, 32 senders, one delivery each, against a transaction each", 3.3,
		sends(openHandPG(handPGThreeRows), 32, 1), sends(openPG(true), 32, 1)),
	onServer(postgresServer, "PostgreSQL, 256 senders, one delivery each, against a transaction each", 6,
		sends(openHandPG(handPGThreeRows), 256, 1), sends(openPG(true), 256, 1)),
	onServer(postgresServer, "PostgreSQL, 32 senders, a quarter replays by key, against none", 0.85,
		sends(openKeyed(0), 32, 1), sends(openKeyed(4), 32, 1)),
	onServer(postgresServer, "PostgreSQL, host transactions with SendTx at 8 connections, against bare ones", 0.6,
		sends(openOrders(false), 8, 1), sends(openOrders(true), 8, 1)),
	onServer(postgresServer, "PostgreSQL, one sender, 100 recipients (items), against COPY of full rows", 1,
		sends(openHandPG(handPGTwoRows), 1, 100), sends(openPG(false), 1, 100)),
	onServer(postgresServer, "PostgreSQL, fan-out to 10,000 (items), against COPY of full rows", 0.65,
		sends(openHandPG(handPGTwoRows), 1, 10_000), sends(openDrained, 1, 10_000)),
}

// sends counts the recipients who were sent to in a second, with new tables and
// a warm-up.
func sends(open func(context.Context) (candidate, error), senders, recipients int) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		c, err := open(ctx)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		send := func(ctx context.Context, number int64) error { return c.Send(ctx, number, recipients) }
		if _, err := repeat(ctx, slice/5, senders, send); err != nil {
			return 0, err
		}
		perSecond, err := repeat(ctx, slice, senders, send)
		return perSecond * float64(recipients), err
	}
}

func openPG(deliveries bool) func(context.Context) (candidate, error) {
	return openOn(postgresServer, deliveries)
}

func openOn(s *server, deliveries bool) func(context.Context) (candidate, error) {
	return func(ctx context.Context) (candidate, error) {
		opts := &notify.Options{}
		if deliveries {
			opts.Channels = []notify.Channel{immediately{}}
		}
		return s.center(ctx, nil, opts)
	}
}

// drained files what was sent to many before it returns.
type drained struct{ *center }

func openDrained(ctx context.Context) (candidate, error) {
	c, err := postgresServer.center(ctx, nil, nil)
	return drained{c}, err
}

func (d drained) Send(ctx context.Context, number int64, recipients int) error {
	if err := d.center.Send(ctx, number, recipients); err != nil {
		return err
	}
	return d.notifier.Drain(ctx)
}

// keyed sends with keys, of which one in so many has been there; 0 is none.
type keyed struct {
	*center
	oneIn int64
}

func openKeyed(oneIn int64) func(context.Context) (candidate, error) {
	return func(ctx context.Context) (candidate, error) {
		c, err := postgresServer.center(ctx, nil, &notify.Options{Channels: []notify.Channel{immediately{}}})
		return keyed{c, oneIn}, err
	}
}

func (k keyed) Send(ctx context.Context, number int64, _ int) error {
	if k.oneIn > 0 && number%k.oneIn == 0 {
		number -= 64*k.oneIn - 1 // behind what is still under way
	}
	_, err := k.notifier.Send(ctx, notify.Notification{
		Provider: "billing", To: []notify.Recipient{notify.User(recipientID(number, 0))}, Title: title, Body: body,
		Key: fmt.Sprint("invoice-", number),
	})
	return err
}

// orders is a host: its transactions write two rows, with a notification or without.
type orders struct {
	*center
	notifies bool
}

func openOrders(notifies bool) func(context.Context) (candidate, error) {
	return func(ctx context.Context) (candidate, error) {
		c, err := postgresServer.center(ctx, nil, &notify.Options{Channels: []notify.Channel{immediately{}}})
		if err != nil {
			return nil, err
		}
		_, err = c.db.ExecContext(ctx, `CREATE TABLE orders (id bigint PRIMARY KEY, customer text NOT NULL);
			CREATE TABLE line (orders bigint NOT NULL, text text NOT NULL)`)
		c.db.SetMaxOpenConns(8)
		return orders{c, notifies}, err
	}
}

func (o orders) Send(ctx context.Context, number int64, _ int) error {
	tx, err := o.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := o.order(ctx, tx, number); err != nil {
		return err
	}
	return tx.Commit()
}

func (o orders) order(ctx context.Context, tx *sql.Tx, number int64) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO orders VALUES ($1, $2)`, number, recipientID(number, 0)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO line VALUES ($1, $2)`, number, title); err != nil {
		return err
	}
	if !o.notifies {
		return nil
	}
	_, err := o.notifier.SendTx(ctx, o.bind(tx), notify.Notification{
		Provider: "billing", To: []notify.Recipient{notify.User(recipientID(number, 0))}, Title: title, Body: body,
	})
	return err
}
