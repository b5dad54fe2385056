package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/sqlite"
)

// connections is the size of the host's pool. The default keeps two, and opens
// and closes one for nearly every reader above that.
const connections = 4

// center is the library as a host uses it.
type center struct {
	notifier *notify.Notifier
	db       *sql.DB
	store    notify.Store                  // on a server
	bind     func(*sql.Tx) notify.Acceptor // on a server
	end      func() error                  // nil if there is nothing to close
}

func openSQLite(deliveries bool) opener {
	return func(ctx context.Context, file string) (candidate, error) {
		opts := &notify.Options{}
		if deliveries {
			opts.Channels = []notify.Channel{immediately{}}
		}
		return openCenter(ctx, file, opts)
	}
}

func openMemory(context.Context, string) (candidate, error) {
	notifier, err := notify.New(memory.New(nil), nil)
	if err != nil {
		return nil, err
	}
	return &center{notifier: notifier}, nil
}

func openCenter(ctx context.Context, file string, opts *notify.Options) (*center, error) {
	return openCenterAt(ctx, file, nil, opts)
}

// openCenterAt has a clock of its own; nil is that of the machine.
func openCenterAt(ctx context.Context, file string, now func() time.Time, opts *notify.Options) (*center, error) {
	db, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := sqlite.Migrate(ctx, db, nil); err != nil {
		return nil, err
	}
	store, err := sqlite.New(db, &sqlite.Options{Now: now})
	if err != nil {
		return nil, err
	}
	notifier, err := notify.New(store, opts)
	if err != nil {
		return nil, err
	}
	return &center{notifier: notifier, db: db, end: db.Close}, nil
}

func (c *center) Send(ctx context.Context, number int64, recipients int) error {
	to := make([]notify.Recipient, recipients)
	for i := range to {
		to[i] = notify.User(recipientID(number, i))
	}
	_, err := c.notifier.Send(ctx, notify.Notification{Provider: "billing", To: to, Title: title, Body: body})
	return err
}

func (c *center) Close() error {
	if c.end == nil {
		return nil
	}
	return c.end()
}

// nowhere is a channel that accepts everything and sends nothing.
type nowhere struct{}

func (nowhere) Name() string                                                        { return "email" }
func (nowhere) Addressless() bool                                                   { return true }
func (nowhere) Deliver(context.Context, notify.Delivery) error                      { return nil }
func (nowhere) DeliverDigest(context.Context, notify.Delivery, notify.Digest) error { return nil }
