package integration

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

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

// waiting tells whether a transaction on the database of the test waits for a
// lock.
func (b *backend) waiting(t testing.TB) bool {
	t.Helper()
	text := "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%notify_item%'"
	if b.name != "mariadb" {
		text = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%" + b.schema[:len(b.schema)-1] + "%'"
	}
	var n int
	require.NoError(t, b.db.QueryRow(text).Scan(&n))
	return n > 0
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
		tx, err := b.db.Begin()
		require.NoError(t, err)
		defer tx.Rollback()
		if b.name == "mariadb" { // which gives up the smaller one
			for range 100 {
				_, err = tx.Exec("INSERT INTO orders VALUES (1)")
				require.NoError(t, err)
			}
		} else { // which gives up whoever looks first
			_, err = tx.Exec("SET LOCAL deadlock_timeout = '1min'")
			require.NoError(t, err)
		}
		_, err = tx.Exec(b.touch(second.ID))
		require.NoError(t, err)
		marked := make(chan error, 1)
		go func() {
			_, err := h.store.Mark(t.Context(), alice, notify.ItemMark{Op: notify.OpRead, IDs: []notify.ID{first.ID, second.ID}})
			marked <- err
		}()
		for !b.waiting(t) {
			require.Empty(t, marked)
			// MariaDB looks at its locks anew only after a tenth of a second
			// in which nobody has asked.
			<-time.After(200 * time.Millisecond)
		}
		_, err = tx.Exec(b.touch(first.ID))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.NoError(t, <-marked)
		counts, err := h.store.Counts(t.Context(), alice, 10)
		require.NoError(t, err)
		assert.Zero(t, counts.Unread)
	})
}
