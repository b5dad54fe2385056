package integration

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/postgres"
	"github.com/bellwether-go/notify/store/storetest"
)

// pgDrivers are the drivers for PostgreSQL, by the names that they register.
var pgDrivers = []string{"pgx", "postgres"}

// openPostgres opens a pool on the server of the tests.
func openPostgres(t testing.TB, driver string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, serviceDSN(t, "NOTIFY_TEST_POSTGRES"))
	require.NoError(t, err)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { db.Close() })
	return db
}

// newSchema makes a schema that lasts as long as the test.
func newSchema(t testing.TB, db *sql.DB) string {
	t.Helper()
	schema := fmt.Sprintf("t%d_%d", time.Now().UnixNano(), sets.Add(1))
	_, err := db.Exec("CREATE SCHEMA " + schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("DROP SCHEMA " + schema + " CASCADE")
		require.NoError(t, err)
	})
	return schema
}

// newPostgres opens a store on new tables.
func newPostgres(t testing.TB, db *sql.DB, opts *postgres.Options) *postgres.Store {
	t.Helper()
	require.NoError(t, postgres.Migrate(t.Context(), db, opts))
	s, err := postgres.New(db, opts)
	require.NoError(t, err)
	return s
}

func TestPostgres_conformance(t *testing.T) {
	for _, driver := range pgDrivers {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			db := openPostgres(t, driver)
			schema := newSchema(t, db)
			tables := &tablePool{db: db, schema: schema + ".", make: func(t testing.TB, prefix string) {
				newPostgres(t, db, &postgres.Options{Schema: schema, Prefix: prefix})
			}}
			storetest.Run(t, func(t testing.TB) storetest.Harness {
				return pgHarness(t, openPostgres(t, driver), postgres.Options{Schema: schema, Prefix: tables.take(t)})
			})
		})
	}
}

// A database that cannot hold all text is refused at once, and not by the first
// title that it cannot hold.
func TestPostgres_refusesOtherEncodings(t *testing.T) {
	dsn, err := url.Parse(serviceDSN(t, "NOTIFY_TEST_POSTGRES"))
	require.NoError(t, err)
	server := openPostgres(t, "pgx")
	for encoding, refused := range map[string]bool{"LATIN1": true, "SQL_ASCII": false} {
		name := fmt.Sprintf("t%d_%d", time.Now().UnixNano(), sets.Add(1))
		_, err := server.Exec("CREATE DATABASE " + name + " ENCODING '" + encoding + "' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
		require.NoError(t, err)
		t.Cleanup(func() { server.Exec("DROP DATABASE " + name + " WITH (FORCE)") })
		dsn.Path = "/" + name
		db, err := sql.Open("pgx", dsn.String())
		require.NoError(t, err)
		t.Cleanup(func() { db.Close() })
		require.NoError(t, postgres.Migrate(t.Context(), db, nil))
		s, err := postgres.New(db, nil)
		if refused {
			assert.ErrorContains(t, err, "encoding of the database is "+encoding)
			continue
		}
		require.NoError(t, err)
		_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("Größe 📦")})
		assert.NoError(t, err)
	}
}

func pgHarness(t testing.TB, db *sql.DB, options postgres.Options) storetest.Harness {
	var moved atomic.Int64
	options.Now = func() time.Time { return time.Now().Add(time.Duration(moved.Load())) }
	opts := &options
	s, err := postgres.New(db, opts)
	require.NoError(t, err)
	return storetest.Harness{
		Store:   s,
		Advance: func(d time.Duration) { moved.Add(int64(d)) },
		Reopen:  func() (notify.Store, error) { return postgres.New(db, opts) },
		Begin: func(ctx context.Context) (storetest.Tx, error) {
			store, err := postgres.New(db, opts)
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
