// Package mysql keeps the notification center in a MariaDB or MySQL database of
// the host, through the host's own *sql.DB: it imports no driver. It is tested
// with MariaDB 10.11 and github.com/go-sql-driver/mysql. For MySQL, from 8.0.14
// on, its statements have been reviewed and not run.
//
// Call [Migrate] once, then [New]. Any number of processes share the work of a
// database: tasks are claimed by FOR UPDATE SKIP LOCKED and held by leases. The
// clock is that of the database. Nothing depends on parseTime, clientFoundRows,
// interpolateParams or time zones; the character set of connections has to be
// utf8mb4, which is the default of the driver.
package mysql

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strings"
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

	// Now is the clock, for tests. Nil is that of the database.
	Now func() time.Time
}

// config is what the engine gets of the options.
func (o *Options) config() sqlstore.Config {
	if o == nil {
		return sqlstore.Config{}
	}
	return sqlstore.Config{Prefix: o.Prefix, Clock: o.Now}
}

// Store is a notification center in a MariaDB or MySQL database. It is safe for
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
	return &Store{opened}, nil
}

// inspect refuses connections on which texts would become others, and finds out
// what the server can do.
func inspect(ctx context.Context, db *sql.DB, d *sqlstore.Dialect) error {
	var version, client, connection string
	err := db.QueryRowContext(ctx, `SELECT VERSION(), @@character_set_client, @@character_set_connection`).Scan(&version, &client, &connection)
	if err != nil {
		return err
	}
	if strings.Contains(version, "MariaDB") {
		compound(d)
	}
	if client != "utf8mb4" || connection != "utf8mb4" {
		return fmt.Errorf("the character set of the connection is %s, which cannot carry all text: set charset=utf8mb4 in the DSN, or leave it out", client)
	}
	return nil
}

// Migrate makes the tables, or brings them up to date. It can be called at
// every start, also by several processes at a time: they wait for one another
// by GET_LOCK. Each step can be run again where a process was killed within.
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
// host's to commit or to roll back. A deadlock rolls all of it back.
func (s *Store) Tx(tx *sql.Tx) notify.Acceptor { return s.engine.Tx(tx, nil) }
