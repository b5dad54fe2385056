// Package sqlite keeps the notification center in a SQLite database of the
// host, through the host's own *sql.DB: it imports no driver. It is written and
// tested with modernc.org/sqlite.
//
// Call [Migrate] once, then [New]. A database file in WAL mode is recommended,
// with transactions of the host that begin immediate:
//
//	file:app.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate
//
// None of that is required. Whatever the host has set, the store's own writes
// wait for one another, run at synchronous=FULL so that what was accepted
// survives a loss of power, last at most ten seconds, and leave the connection
// as it was. The journal mode is the host's. A file on a network drive is not
// supported.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/sqlstore"
)

//go:embed migrations/*.sql
var embedded embed.FS

// DefaultPrefix begins the names of all tables unless [Options] say otherwise.
const DefaultPrefix = sqlstore.DefaultPrefix

// Options are the settings of a store. Nil and the zero value are the defaults.
type Options struct {
	// Prefix begins the names of all tables, so that several centers can share
	// a database. It consists of a-z, 0-9 and _, at most 32 of them. Empty is
	// DefaultPrefix.
	Prefix string

	// Now is the clock, for tests. Nil is that of the process.
	Now func() time.Time

	// AllowRelaxedTx lets [Store.Tx] take transactions on connections whose
	// synchronous is below FULL: what was sent in one can then be lost with
	// the host's own rows when the power fails after the commit.
	AllowRelaxedTx bool
}

// config is what the engine gets of the options.
func (o *Options) config() sqlstore.Config {
	if o == nil {
		return sqlstore.Config{}
	}
	return sqlstore.Config{Prefix: o.Prefix, Clock: o.Now}
}

// Store is a notification center in a SQLite database. It is safe for
// concurrent use, holds no connection between calls, and need not be closed.
type Store struct {
	*engine
	relaxed bool
}

// engine hides the name of the embedded type from the host.
type engine = sqlstore.Store

var (
	_ notify.Store   = (*Store)(nil)
	_ notify.Pruner  = (*Store)(nil)
	_ notify.Eraser  = (*Store)(nil)
	_ notify.Pager   = (*Store)(nil)
	_ notify.Glancer = (*Store)(nil)
)

// New opens the center in db, whose tables [Migrate] must have made. The host
// keeps owning db. A database in memory of which each connection would have its
// own is refused.
func New(db *sql.DB, opts *Options) (*Store, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := checkDB(ctx, db, opts); err != nil {
		return nil, err
	}
	opened, err := sqlstore.Open(ctx, db, dialect(), opts.config())
	if err != nil {
		return nil, err
	}
	return &Store{engine: opened, relaxed: opts != nil && opts.AllowRelaxedTx}, nil
}

// Migrate makes the tables, or brings them up to date. It can be called at
// every start, also by several processes at a time: each change runs once.
func Migrate(ctx context.Context, db *sql.DB, opts *Options) error {
	if db == nil {
		return errNoDB
	}
	if err := sqlstore.Migrate(ctx, db, dialect(), opts.config()); err != nil {
		return err
	}
	return checkDB(ctx, db, opts)
}

// Migrations returns what [Migrate] runs as files that goose reads, for hosts
// that apply migrations themselves. Migrate finds done what goose has run, by the
// table of versions that the files keep; goose does not know what Migrate has
// run, so that a host stays with the one it began with. The error is an
// [notify.InvalidError] about the prefix and is returned by the first read.
func Migrations(opts *Options) fs.FS {
	return sqlstore.Migrations(dialect(), opts.config())
}

// Tx binds the store to a transaction of the host, for [notify.Notifier.SendTx]
// and WithdrawTx: what is sent is stored if the host commits, and only then.
// The transaction should have begun immediate. It must be of the database that
// the store is in, and on a connection with synchronous at FULL or above, see
// [Options].AllowRelaxedTx. It is the host's to commit or to roll back.
func (s *Store) Tx(tx *sql.Tx) notify.Acceptor {
	if s.relaxed {
		return s.engine.Tx(tx, nil)
	}
	return s.engine.Tx(tx, checkSynchronous)
}

// full is synchronous=FULL.
const full = 2

// checkSynchronous refuses a transaction whose commit would not be durable.
func checkSynchronous(ctx context.Context, tx *sql.Tx) error {
	var level int
	if err := tx.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&level); err != nil {
		return err
	}
	if level < full {
		return fmt.Errorf("the transaction runs at synchronous=%d, below FULL (%d), so that its commit would not survive a loss of power: set PRAGMA synchronous=FULL when connecting, or allow it by Options.AllowRelaxedTx", level, full)
	}
	return nil
}

var errNoDB = &notify.InvalidError{Field: "db", Reason: "there is none"}

// checkDB refuses what cannot be worked with, once there are tables.
func checkDB(ctx context.Context, db *sql.DB, o *Options) error {
	if db == nil {
		return errNoDB
	}
	var private bool
	err := dialect().Patiently(ctx, func() (err error) {
		private, err = privateMemory(ctx, db, cmp.Or(o.config().Prefix, DefaultPrefix))
		return err
	})
	if err != nil {
		return fmt.Errorf("notify/sqlite: open: %w", err)
	}
	if private {
		return errors.New("notify/sqlite: the database is in memory and every connection of the pool has one of its own: " +
			"call db.SetMaxOpenConns(1), or use a file, or a shared cache (file:name?mode=memory&cache=shared)")
	}
	return nil
}
