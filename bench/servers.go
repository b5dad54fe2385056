package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/mysql"
	"github.com/bellwether-go/notify/store/postgres"
)

// server is a database server that make bench starts, or that the environment
// names.
type server struct {
	variable string // of the environment, with the DSN
	durable  string // a query that is true when what is committed survives a power cut
	place    func(ctx context.Context, dsn string) (*place, error)
	store    func(ctx context.Context, db *sql.DB, now func() time.Time) (notify.Store, func(*sql.Tx) notify.Acceptor, error)
}

// place is where one candidate has its tables: a schema or database of its own,
// and a pool of connections that are in it.
type place struct {
	db   *sql.DB
	dsn  string
	drop string // the statement that removes it
}

// pooled is how many connections each candidate has.
const pooled = 16

var postgresServer = &server{
	variable: "NOTIFY_TEST_POSTGRES",
	durable:  `SELECT current_setting('fsync')::bool AND current_setting('full_page_writes')::bool AND current_setting('synchronous_commit')::bool`,
	place: func(ctx context.Context, dsn string) (*place, error) {
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, errors.New("NOTIFY_TEST_POSTGRES is not a URL")
		}
		name := placeName()
		query := u.Query()
		query.Set("search_path", name)
		u.RawQuery = query.Encode()
		return newPlace(ctx, "pgx", u.String(), "CREATE SCHEMA "+name, "DROP SCHEMA "+name+" CASCADE")
	},
	store: func(ctx context.Context, db *sql.DB, now func() time.Time) (notify.Store, func(*sql.Tx) notify.Acceptor, error) {
		opts := &postgres.Options{Now: now}
		if err := postgres.Migrate(ctx, db, opts); err != nil {
			return nil, nil, err
		}
		s, err := postgres.New(db, opts)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Tx, nil
	},
}

var mariaServer = &server{
	variable: "NOTIFY_TEST_MYSQL",
	durable:  `SELECT @@innodb_flush_log_at_trx_commit = 1 AND @@innodb_doublewrite`,
	place: func(ctx context.Context, dsn string) (*place, error) {
		config, err := mysqldriver.ParseDSN(dsn)
		if err != nil {
			return nil, errors.New("NOTIFY_TEST_MYSQL is not a DSN")
		}
		name := placeName()
		first, err := sql.Open("mysql", dsn)
		if err != nil {
			return nil, err
		}
		defer first.Close()
		if _, err := first.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
			return nil, err
		}
		config.DBName = name
		return newPlace(ctx, "mysql", config.FormatDSN(), "", "DROP DATABASE "+name)
	},
	store: func(ctx context.Context, db *sql.DB, now func() time.Time) (notify.Store, func(*sql.Tx) notify.Acceptor, error) {
		opts := &mysql.Options{Now: now}
		if err := mysql.Migrate(ctx, db, opts); err != nil {
			return nil, nil, err
		}
		s, err := mysql.New(db, opts)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Tx, nil
	},
}

func placeName() string { return fmt.Sprintf("bench_%d_%d", time.Now().UnixNano(), files.Add(1)) }

func newPlace(ctx context.Context, driver, dsn, create, drop string) (*place, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(pooled)
	db.SetMaxIdleConns(pooled)
	if create != "" {
		if _, err := db.ExecContext(ctx, create); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return &place{db, dsn, drop}, nil
}

func (p *place) Close() error {
	_, err := p.db.Exec(p.drop)
	return errors.Join(err, p.db.Close())
}

// named tells whether the environment names the server.
func (s *server) named() bool { return os.Getenv(s.variable) != "" }

func (s *server) newPlace(ctx context.Context) (*place, error) {
	return s.place(ctx, os.Getenv(s.variable))
}

// center opens the library on new tables of the server.
func (s *server) center(ctx context.Context, now func() time.Time, opts *notify.Options) (*center, error) {
	p, err := s.newPlace(ctx)
	if err != nil {
		return nil, err
	}
	store, bind, err := s.store(ctx, p.db, now)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	notifier, err := notify.New(store, opts)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return &center{notifier: notifier, db: p.db, store: store, bind: bind, end: p.Close}, nil
}

// onServer is a comparison whose candidates make tables of their own for each turn.
func onServer(s *server, name string, goal float64, reference, ours turn) comparison {
	return comparison{name: name, goal: goal, servers: []*server{s}, open: func(context.Context, string) (turn, turn, func(), error) {
		return reference, ours, func() {}, nil
	}}
}

// possible leaves out the comparisons on servers that the environment does not name.
func possible(all []comparison) []comparison {
	return slices.DeleteFunc(slices.Clone(all), func(c comparison) bool {
		return slices.ContainsFunc(c.servers, func(s *server) bool { return !s.named() })
	})
}

// requireDurable refuses servers that acknowledge what a power cut can take back.
func requireDurable(ctx context.Context, chosen []comparison) error {
	for _, s := range []*server{postgresServer, mariaServer} {
		if !s.named() || !slices.ContainsFunc(chosen, func(c comparison) bool { return slices.Contains(c.servers, s) }) {
			continue
		}
		p, err := s.newPlace(ctx)
		if err != nil {
			return err
		}
		var durable bool
		err = p.db.QueryRowContext(ctx, s.durable).Scan(&durable)
		if err = errors.Join(err, p.Close()); err != nil {
			return err
		}
		if !durable {
			return fmt.Errorf("the server of %s does not wait for the disk: its speed says nothing", s.variable)
		}
	}
	return nil
}
