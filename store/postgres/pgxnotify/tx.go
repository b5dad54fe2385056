// Package pgxnotify is for hosts that work with pgx itself instead of
// database/sql. [Tx] lets them send in transactions of pgx. [Bus] carries hints
// between processes by LISTEN and NOTIFY, so that workers and watchers need not
// wait for their next poll.
//
// The store itself is still that of store/postgres and needs a *sql.DB, which
// pgx makes of a pool: stdlib.OpenDBFromPool.
package pgxnotify

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/sqlstore"
)

// Tx binds a store to a transaction of pgx, for [notify.Notifier.SendTx] and
// WithdrawTx: what is sent is stored if the host commits, and only then. The
// store is one of store/postgres, or wraps one, and the transaction is of its
// database; it is the host's to commit or to roll back. After an error
// PostgreSQL commits nothing of it any more.
func Tx(store notify.Store, tx pgx.Tx) notify.Acceptor {
	if tx == nil {
		return refused{&notify.InvalidError{Field: "tx", Reason: "there is no transaction"}}
	}
	bound := sqlstore.On(store, "postgres", conn{tx})
	if bound == nil {
		return refused{&notify.InvalidError{Field: "store", Reason: "it is none of store/postgres"}}
	}
	return bound
}

// conn runs the statements of the store.
type conn struct{ pgx.Tx }

var _ sqlstore.Conn = conn{}

func (c conn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	tag, err := c.Tx.Exec(ctx, text, args...)
	return tag.RowsAffected(), err
}

func (c conn) Query(ctx context.Context, text string, args ...any) (sqlstore.Rows, error) {
	return c.Tx.Query(ctx, text, args...)
}

// refused takes nothing.
type refused struct{ err error }

func (r refused) Accept(context.Context, []notify.Acceptance) ([]notify.Receipt, error) {
	return nil, r.err
}

// BelongsTo implements [notify.TxOwner]: whoever asks is told why by Accept.
func (refused) BelongsTo(notify.Store) bool { return true }
