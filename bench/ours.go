package main

import (
	"context"
	"database/sql"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/sqlite"
)

var cases = []benchCase{
	{"SQLite, one sender, one recipient", 1, 1, openHandSQL(false), openSQLite(false)},
	{"SQLite, one sender, one recipient, one delivery", 1, 1, openHandSQL(true), openSQLite(true)},
	{"SQLite, 32 senders, one recipient, one delivery", 32, 1, openHandSQL(true), openSQLite(true)},
	{"SQLite, one sender, 100 recipients (items per second)", 1, 100, openHandSQL(false), openSQLite(false)},
	{"memory, one sender, one recipient", 1, 1, openHandMap, openMemory},
	{"memory, one sender, 100 recipients (items per second)", 1, 100, openHandMap, openMemory},
}

// connections is the size of the host's pool. The default keeps two, and opens
// and closes one for nearly every reader above that.
const connections = 4

// center is the library as a host uses it.
type center struct {
	notifier *notify.Notifier
	db       *sql.DB
}

func openSQLite(deliveries bool) func(context.Context, string) (candidate, error) {
	return func(ctx context.Context, file string) (candidate, error) {
		db, err := sql.Open("sqlite", dsn(file))
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(connections)
		db.SetMaxIdleConns(connections)
		if err := sqlite.Migrate(ctx, db, nil); err != nil {
			return nil, err
		}
		store, err := sqlite.New(db, nil)
		if err != nil {
			return nil, err
		}
		return openCenter(store, db, deliveries)
	}
}

func openMemory(context.Context, string) (candidate, error) {
	return openCenter(memory.New(nil), nil, false)
}

func openCenter(store notify.Store, db *sql.DB, deliveries bool) (candidate, error) {
	opts := &notify.Options{}
	if deliveries {
		opts.Channels = []notify.Channel{nowhere{}}
	}
	notifier, err := notify.New(store, opts)
	if err != nil {
		return nil, err
	}
	return &center{notifier, db}, nil
}

func (c *center) Send(ctx context.Context, sequence int64, recipients int) error {
	to := make([]notify.Recipient, recipients)
	for i := range to {
		to[i] = notify.User(recipientID(sequence, i))
	}
	_, err := c.notifier.Send(ctx, notify.Notification{Provider: "billing", To: to, Title: title, Body: body})
	return err
}

func (c *center) Close() error {
	if c.db == nil {
		return nil
	}
	return c.db.Close()
}

// nowhere is a channel that only makes the library store deliveries: no worker
// runs in these measurements.
type nowhere struct{}

func (nowhere) Name() string                                   { return "email" }
func (nowhere) Addressless() bool                              { return true }
func (nowhere) Deliver(context.Context, notify.Delivery) error { return nil }
