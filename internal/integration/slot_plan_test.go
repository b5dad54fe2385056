package integration

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/mysql"
)

// collapsing is a notification to somebody, with a collapse key.
func collapsing(id, title string) notify.Acceptance {
	a := toAlice(title)
	a.Notification.CollapseKey = "build"
	a.Notification.To = []notify.Recipient{{Tenant: "acme", ID: id}}
	a.Filings[0].Recipient = a.Notification.To[0]
	return a
}

// What collapses waits for whoever has its own item, and for nobody else: also
// where there are so few items that a database would rather look at all of them.
func TestSlots_waitForNobodyElse(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		bob := collapsing("bob", "red")
		for _, a := range []notify.Acceptance{bob, collapsing("alice", "red")} {
			_, err := h.store.Accept(t.Context(), []notify.Acceptance{a})
			require.NoError(t, err)
		}
		tx, err := b.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		require.NoError(t, err)
		defer tx.Rollback()
		_, err = tx.Exec(b.touch(bob.ID))
		require.NoError(t, err)
		_, err = h.store.Accept(t.Context(), []notify.Acceptance{collapsing("alice", "green")})
		require.NoError(t, err)
		assert.Equal(t, []string{"green"}, titles(t, h.store))
	})
}

// On MariaDB what has been touched tells whether an index serves it.
func TestSlots_mariadbUsesTheIndex(t *testing.T) {
	db := connectMySQL(t, newDatabase(t, nil))
	db.SetMaxOpenConns(1)
	s := newMySQL(t, db, &mysql.Options{})
	var batch []notify.Acceptance
	for i := range 5000 {
		batch = append(batch, collapsing(fmt.Sprint("user", i), "red"))
	}
	_, err := s.Accept(t.Context(), batch)
	require.NoError(t, err)
	green := func() {
		_, err := s.Accept(t.Context(), []notify.Acceptance{collapsing("user7", "green"), collapsing("user8", "green")})
		require.NoError(t, err)
	}
	green() // prepares
	before := handlers(t, db)
	green()
	touched := 0
	for name, n := range handlers(t, db) {
		if strings.HasPrefix(name, "Handler_read") {
			touched += n - before[name]
		}
	}
	t.Logf("rows touched by two that collapse among 5,000: %d", touched)
	assert.Less(t, touched, 100)
}
