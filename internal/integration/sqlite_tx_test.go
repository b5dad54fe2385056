package integration

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/sqlite"
)

// hostWithOrders is a host that has a table of its own.
func hostWithOrders(t testing.TB, params string, opts *sqlite.Options) (*sql.DB, *sqlite.Store) {
	db := openDB(t, newFile(t)+params)
	s := newStore(t, db, opts)
	_, err := db.Exec("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
	require.NoError(t, err)
	return db, s
}

// place writes an order and two notifications about it.
func place(ctx context.Context, s *sqlite.Store, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO orders DEFAULT VALUES"); err != nil {
		return err
	}
	for _, title := range []string{"paid", "shipped"} {
		if _, err := s.Tx(tx).Accept(ctx, []notify.Acceptance{fanOut(title)}); err != nil {
			return err
		}
	}
	return nil
}

func assertOrders(t *testing.T, db *sql.DB, orders int) {
	t.Helper()
	assert.Equal(t, orders, count(t, db, "orders"), "rows of the host")
	assert.Equal(t, 2*orders, count(t, db, "notify_notification"), "notifications")
	assert.Equal(t, 2*orders, count(t, db, "notify_task"), "tasks")
}

func TestSQLiteTx_commitStoresBothAndRollbackNeither(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, place(t.Context(), s, tx))
	assertOrders(t, db, 0) // seen from another connection
	require.NoError(t, tx.Rollback())
	assertOrders(t, db, 0)

	tx, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, place(t.Context(), s, tx))
	require.NoError(t, tx.Commit())
	assertOrders(t, db, 1)
}

func TestSQLiteTx_panicStoresNothing(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	assert.Panics(t, func() {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer tx.Rollback()
		require.NoError(t, place(t.Context(), s, tx))
		panic("the host's own")
	})
	assertOrders(t, db, 0)
}

func TestSQLiteTx_cancelledContextStoresNothing(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, place(ctx, s, tx))
	cancel()
	assert.ErrorIs(t, place(ctx, s, tx), context.Canceled)
	assert.Error(t, tx.Commit())
	assertOrders(t, db, 0)
}

func TestSQLiteTx_failedAcceptLeavesTheTransactionUsable(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	taken := fanOut("paid")
	_, err := s.Accept(t.Context(), []notify.Acceptance{taken})
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	clash := fanOut("clash")
	clash.Task.ID = taken.Task.ID // fails after the notification was written
	_, err = s.Tx(tx).Accept(t.Context(), []notify.Acceptance{clash})
	require.Error(t, err)
	_, err = tx.Exec("INSERT INTO orders DEFAULT VALUES")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	assert.Equal(t, 1, count(t, db, "orders"))
	assert.Equal(t, 1, count(t, db, "notify_notification"), "nothing of the failed one")
}

func TestSQLiteTx_withdraws(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	a := toAlice("paid")
	a.Notification.Entity = "order/1"
	_, err := s.Accept(t.Context(), []notify.Acceptance{a})
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	ids, err := s.Tx(tx).(notify.Withdrawer).Withdraw(t.Context(), notify.Withdrawal{Tenant: "acme", Entity: "order/1"})
	require.NoError(t, err)
	assert.Equal(t, []notify.ID{a.ID}, ids)
	require.NoError(t, tx.Rollback())
	swept, err := s.Sweep(t.Context(), a.ID, 10)
	require.NoError(t, err)
	assert.Empty(t, swept, "rolled back, so not withdrawn")
}

func TestSQLiteTx_belongsToItsStoreOnly(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	same, err := sqlite.New(db, nil)
	require.NoError(t, err)
	prefixed := newStore(t, db, &sqlite.Options{Prefix: "other_"})
	elsewhere := newStore(t, openDB(t, newFile(t)), nil)
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	owner := s.Tx(tx).(notify.TxOwner)
	assert.True(t, owner.BelongsTo(s))
	assert.True(t, owner.BelongsTo(same))
	assert.True(t, owner.BelongsTo(wrapper{s}))
	assert.False(t, owner.BelongsTo(prefixed))
	assert.False(t, owner.BelongsTo(elsewhere))
}

// wrapper is what a host puts around a store.
type wrapper struct{ notify.Store }

func (w wrapper) Unwrap() notify.Store { return w.Store }

func TestSQLiteTx_refusesRelaxedDurability(t *testing.T) {
	db, s := hostWithOrders(t, recommended+"&_pragma=synchronous(NORMAL)", nil)
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = s.Tx(tx).Accept(t.Context(), []notify.Acceptance{fanOut("paid")})
	assert.ErrorContains(t, err, "PRAGMA synchronous=FULL")

	allowed, err := sqlite.New(db, &sqlite.Options{AllowRelaxedTx: true})
	require.NoError(t, err)
	_, err = allowed.Tx(tx).Accept(t.Context(), []notify.Acceptance{fanOut("paid")})
	assert.NoError(t, err)
}

func TestSQLiteTx_staleSnapshotSaysToBeginImmediate(t *testing.T) {
	db, s := hostWithOrders(t, "?_pragma=journal_mode(WAL)", nil) // deferred transactions
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	var n int
	require.NoError(t, tx.QueryRow("SELECT COUNT(*) FROM orders").Scan(&n))
	_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("from elsewhere")})
	require.NoError(t, err)
	_, err = s.Tx(tx).Accept(t.Context(), []notify.Acceptance{fanOut("paid")})
	assert.ErrorContains(t, err, "_txlock=immediate")
}
