package integration

import (
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// touch is a statement that locks the item of a notification.
func (b *backend) touch(id notify.ID) string {
	literal := "'" + string(id) + "'"
	if b.name == "mariadb" {
		raw, _ := hex.DecodeString(strings.ReplaceAll(string(id), "-", ""))
		literal = fmt.Sprintf("X'%x'", raw)
	}
	return "UPDATE " + b.table("item") + " SET seen = seen + 1 WHERE notification = " + literal
}

// stubborn begins a transaction that the server does not give up for another.
func (b *backend) stubborn(t testing.TB) *sql.Tx {
	t.Helper()
	tx, err := b.db.Begin()
	require.NoError(t, err)
	t.Cleanup(func() { tx.Rollback() })
	if b.name != "mariadb" { // gives up whoever looks first
		_, err = tx.Exec("SET LOCAL deadlock_timeout = '1min'")
		require.NoError(t, err)
		return tx
	}
	for range 100 { // gives up the smaller one
		_, err = tx.Exec("INSERT INTO orders VALUES (1)")
		require.NoError(t, err)
	}
	return tx
}

// The server gives up the store's transaction for the host's, and the store
// runs it again: whoever has called it sees nothing of that.
func TestDeadlock_isRunAgain(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		first, second := toAlice("first"), toAlice("second")
		if second.ID < first.ID {
			first.ID, second.ID = second.ID, first.ID
		}
		for _, a := range []notify.Acceptance{first, second} {
			_, err := h.store.Accept(t.Context(), []notify.Acceptance{a})
			require.NoError(t, err)
		}
		tx := b.stubborn(t)
		_, err := tx.Exec(b.touch(second.ID))
		require.NoError(t, err)
		marked := make(chan error, 1)
		go func() {
			_, err := h.store.Mark(t.Context(), alice, notify.ItemMark{Op: notify.OpRead, IDs: []notify.ID{first.ID, second.ID}})
			marked <- err
		}()
		b.blocked(t)
		_, err = tx.Exec(b.touch(first.ID))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.NoError(t, <-marked)
		counts, err := h.store.Counts(t.Context(), alice, 10)
		require.NoError(t, err)
		assert.Zero(t, counts.Unread)
	})
}

// A deadlock that SendTx meets costs the host its transaction. MariaDB goes on as
// if nothing was, and commits each statement that follows by itself: the error
// says what to do.
func TestDeadlock_ofSendTxSaysThatTheTransactionIsGone(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		known, keyed, again := toAlice("known"), toAlice("keyed"), toAlice("keyed")
		keyed.Notification.Key, again.Notification.Key = "order/1", "order/1"
		_, err := h.store.Accept(t.Context(), []notify.Acceptance{known})
		require.NoError(t, err)
		tx, err := b.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // locks no gaps
		require.NoError(t, err)
		defer tx.Rollback()
		_, err = tx.Exec(b.touch(known.ID))
		require.NoError(t, err)

		other := b.stubborn(t)
		_, err = h.bind(other).Accept(t.Context(), []notify.Acceptance{keyed})
		require.NoError(t, err)
		touched := make(chan error, 1)
		go func() {
			_, err := other.Exec(b.touch(known.ID))
			touched <- err
		}()
		b.blocked(t)

		_, err = h.bind(tx).Accept(t.Context(), []notify.Acceptance{again})
		require.NoError(t, <-touched)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "SAVEPOINT")
		if b.name == "mariadb" {
			assert.ErrorContains(t, err, "rolled back the whole transaction")
		}
	})
}
