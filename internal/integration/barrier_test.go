package integration

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// blocked waits until a statement on the tables of the test waits for a lock. It
// asks seldom: MariaDB answers from memory who has asked within 100 ms.
func (b *backend) blocked(t *testing.T) {
	t.Helper()
	text, args := `SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 in query) > 0`, []any{b.schemaName()}
	if b.name == "mariadb" {
		text, args = `SELECT COUNT(*) FROM information_schema.innodb_trx x JOIN information_schema.processlist p ON p.id = x.trx_mysql_thread_id
WHERE x.trx_state = 'LOCK WAIT' AND p.db = DATABASE()`, nil
	}
	require.Eventually(t, func() bool {
		var n int
		require.NoError(t, b.db.QueryRow(text, args...).Scan(&n))
		return n > 0
	}, time.Minute, 200*time.Millisecond, "nobody waits for a lock")
}

// Somebody has looked for a tombstone of alice, found none, and has written
// nothing for her yet, because something of somebody else holds it up. There is
// no row of hers that erasing could meet. What it writes after that does not
// stay.
func TestErase_waitsForWhoeverHasLookedAndNotWritten(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		toBoth := func(title string) notify.Acceptance {
			a := toAlice(title)
			aaron := a.Filings[0]
			aaron.Recipient.ID, aaron.Tasks = "aaron", nil
			a.Notification.To = append(a.Notification.To, aaron.Recipient)
			a.Notification.CollapseKey = "slot"
			a.Filings = append(a.Filings, aaron)
			return a
		}
		first := toBoth("first")
		first.Filings = first.Filings[1:] // of aaron only
		_, err := h.store.Accept(t.Context(), []notify.Acceptance{first})
		require.NoError(t, err)
		blocker, err := h.db.Begin()
		require.NoError(t, err)
		defer blocker.Rollback()
		_, err = blocker.Exec("UPDATE " + h.table("item") + " SET repeats = repeats + 1 WHERE recipient = 'aaron'")
		require.NoError(t, err)

		accepted, erased := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := h.store.Accept(t.Context(), []notify.Acceptance{toBoth("second")})
			accepted <- err
		}()
		h.blocked(t)
		go func() {
			_, err := h.store.(notify.Eraser).Erase(t.Context(), alice)
			erased <- err
		}()
		for count(t, h.db, h.table("tombstone")) == 0 {
			require.Empty(t, erased)
		}
		waits, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		select {
		case err := <-erased:
			require.FailNow(t, "erased beside a transaction that has looked", "%v", err)
		case <-waits.Done():
		}
		require.NoError(t, blocker.Rollback())
		require.NoError(t, <-accepted)
		require.NoError(t, <-erased)
		assert.Empty(t, titles(t, h.store))
	})
}
