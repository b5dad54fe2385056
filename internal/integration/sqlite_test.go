package integration

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/sqlite"
	"github.com/bellwether-go/notify/store/storetest"
)

// recommended is what the documentation tells a host to open with.
const recommended = "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate"

// openDB opens a database and closes it after the test.
func openDB(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// newFile names a database file that is not there yet.
func newFile(t testing.TB) string {
	return "file:" + filepath.Join(t.TempDir(), "test.db")
}

// newStore opens a store on new tables.
func newStore(t testing.TB, db *sql.DB, opts *sqlite.Options) *sqlite.Store {
	t.Helper()
	require.NoError(t, sqlite.Migrate(t.Context(), db, opts))
	s, err := sqlite.New(db, opts)
	require.NoError(t, err)
	return s
}

func TestSQLite_conformance(t *testing.T) {
	for _, tt := range []struct{ name, params string }{
		{"as recommended", recommended},
		{"with the defaults of the driver", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t testing.TB) storetest.Harness { return harness(t, tt.params) })
		})
	}
}

func harness(t testing.TB, params string) storetest.Harness {
	dsn := newFile(t) + params
	var moved atomic.Int64
	opts := &sqlite.Options{Now: func() time.Time { return time.Now().Add(time.Duration(moved.Load())) }}
	db := openDB(t, dsn)
	return storetest.Harness{
		Store:   newStore(t, db, opts),
		Advance: func(d time.Duration) { moved.Add(int64(d)) },
		Reopen: func() (notify.Store, error) {
			return sqlite.New(openDB(t, dsn), opts)
		},
		Begin: func(ctx context.Context) (storetest.Tx, error) {
			store, err := sqlite.New(db, opts)
			if err != nil {
				return storetest.Tx{}, err
			}
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return storetest.Tx{}, err
			}
			return storetest.Tx{Acceptor: store.Tx(tx), Commit: tx.Commit, Rollback: tx.Rollback}, nil
		},
	}
}
