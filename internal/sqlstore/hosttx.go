package sqlstore

import (
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
	tx    *sql.Tx
	check func(context.Context, *sql.Tx) error
}

var (
	_ notify.Acceptor   = (*HostTx)(nil)
	_ notify.Withdrawer = (*HostTx)(nil)
	_ notify.TxOwner    = (*HostTx)(nil)
)

// Tx binds the store to a transaction of the host. A check that is not nil
// refuses one that is not fit before anything is written.
func (s *Store) Tx(begun *sql.Tx, check func(context.Context, *sql.Tx) error) *HostTx {
	return &HostTx{s: s, tx: begun, check: check}
}

// BelongsTo implements [notify.TxOwner]: another store on the same pool with
// the same prefix is as good.
func (h *HostTx) BelongsTo(store notify.Store) bool {
	for store != nil {
		if owner, ok := store.(interface{ self() *Store }); ok {
			other := owner.self()
			return other == h.s || other.db == h.s.db && other.names == h.s.names
		}
		wrapper, ok := store.(interface{ Unwrap() notify.Store })
		if !ok {
			return false
		}
		store = wrapper.Unwrap()
	}
	return false
}

// self is the store itself, through whatever embeds it.
func (s *Store) self() *Store { return s }

// Accept implements [notify.Acceptor].
func (h *HostTx) Accept(ctx context.Context, batch []notify.Acceptance) (receipts []notify.Receipt, err error) {
	err = h.within(ctx, "accept", func(t *tx) (err error) {
		if h.s.d.AcceptAtOnce != "" && isSimple(batch) {
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
	return h.s.explain(ctx, op, h.run(ctx, f))
}

func (h *HostTx) run(ctx context.Context, f func(*tx) error) error {
	if h.tx == nil {
		return &notify.InvalidError{Field: "tx", Reason: "there is no transaction"}
	}
	if h.check != nil {
		if err := h.check(ctx, h.tx); err != nil {
			return err
		}
	}
	d := h.s.d
	t := &tx{s: h.s, tx: h.tx, host: true}
	if err := h.mark(ctx, d.Savepoint); err != nil {
		return err
	}
	if err := f(t); err != nil {
		undo := context.WithoutCancel(ctx)
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
	_, err := h.tx.ExecContext(ctx, text)
	return err
}
