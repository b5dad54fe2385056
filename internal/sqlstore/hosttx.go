package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bellwether-go/notify"
)

// HostTx is the store bound to a transaction of the host. It begins, commits
// and rolls back nothing but its own savepoints.
type HostTx struct {
	s     *Store
	conn  Conn    // nil: there is none
	begun *sql.Tx // nil: it is not of database/sql
	check func(context.Context) error
}

// Conn runs statements in a transaction of the host.
type Conn interface {
	Exec(ctx context.Context, text string, args ...any) (int64, error)
	Query(ctx context.Context, text string, args ...any) (Rows, error)
}

// sqlConn is a transaction of database/sql.
type sqlConn struct{ *sql.Tx }

func (c sqlConn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	result, err := c.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c sqlConn) Query(ctx context.Context, text string, args ...any) (Rows, error) {
	return c.QueryContext(ctx, text, args...)
}

var (
	_ notify.Acceptor   = (*HostTx)(nil)
	_ notify.Withdrawer = (*HostTx)(nil)
	_ notify.TxOwner    = (*HostTx)(nil)
)

// Tx binds the store to a transaction of the host. A check that is not nil
// refuses one that is not fit before anything is written.
func (s *Store) Tx(begun *sql.Tx, check func(context.Context, *sql.Tx) error) *HostTx {
	if begun == nil {
		return &HostTx{s: s}
	}
	h := &HostTx{s: s, conn: sqlConn{begun}, begun: begun}
	if check != nil {
		h.check = func(ctx context.Context) error { return check(ctx, begun) }
	}
	return h
}

// On binds the store behind another, or itself, to a transaction that is not of
// database/sql. It returns nil if there is no store of that dialect.
func On(store notify.Store, dialect string, conn Conn) *HostTx {
	s := behind(store)
	if s == nil || s.d.Name != dialect {
		return nil
	}
	return &HostTx{s: s, conn: conn}
}

// BelongsTo implements [notify.TxOwner]: another store on the same pool with
// the same prefix is as good.
func (h *HostTx) BelongsTo(store notify.Store) bool {
	other := behind(store)
	return other != nil && (other == h.s || other.db == h.s.db && other.names == h.s.names)
}

// behind finds the store that others wrap; nil if there is none of ours.
func behind(store notify.Store) *Store {
	for store != nil {
		if owner, ok := store.(interface{ self() *Store }); ok {
			return owner.self()
		}
		wrapper, ok := store.(interface{ Unwrap() notify.Store })
		if !ok {
			return nil
		}
		store = wrapper.Unwrap()
	}
	return nil
}

// self is the store itself, through whatever embeds it.
func (s *Store) self() *Store { return s }

// Accept implements [notify.Acceptor].
func (h *HostTx) Accept(ctx context.Context, batch []notify.Acceptance) (receipts []notify.Receipt, err error) {
	if h.s.canDefer(batch) {
		err = h.run(ctx, func(t *tx) (err error) {
			receipts, err = t.deferAtOnce(ctx, batch)
			return err
		})
		return receipts, h.s.explain(ctx, "accept", err)
	}
	err = h.within(ctx, "accept", func(t *tx) (err error) {
		if h.s.d.AcceptAtOnce != "" && !h.s.d.AcceptCommits && isSimple(batch) {
			receipts, err = t.acceptAtOnce(ctx, batch)
			return err
		}
		if t.now, err = h.s.now(ctx, t); err == nil {
			receipts, err = t.accept(ctx, batch)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return receipts, nil
}

// Withdraw implements [notify.Withdrawer].
func (h *HostTx) Withdraw(ctx context.Context, w notify.Withdrawal) (ids []notify.ID, err error) {
	err = h.within(ctx, "withdraw", func(t *tx) (err error) {
		if t.now, err = h.s.now(ctx, t); err == nil {
			ids, err = t.withdraw(ctx, w)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// within runs f so that a failure leaves the host's transaction as it was.
func (h *HostTx) within(ctx context.Context, op string, f func(*tx) error) error {
	err := h.run(ctx, func(t *tx) error { return h.saved(ctx, t, f) })
	return h.s.explain(ctx, op, err)
}

// run runs f in the host's transaction. In one of our own pool it finds what is
// prepared there; in another, and where the transaction has failed, asking for
// that is an error that touches nothing.
func (h *HostTx) run(ctx context.Context, f func(*tx) error) error {
	if h.conn == nil {
		return &notify.InvalidError{Field: "tx", Reason: "there is no transaction"}
	}
	if h.check != nil {
		if err := h.check(ctx); err != nil {
			return err
		}
	}
	t := &tx{s: h.s, host: h.conn}
	first := h.s.statement(cmp.Or(h.s.d.DeferAtOnce, insertNotifications)).prepared
	if h.begun != nil && first != nil && h.begun.StmtContext(ctx, first).Close() == nil {
		t.tx, t.host = h.begun, nil
	}
	err := f(t)
	if err != nil && h.rolledBack(err) {
		return fmt.Errorf("%w: the database has rolled back the whole transaction, with all that the host wrote in it: call Rollback and begin it anew", err)
	}
	return err
}

func (h *HostTx) rolledBack(err error) bool { return h.s.d.RolledBack != nil && h.s.d.RolledBack(err) }

// saved runs f between savepoints.
func (h *HostTx) saved(ctx context.Context, t *tx, f func(*tx) error) error {
	d := h.s.d
	if err := h.mark(ctx, d.Savepoint); err != nil {
		return err
	}
	if err := f(t); err != nil {
		if h.rolledBack(err) {
			return err
		}
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
		defer cancel()
		if back := errors.Join(h.mark(undo, d.Back), h.mark(undo, d.Release)); back != nil {
			return fmt.Errorf("%w (the transaction must be rolled back: %w)", err, back)
		}
		return err
	}
	return h.mark(ctx, d.Release)
}

func (h *HostTx) mark(ctx context.Context, text string) error {
	if text == "" {
		return nil
	}
	_, err := h.conn.Exec(ctx, text)
	return err
}
