// Package postgres keeps the notification center in a PostgreSQL database of the
// host, through the host's own *sql.DB: it imports no driver. It is tested with
// PostgreSQL 15, and with pgx (as database/sql driver) and lib/pq. A host that
// works with pgx itself finds its transactions and LISTEN/NOTIFY in the module
// store/postgres/pgxnotify.
//
// Call [Migrate] once, then [New]. Any number of processes share the work of a
// database: tasks are claimed by FOR UPDATE SKIP LOCKED and held by leases. The
// clock is that of the database.
package postgres

import (
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
	// Schema is where the tables are. It consists of a-z, 0-9 and _, at most 32
	// of them, and must exist. Empty is wherever the search path of the
	// connections leads.
	Schema string

	// Prefix begins the names of all tables, so that several centers can share
	// a schema. It consists of a-z, 0-9 and _, at most 32 of them. Empty is
	// DefaultPrefix.
	Prefix string

	// Now is the clock, for tests. Nil is that of the database.
	Now func() time.Time

	// AllowAsynchronousCommit lets [New] take connections with
	// synchronous_commit off: what was acknowledged last can then be lost when
	// the server crashes.
	AllowAsynchronousCommit bool

	// Unprepared keeps the store from preparing statements, which is needed
	// behind a pooler that gives each transaction another connection and does
	// not keep prepared statements for it. It costs about a third of the
	// throughput. The driver may have to be told the same: pgx by
	// default_query_exec_mode=exec, lib/pq by binary_parameters=yes.
	Unprepared bool
}

// config is what the engine gets of the options.
func (o *Options) config() sqlstore.Config {
	if o == nil {
		return sqlstore.Config{}
	}
	return sqlstore.Config{Schema: o.Schema, Prefix: o.Prefix, Clock: o.Now, Unprepared: o.Unprepared}
}

// Store is a notification center in a PostgreSQL database. It is safe for
// concurrent use, holds no connection between calls, and need not be closed.
type Store struct{ *engine }

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
// keeps owning db. It needs at least two connections, of which one is free
// while the host has a transaction open.
func New(db *sql.DB, opts *Options) (*Store, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	opened, err := sqlstore.Open(ctx, db, dialect(), opts.config())
	if err != nil {
		return nil, err
	}
	if err := checkSettings(ctx, db, opts != nil && opts.AllowAsynchronousCommit); err != nil {
		return nil, err
	}
	return &Store{opened}, nil
}

// checkSettings refuses connections that acknowledge what is not durable, and
// databases that cannot hold all text.
func checkSettings(ctx context.Context, db *sql.DB, allowAsynchronous bool) error {
	var commit, encoding string
	err := db.QueryRowContext(ctx, `SELECT current_setting('synchronous_commit'), current_setting('server_encoding')`).Scan(&commit, &encoding)
	switch {
	case err != nil:
		return fmt.Errorf("notify/postgres: open: %w", err)
	case commit == "off" && !allowAsynchronous:
		return errors.New("notify/postgres: open: synchronous_commit is off, so that what is acknowledged could be lost: " +
			"set it on for the role or in the DSN, or allow it by Options.AllowAsynchronousCommit")
	case encoding != "UTF8" && encoding != "SQL_ASCII": // which takes bytes as they are
		return fmt.Errorf("notify/postgres: open: the encoding of the database is %s, which cannot hold all text: make one with ENCODING 'UTF8'", encoding)
	}
	return nil
}

// Migrate makes the tables, or brings them up to date. It can be called at
// every start, also by several processes at a time: all that is to be done
// happens in one transaction, under an advisory lock.
func Migrate(ctx context.Context, db *sql.DB, opts *Options) error {
	return sqlstore.Migrate(ctx, db, dialect(), opts.config())
}

// Migrations returns what [Migrate] runs as files that goose reads, for hosts
// that apply migrations themselves. Migrate finds done what goose has run, by the
// table of versions that the files keep; goose does not know what Migrate has
// run, so that a host stays with the one it began with. The error is an
// [notify.InvalidError] about the options and is returned by the first read.
func Migrations(opts *Options) fs.FS {
	return sqlstore.Migrations(dialect(), opts.config())
}

// Tx binds the store to a transaction of the host, for [notify.Notifier.SendTx]
// and WithdrawTx: what is sent is stored if the host commits, and only then.
// The transaction must be of the database that the store is in; it is the
// host's to commit or to roll back. After an error PostgreSQL commits nothing
// of it any more.
func (s *Store) Tx(tx *sql.Tx) notify.Acceptor { return s.engine.Tx(tx, nil) }
