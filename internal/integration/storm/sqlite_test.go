//go:build linux

package storm

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/bellwether-go/notify/store/sqlite"
)

// sqliteSystem is a file, opened as the documentation recommends but for the
// patience of the host's own transactions: others are frozen here.
var sqliteSystem = &system{
	name:   "SQLite",
	driver: "sqlite",
	create: func(t testing.TB, folder string) string {
		if folder == "" {
			folder = t.TempDir()
		}
		return "file:" + filepath.Join(folder, "center.db") +
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

	outages: []outage{
		{
			name: "locked by a writer",
			begin: func(h *host) {
				conn, err := h.root.Conn(h.t.Context())
				require.NoError(h.t, err)
				_, err = conn.ExecContext(h.t.Context(), "BEGIN IMMEDIATE")
				require.NoError(h.t, err)
				h.stop = func() {
					_, err := conn.ExecContext(h.t.Context(), "ROLLBACK")
					require.NoError(h.t, err)
					require.NoError(h.t, conn.Close())
				}
			},
			end:   func(h *host) { h.stop() },
			tells: "another connection holds the database|database is locked|interrupted",
		},
		{
			name:  "a table gone",
			begin: func(h *host) { h.run("ALTER TABLE notify_task RENAME TO gone") },
			end:   func(h *host) { h.run("ALTER TABLE gone RENAME TO notify_task") },
			tells: "run sqlite.Migrate",
		},
		diskFull("disk is full"),
	},
}
