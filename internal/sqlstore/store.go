package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/migrate"
)

// Store implements [notify.Store] and its optional roles over a host's *sql.DB. It owns no goroutine and no connection.
type Store struct {
	db         *sql.DB
	d          *Dialect
	names      migrate.Names
	clock      func() time.Time
	unprepared bool
	statements sync.Map // text as written -> *statement
	refresher  refresher
	turn       chan struct{} // held by the one writer of this process, see [Dialect].OneWriter
}

var (
	_ notify.Store          = (*Store)(nil)
	_ notify.Pruner         = (*Store)(nil)
	_ notify.Eraser         = (*Store)(nil)
	_ notify.Pager          = (*Store)(nil)
	_ notify.Glancer        = (*Store)(nil)
	_ notify.IngestKeyStore = (*Store)(nil)
)

// DefaultPrefix begins the names of all tables unless a [Config] says otherwise.
const DefaultPrefix = "notify_"

// Config is what a store is opened with.
type Config struct {
	Schema     string           // of the tables, valid and not quoted; empty: as the connection finds them
	Prefix     string           // of all tables; empty: DefaultPrefix
	Clock      func() time.Time // nil: the dialect's
	Unprepared bool             // prepare no statement
}

func (c Config) names() migrate.Names {
	names := migrate.Names{Prefix: cmp.Or(c.Prefix, DefaultPrefix)}
	if c.Schema != "" {
		names.Qualifier = `"` + c.Schema + `".`
	}
	return names
}

// Open returns a store on tables that Migrate has made. It checks that they are
// of a version it can work with, and starts nothing.
func Open(ctx context.Context, db *sql.DB, d *Dialect, c Config) (*Store, error) {
	if err := checkOpening(db, c); err != nil {
		return nil, err
	}
	s := newStore(db, d, c)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if err := s.checkSchema(ctx); err != nil {
		return nil, s.explain(ctx, "open", err)
	}
	if d.Inspect != nil {
		if err := d.Inspect(ctx, db); err != nil {
			return nil, s.explain(ctx, "open", err)
		}
	}
	if err := s.prepare(ctx); err != nil {
		return nil, s.explain(ctx, "open", err)
	}
	return s, nil
}

func newStore(db *sql.DB, d *Dialect, c Config) *Store {
	return &Store{db: db, d: d, names: c.names(), clock: c.Clock, unprepared: c.Unprepared, turn: make(chan struct{}, 1)}
}

// checkOpening tells whether there is something to open, and validly named.
func checkOpening(db *sql.DB, c Config) error {
	if db == nil {
		return &notify.InvalidError{Field: "db", Reason: "there is none"}
	}
	return c.check()
}

// check tells whether tables can be named so: lower-case letters, digits and
// underscores, at most 32, the first of them no digit.
func (c Config) check() error {
	for field, name := range map[string]string{"Schema": c.Schema, "Prefix": c.Prefix} {
		ok := len(name) <= 32
		for i, b := range []byte(name) {
			ok = ok && (b == '_' || b >= 'a' && b <= 'z' || i > 0 && b >= '0' && b <= '9')
		}
		if !ok {
			return &notify.InvalidError{Field: field, Reason: "must be 1 to 32 of a-z, 0-9 and _, and not start with a digit"}
		}
	}
	return nil
}

// prepare prepares the statements that writes run most, on the pool: database/sql
// prepares each of them once per connection. It also proves the tables usable.
func (s *Store) prepare(ctx context.Context) error {
	if s.unprepared {
		return nil
	}
	for _, text := range append(slices.Clone(hot), s.d.ClaimAtOnce, s.d.ClaimFirst, s.d.ClaimMore, s.d.ClaimExpired, s.d.UpsertPlan, s.d.Present, s.d.AcceptAtOnce, s.d.DeferAtOnce, s.d.SettleAtOnce, s.d.SettleAndLearn) {
		forms := []string{text}
		if s.d.Row != nil && strings.Contains(text, "{rows") {
			forms = append(forms, text+oneRow)
		}
		for _, form := range forms {
			if text == "" {
				continue
			}
			err := s.d.Patiently(ctx, func() error {
				_, err := s.prepared(ctx, form)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// prepared prepares a statement unless it is. It needs a connection, so that it
// must not be called while one is held.
func (s *Store) prepared(ctx context.Context, text string) (*statement, error) {
	st := s.statement(text)
	if st.prepared != nil {
		return st, nil
	}
	stmt, err := s.db.PrepareContext(ctx, st.text)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	ready := *st
	ready.prepared = stmt
	if !s.statements.CompareAndSwap(text, st, &ready) {
		stmt.Close() // somebody else was first
		return s.statement(text), nil
	}
	return &ready, nil
}

// Now implements [notify.Store].
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	us, err := s.now(ctx, s)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return time.Time{}, s.explain(ctx, "now", err)
	}
	return instant(us), nil
}

// now reads the clock, in microseconds.
func (s *Store) now(ctx context.Context, q querier) (int64, error) {
	if us, known := s.at().(int64); known {
		return us, nil
	}
	var us int64
	err := q.query(ctx, `SELECT `+s.d.Now, func(r row) error { return r.Scan(&us) })
	return us, err
}

// at is the instant as an argument of {now}: nil if it is the database that
// knows it.
func (s *Store) at() any {
	if s.clock != nil {
		return s.clock().UnixMicro()
	}
	if s.d.Now == "" {
		return time.Now().UnixMicro()
	}
	return nil
}
