package integration

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/mysql"
	"github.com/bellwether-go/notify/store/postgres"
)

// backend is a database of a server with a driver: what a host with several
// processes puts the center on.
type backend struct {
	name   string
	db     *sql.DB
	schema string // with a dot, before names of tables
	driver string
	dsn    string
	// pool opens another pool on the database.
	pool    func(t testing.TB) *sql.DB
	migrate func(ctx context.Context, db *sql.DB, prefix string) error
	// open opens the store, and what binds it to a transaction.
	open func(db *sql.DB, prefix string, now func() time.Time) (notify.Store, func(*sql.Tx) notify.Acceptor, error)
	// wait is a statement that takes so many seconds.
	wait string
}

// eachBackend runs a test on each of them at once, each with a database, or
// schema, of its own.
func eachBackend(t *testing.T, test func(t *testing.T, b *backend)) {
	for name, open := range map[string]func(t testing.TB) *backend{
		"pgx": func(t testing.TB) *backend { return pgBackend(t, "pgx") },
		"pq":  func(t testing.TB) *backend { return pgBackend(t, "postgres") },
		"mariadb": func(t testing.TB) *backend {
			config := newDatabase(t, nil)
			return &backend{
				db:     connectMySQL(t, config),
				driver: "mysql",
				dsn:    config.FormatDSN(),
				pool:   func(t testing.TB) *sql.DB { return connectMySQL(t, config) },
				migrate: func(ctx context.Context, db *sql.DB, prefix string) error {
					return mysql.Migrate(ctx, db, &mysql.Options{Prefix: prefix})
				},
				open: func(db *sql.DB, prefix string, now func() time.Time) (notify.Store, func(*sql.Tx) notify.Acceptor, error) {
					s, err := mysql.New(db, &mysql.Options{Prefix: prefix, Now: now})
					if err != nil {
						return nil, nil, err
					}
					return s, s.Tx, nil
				},
				wait: "SELECT SLEEP(?)",
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.name = name
			test(t, b)
		})
	}
}

func pgBackend(t testing.TB, driver string) *backend {
	db := openPostgres(t, driver)
	schema := newSchema(t, db)
	return &backend{
		db:     db,
		schema: schema + ".",
		driver: driver,
		dsn:    serviceDSN(t, "NOTIFY_TEST_POSTGRES"),
		pool:   func(t testing.TB) *sql.DB { return openPostgres(t, driver) },
		migrate: func(ctx context.Context, db *sql.DB, prefix string) error {
			return postgres.Migrate(ctx, db, &postgres.Options{Schema: schema, Prefix: prefix})
		},
		open: func(db *sql.DB, prefix string, now func() time.Time) (notify.Store, func(*sql.Tx) notify.Acceptor, error) {
			s, err := postgres.New(db, &postgres.Options{Schema: schema, Prefix: prefix, Now: now})
			if err != nil {
				return nil, nil, err
			}
			return s, s.Tx, nil
		},
		wait: "SELECT pg_sleep($1)",
	}
}

// host is a program with a table of its own beside the center.
type host struct {
	*backend
	store notify.Store
	bind  func(*sql.Tx) notify.Acceptor
}

// newHost makes tables and opens the store on a pool.
func newHost(t testing.TB, b *backend, db *sql.DB) *host {
	t.Helper()
	require.NoError(t, b.migrate(t.Context(), b.db, ""))
	s, bind, err := b.open(db, "", nil)
	require.NoError(t, err)
	_, err = b.db.Exec("CREATE TABLE " + b.schema + "orders (id INTEGER)")
	require.NoError(t, err)
	return &host{backend: b, store: s, bind: bind}
}
