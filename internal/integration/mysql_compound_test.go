package integration

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// Several statements in one: what the first ones wrote goes when a later one
// fails, and no transaction stays open on a connection that others use next.
func TestMySQL_undoesWhatItWrote(t *testing.T) {
	db := connectMySQL(t, newDatabase(t, nil))
	s := newMySQL(t, db, nil)
	db.SetMaxOpenConns(1)
	deferred, filed := fanOut("deferred"), toAlice("filed")
	for _, a := range []notify.Acceptance{deferred, filed} {
		_, err := s.Accept(t.Context(), []notify.Acceptance{a})
		require.NoError(t, err)
	}

	again := fanOut("the id of its task is taken")
	again.Task.ID = deferred.Task.ID
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = s.Tx(tx).Accept(t.Context(), []notify.Acceptance{again})
	require.ErrorContains(t, err, "Duplicate")
	_, err = s.Tx(tx).Accept(t.Context(), []notify.Acceptance{fanOut("another try")})
	require.NoError(t, err, "the transaction is the host's to commit")
	require.NoError(t, tx.Commit())
	assert.Equal(t, 3, count(t, db, "notify_notification"))

	again = toAlice("the id of its task is taken")
	again.Filings[0].Tasks[0].ID = filed.Filings[0].Tasks[0].ID
	_, err = s.Accept(t.Context(), []notify.Acceptance{again})
	require.ErrorContains(t, err, "Duplicate")
	var open int
	require.NoError(t, db.QueryRow(`SELECT @@in_transaction`).Scan(&open))
	assert.Zero(t, open)
	assert.Equal(t, 3, count(t, db, "notify_notification"))
	assert.Equal(t, 1, count(t, db, "notify_item"))
}
