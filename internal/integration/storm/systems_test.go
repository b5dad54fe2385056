//go:build linux

package storm

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/bellwether-go/notify/internal/integration/servers"
	"github.com/bellwether-go/notify/store/postgres"
	"github.com/bellwether-go/notify/store/sqlite"
)

// sqliteSystem is a file, opened as the documentation recommends but for the
// patience of the host's own transactions: others are frozen here.
var sqliteSystem = &system{
	name:   "SQLite",
	driver: "sqlite",
	create: func(t testing.TB) string {
		return "file:" + filepath.Join(t.TempDir(), "center.db") +
			"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(30000)&_pragma=synchronous(FULL)&_txlock=immediate"
	},
	migrate: func(ctx context.Context, db *sql.DB) error { return sqlite.Migrate(ctx, db, nil) },
	open: func(db *sql.DB, now func() time.Time) (store, error) {
		return sqlite.New(db, &sqlite.Options{Now: now})
	},
	tables: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'notify_%' ORDER BY name",
	begin:  "BEGIN IMMEDIATE",
	claim:  "SELECT 1",
}

// postgresSystem is a schema on the server of the tests.
var postgresSystem = &system{
	name:   "PostgreSQL",
	driver: "pgx",
	create: func(t testing.TB) string {
		dsn := serverDSN(t, servers.Postgres)
		schema := freshName()
		execute(t, "pgx", dsn, "CREATE SCHEMA "+schema)
		t.Cleanup(func() { execute(t, "pgx", dsn, "DROP SCHEMA "+schema+" CASCADE") })
		return withParameter(dsn, "search_path="+schema)
	},
	migrate: func(ctx context.Context, db *sql.DB) error { return postgres.Migrate(ctx, db, nil) },
	open: func(db *sql.DB, now func() time.Time) (store, error) {
		return postgres.New(db, &postgres.Options{Now: now})
	},
	tables: "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name LIKE 'notify_%' ORDER BY table_name",
	begin:  "BEGIN",
	claim:  "SELECT id FROM notify_task FOR UPDATE NOWAIT",
}

// serverDSN is where a server for the tests is. Make test starts one.
func serverDSN(t testing.TB, kind *servers.Kind) string {
	t.Helper()
	dsn := os.Getenv(kind.Variable)
	require.NotEmpty(t, dsn, "set %s to the DSN of a %s for tests, or run make test, which starts one", kind.Variable, kind.Name)
	return dsn
}

// names counts what was named.
var names atomic.Int64

func freshName() string {
	return fmt.Sprintf("storm_%d_%d", time.Now().UnixNano(), names.Add(1))
}

func execute(t testing.TB, driver, dsn, statement string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(statement)
	require.NoError(t, err)
}

func withParameter(dsn, parameter string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + parameter
	}
	return dsn + "?" + parameter
}
