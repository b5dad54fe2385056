package integration

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// order writes a row of the host and sends twice about it.
func (h *host) order(ctx context.Context, n *notify.Notifier, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "INSERT INTO "+h.schema+"orders VALUES (1)"); err != nil {
		return err
	}
	for _, title := range []string{"paid", "shipped"} {
		if _, err := n.SendTx(ctx, h.bind(tx), toTitle(title)); err != nil {
			return err
		}
	}
	return nil
}

// assertOrders: all of an order is there, or nothing.
func (h *host) assertOrders(t *testing.T, n *notify.Notifier, m *mailbox, orders int) {
	t.Helper()
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, orders, count(t, h.db, h.schema+"orders"), "rows of the host")
	assert.Len(t, titles(t, h.store), 2*orders, "items")
	assert.Len(t, m.got, 2*orders, "deliveries")
}

func TestHostTx_allOrNothing(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		pool := b.pool(t)
		pool.SetMaxOpenConns(2)
		h := newHost(t, b, pool)
		m := newMailbox()
		n := newCenter(t, h.store, m)
		begin := func(ctx context.Context) *sql.Tx {
			tx, err := pool.BeginTx(ctx, nil)
			require.NoError(t, err)
			t.Cleanup(func() { tx.Rollback() })
			return tx
		}

		tx := begin(t.Context())
		require.NoError(t, h.order(t.Context(), n, tx))
		require.NoError(t, tx.Rollback())
		h.assertOrders(t, n, m, 0)

		assert.Panics(t, func() {
			tx := begin(t.Context())
			defer tx.Rollback()
			require.NoError(t, h.order(t.Context(), n, tx))
			panic("the host's own")
		})
		h.assertOrders(t, n, m, 0)

		ctx, cancel := context.WithCancel(t.Context())
		tx = begin(ctx)
		require.NoError(t, h.order(ctx, n, tx))
		cancel()
		assert.Error(t, h.order(ctx, n, tx))
		assert.Error(t, tx.Commit())
		h.assertOrders(t, n, m, 0)

		tx = begin(t.Context())
		require.NoError(t, h.order(t.Context(), n, tx))
		h.assertOrders(t, n, m, 0) // seen from outside
		require.NoError(t, tx.Commit())
		h.assertOrders(t, n, m, 1)
	})
}

// A host that takes its time hinders nobody: others send, work, read and prune
// on the other connection of its pool.
func TestHostTx_heldOpenForFiveSeconds(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		pool := b.pool(t)
		pool.SetMaxOpenConns(2)
		h := newHost(t, b, pool)
		m := newMailbox()
		n := newCenter(t, h.store, m)
		tx, err := pool.Begin()
		require.NoError(t, err)
		defer tx.Rollback()
		require.NoError(t, h.order(t.Context(), n, tx))
		held := make(chan error, 1)
		go func() {
			_, err := tx.Exec(h.wait, 5)
			held <- err
		}()
		for i := range 5 {
			_, err := n.Send(t.Context(), toTitle(fmt.Sprint("beside ", i)))
			require.NoError(t, err)
		}
		require.NoError(t, n.Drain(t.Context()))
		_, err = n.Prune(t.Context(), notify.Prune{ReadBefore: time.Now()})
		require.NoError(t, err)
		assert.Len(t, m.got, 5)
		select {
		case err := <-held:
			require.FailNow(t, "the transaction has been waited for", "%v", err)
		default:
		}
		require.NoError(t, <-held)
		require.NoError(t, tx.Commit())
		require.NoError(t, n.Drain(t.Context()))
		assert.Len(t, m.got, 7)
	})
}

func TestHostTx_ofAnotherStoreIsRefused(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		require.NoError(t, b.migrate(t.Context(), b.db, "other_"))
		_, bindOther, err := b.open(b.db, "other_", nil)
		require.NoError(t, err)
		_, bindSame, err := b.open(b.db, "", nil)
		require.NoError(t, err)
		_, bindElsewhere, err := b.open(b.pool(t), "", nil)
		require.NoError(t, err)
		n := newCenter(t, h.store, newMailbox())
		tx, err := b.db.Begin()
		require.NoError(t, err)
		defer tx.Rollback()
		_, err = n.SendTx(t.Context(), bindOther(tx), toTitle("paid"))
		assert.ErrorIs(t, err, notify.ErrInvalid, "of another prefix")
		_, err = n.SendTx(t.Context(), bindElsewhere(tx), toTitle("paid"))
		assert.ErrorIs(t, err, notify.ErrInvalid, "of another pool")
		_, err = n.SendTx(t.Context(), bindSame(tx), toTitle("paid"))
		assert.NoError(t, err, "another store on the same tables")
		_, err = n.SendTx(t.Context(), h.bind(nil), toTitle("paid"))
		assert.ErrorIs(t, err, notify.ErrInvalid, "no transaction")
	})
}

// What is filed earlier and committed later is not skipped: not by pages, and
// not by somebody who watches.
func TestHostTx_lateCommitIsNotSkipped(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		n := newCenter(t, h.store, newMailbox())
		tx, err := b.db.Begin()
		require.NoError(t, err)
		defer tx.Rollback()
		_, err = h.bind(tx).Accept(t.Context(), []notify.Acceptance{toAlice("late")}) // filed in it
		require.NoError(t, err)
		_, err = h.store.Accept(t.Context(), []notify.Acceptance{toAlice("early")})
		require.NoError(t, err)
		require.Equal(t, []string{"early"}, titles(t, h.store))

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		page, err := n.Inbox(alice).Page(ctx, notify.Query{})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.NoError(t, tx.Commit())
		assert.Equal(t, []string{"late", "early"}, titles(t, h.store))
		seen := map[string]bool{}
		for change, err := range n.Inbox(alice).Watch(ctx, page.Head) {
			require.NoError(t, err)
			if change.Kind == notify.ChangeItem {
				seen[change.Item.Notification.Title] = true
			}
			if seen["late"] {
				break
			}
		}
		assert.True(t, seen["late"], "behind the cursor of the page")
	})
}

// What is prepared for the store's own pool is of no use there.
func TestHostTx_ofAnotherPoolServes(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.pool(t))
		n := newCenter(t, h.store, newMailbox())
		tx, err := b.pool(t).BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer tx.Rollback()
		_, err = n.SendTx(t.Context(), h.bind(tx), toTitle("paid"))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.NoError(t, n.Drain(t.Context()))
		assert.Equal(t, []string{"paid"}, titles(t, h.store))
	})
}
