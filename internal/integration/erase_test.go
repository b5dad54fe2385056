package integration

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// A transaction that looked before the tombstone stood can still write for the
// recipient. Erasing waits for it, and for nobody who comes later.
func TestErase_waitsForWhoeverBeganBefore(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		for _, collapse := range []string{"", "slot"} { // by one statement, and in steps
			eraseBeside(t, h, collapse)
			require.NoError(t, h.store.(notify.Eraser).Restore(t.Context(), alice))
		}
	})
}

func eraseBeside(t *testing.T, h *host, collapse string) {
	before := toAlice("begun before")
	before.Notification.CollapseKey = collapse
	tx, err := h.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // as the store's own
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = h.bind(tx).Accept(t.Context(), []notify.Acceptance{before})
	require.NoError(t, err)

	erased := make(chan error, 1)
	go func() {
		_, err := h.store.(notify.Eraser).Erase(t.Context(), alice)
		erased <- err
	}()
	for count(t, h.db, h.table("tombstone")) == 0 {
		require.Empty(t, erased)
	}
	if h.name != "mariadb" { // there they wait until the one before has ended
		for range 50 {
			late := toAlice("begun later")
			late.Notification.To[0].ID, late.Filings[0].Recipient.ID = "bob", "bob"
			_, err = h.store.Accept(t.Context(), []notify.Acceptance{late})
			require.NoError(t, err)
		}
	}
	select {
	case err := <-erased:
		require.FailNow(t, "erased beside the transaction", "%v", err)
	default:
	}
	require.NoError(t, tx.Commit())
	require.NoError(t, <-erased)
	assert.Empty(t, titles(t, h.store))
	_, err = h.store.Accept(t.Context(), []notify.Acceptance{toAlice("after")})
	require.NoError(t, err)
	assert.Empty(t, titles(t, h.store))
}
