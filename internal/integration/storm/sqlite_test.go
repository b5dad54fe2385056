//go:build linux

package storm

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/bellwether-go/notify/store/sqlite"
)

// sqliteSystem is a file, opened as the documentation recommends but for the
// patience of the host's own transactions: others are frozen here.
var sqliteSystem = &system{
	name:   "SQLite",
	driver: "sqlite",
	create: func(t testing.TB, _ string) string {
		return "file:" + filepath.Join(t.TempDir(), "center.db") +
			"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(30000)&_pragma=synchronous(FULL)&_txlock=immediate"
	},
	migrate: func(ctx context.Context, db *sql.DB) error { return sqlite.Migrate(ctx, db, nil) },
	open: func(db *sql.DB, now func() time.Time) (store, error) {
		return sqlite.New(db, &sqlite.Options{Now: now})
	},
	tables: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'notify_%' ORDER BY name",
	ids:    "id",
	begin:  "BEGIN IMMEDIATE",
	claim:  "SELECT 1",
}
