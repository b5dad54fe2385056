package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// deadline bounds every call, so that nothing is filed later than this after
// its instant was taken.
const deadline = 10 * time.Second

// querier reads: the store outside of a transaction, or a tx.
type querier interface {
	query(ctx context.Context, text string, scan func(row) error, args ...any) error
}

// tx is a transaction, of the store or of the host.
type tx struct {
	s    *Store
	tx   *sql.Tx
	host Conn  // in place of tx: of the host, and not of our pool
	now  int64 // the instant at which everything in it happens

	readOnly bool
}

// exec runs a statement and returns how many rows it touched.
func (t *tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	st := t.s.statement(t.s.form(text, args))
	args = t.s.bind(st, args)
	if t.host != nil {
		return t.host.Exec(ctx, st.text, args...)
	}
	var result sql.Result
	var err error
	if st.prepared != nil {
		result, err = t.tx.StmtContext(ctx, st.prepared).ExecContext(ctx, args...)
	} else {
		result, err = t.tx.ExecContext(ctx, st.text, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query calls scan for each row.
func (t *tx) query(ctx context.Context, text string, scan func(row) error, args ...any) error {
	st := t.s.statement(t.s.form(text, args))
	args = t.s.bind(st, args)
	if t.host != nil {
		rows, err := t.host.Query(ctx, st.text, args...)
		return each(rows, err, scan)
	}
	if st.prepared != nil {
		rows, err := t.tx.StmtContext(ctx, st.prepared).QueryContext(ctx, args...)
		return each(rows, err, scan)
	}
	rows, err := t.tx.QueryContext(ctx, st.text, args...)
	return each(rows, err, scan)
}

// query implements querier on any connection of the pool.
func (s *Store) query(ctx context.Context, text string, scan func(row) error, args ...any) error {
	text = s.form(text, args)
	s.refresh(ctx)
	defer func(begun time.Time) { s.refresher.took(time.Since(begun)) }(time.Now())
	if s.unprepared {
		st := s.statement(text)
		rows, err := s.db.QueryContext(ctx, st.text, s.bind(st, args)...)
		return each(rows, err, scan)
	}
	st, err := s.prepared(ctx, text)
	if err != nil {
		return err
	}
	rows, err := st.prepared.QueryContext(ctx, s.bind(st, args)...)
	return each(rows, err, scan)
}

// row is a row that has been read.
type row interface{ Scan(into ...any) error }

// Rows is what [database/sql.Rows] is; its Close may return nothing.
type Rows interface {
	row
	Next() bool
	Err() error
}

// each calls scan for each row of a result.
func each[R Rows](rows R, err error, scan func(row) error) error {
	if err != nil {
		return err
	}
	defer closeRows(rows)
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func closeRows(rows Rows) {
	switch r := rows.(type) {
	case interface{ Close() error }:
		r.Close()
	case interface{ Close() }:
		r.Close()
	}
}

// read runs f, which only reads, outside of a transaction. It may run f again,
// so that f must begin with empty results.
func (s *Store) read(ctx context.Context, op string, f func(context.Context, querier) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	err := s.d.Patiently(ctx, func() error { return f(ctx, s) })
	return s.explain(ctx, op, err)
}

// snapshot runs f, which only reads, with everything as it is at one instant.
// It may run f again.
func (s *Store) snapshot(ctx context.Context, op string, f func(context.Context, *tx) error) error {
	return s.transact(ctx, op, s.d.ReadTx, false, f)
}

// write runs f in one transaction. It may run f again if the database says that
// nothing of it was written; it never does so when that is uncertain.
func (s *Store) write(ctx context.Context, op string, f func(context.Context, *tx) error) error {
	return s.transact(ctx, op, s.d.WriteTx, true, f)
}

func (s *Store) transact(ctx context.Context, op string, opts *sql.TxOptions, write bool, f func(context.Context, *tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if write && s.d.OneWriter {
		// Here writers wait in the order they came, and sleep meanwhile; for
		// the database's lock they would have to ask again and again.
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return s.explain(ctx, op, ctx.Err())
		}
	}
	err := s.onConn(ctx, write, func(conn *sql.Conn) error {
		return s.d.Patiently(ctx, func() error { return s.attempt(ctx, conn, opts, write, f) })
	})
	return s.explain(ctx, op, err)
}

// onConn takes a connection, set as a write needs it, and gives it back as it
// was.
func (s *Store) onConn(ctx context.Context, write bool, f func(*sql.Conn) error) (err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer s.giveBack(ctx, conn)
	if !write {
		return f(conn)
	}
	for _, setting := range s.d.Session {
		var had int
		err := s.d.Patiently(ctx, func() error { return conn.QueryRowContext(ctx, setting.Read).Scan(&had) })
		if err != nil {
			return err
		}
		if setting.met(had) {
			continue
		}
		// Set back also what may have been set in spite of an error.
		defer func() {
			back, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
			defer cancel()
			if s.set(back, conn, setting, had) != nil {
				// It must not go back to the host in another state.
				conn.Raw(func(any) error { return driver.ErrBadConn })
			}
		}()
		if err := s.set(ctx, conn, setting, setting.Want); err != nil {
			return err
		}
	}
	return f(conn)
}

func (s *Store) set(ctx context.Context, conn *sql.Conn, setting Setting, value int) error {
	return s.d.Patiently(ctx, func() error {
		_, err := conn.ExecContext(ctx, fmt.Sprintf(setting.Write, value))
		return err
	})
}

// attempt runs f in one transaction on the connection, once. Where connections
// are set back, the context of the transaction itself never ends: it is rolled
// back here, so that it is over by then. Elsewhere it is what bounds a commit.
func (s *Store) attempt(ctx context.Context, conn *sql.Conn, opts *sql.TxOptions, write bool, f func(context.Context, *tx) error) error {
	bound := ctx
	if len(s.d.Session) > 0 {
		bound = context.WithoutCancel(ctx)
	}
	begun, err := conn.BeginTx(bound, opts)
	if err != nil {
		return err
	}
	defer begun.Rollback() // of what panics; what has ended is left alone
	t := &tx{s: s, tx: begun, readOnly: !write}
	if err := s.within(ctx, t, f); err != nil {
		_ = s.end(ctx, begun.Rollback)
		return err
	}
	return s.end(ctx, begun.Commit)
}

// within runs f in a transaction that has begun, after what comes first in each.
func (s *Store) within(ctx context.Context, t *tx, f func(context.Context, *tx) error) (err error) {
	if !t.readOnly && s.d.Begin != "" {
		left := deadline
		if end, ok := ctx.Deadline(); ok {
			left = max(time.Until(end), 0)
		}
		lock := s.statement(s.d.Begin).text
		if _, err := t.tx.ExecContext(ctx, fmt.Sprintf(lock, left.Milliseconds())); err != nil {
			return err
		}
	}
	if t.now, err = s.now(ctx, t); err != nil {
		return err
	}
	if err := f(ctx, t); err != nil {
		return err
	}
	return ctx.Err()
}

// end ends a transaction. Where a driver would wait for a server that does not
// answer whatever the context says, nobody waits for the driver longer than
// that: its connection is lost until the server answers or is found dead.
func (s *Store) end(ctx context.Context, how func() error) error {
	if !s.d.EndsUnbounded {
		return how()
	}
	ended := make(chan error, 1)
	go func() { ended <- how() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// giveBack gives a connection back to the pool, which waits until transactions
// on it have ended.
func (s *Store) giveBack(ctx context.Context, conn *sql.Conn) {
	if s.d.EndsUnbounded && ctx.Err() != nil {
		go conn.Close()
		return
	}
	conn.Close()
}

// explain names the call that failed, and what the host can do about it.
func (s *Store) explain(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err) // drivers tell of an interrupted call each in their own way
	}
	pool := s.db.Stats()
	if errors.Is(err, context.DeadlineExceeded) && pool.MaxOpenConnections > 0 && pool.InUse >= pool.MaxOpenConnections {
		err = fmt.Errorf("%w: all %d connections of the pool are in use; inside a transaction of your own send with SendTx", err, pool.MaxOpenConnections)
	}
	if hint := s.d.Hint(err); hint != "" {
		err = fmt.Errorf("%w: %s", err, hint)
	}
	return fmt.Errorf("notify/%s: %s: %w", s.d.Name, op, err)
}
