//go:build linux

package storm

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/internal/integration/servers"
	"github.com/bellwether-go/notify/store/postgres"
)

// postgresSystem is a schema on the server of the tests.
var postgresSystem = &system{
	name:   "PostgreSQL",
	driver: "pgx",
	server: servers.Postgres,
	create: func(t testing.TB, server string) string {
		schema := freshName()
		execute(t, "pgx", server, "CREATE SCHEMA "+schema)
		t.Cleanup(func() { execute(t, "pgx", server, "DROP SCHEMA "+schema+" CASCADE") })
		return withParameter(server, "search_path="+schema)
	},
	migrate: func(ctx context.Context, db *sql.DB) error { return postgres.Migrate(ctx, db, nil) },
	open: func(db *sql.DB, now func() time.Time) (store, error) {
		return postgres.New(db, &postgres.Options{Now: now})
	},
	tables: "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name LIKE 'notify_%' ORDER BY table_name",
	ids:    "id",
	begin:  "BEGIN",
	claim:  "SELECT id FROM notify_task FOR UPDATE NOWAIT",

	administrator: func(server string) string { return withParameter(server, "default_transaction_read_only=off") },
	employ: func(t testing.TB, root *sql.DB, dsn string) string {
		schema := pgSchema(t, dsn)
		for _, statement := range []string{
			"CREATE ROLE host LOGIN PASSWORD 'host'",
			"GRANT USAGE ON SCHEMA " + schema + " TO host",
			"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO host",
		} {
			_, err := root.Exec(statement)
			require.NoError(t, err)
		}
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		u.User = url.UserPassword("host", "host")
		return u.String()
	},
	outages: []outage{
		frozen,
		crashed("connect|EOF|reset|starting up|unexpected|broken pipe|closed"),
		shutDown("connect|EOF|reset|starting up|shutting down|terminating|unexpected|broken pipe|closed"),
		{
			name: "connections cut",
			begin: func(h *host) {
				h.keep(func(ctx context.Context) {
					_, _ = h.root.ExecContext(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'host'")
				})
			},
			end:   func(h *host) { h.stop() },
			tells: "terminating connection|EOF|reset|unexpected|broken pipe|closed|bad connection",
		},
		{
			name: "read-only",
			begin: func(h *host) {
				h.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
			},
			end: func(h *host) {
				h.run("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
			},
			tells: "connect to the primary|SQLSTATE 25006",
		},
		{
			name: "rights withdrawn",
			begin: func(h *host) {
				h.run("REVOKE SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + pgSchema(h.t, h.db.DSN) + " FROM host")
			},
			end: func(h *host) {
				h.run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + pgSchema(h.t, h.db.DSN) + " TO host")
			},
			tells: "grant the role|SQLSTATE 42501",
		},
		{
			name:  "a table gone",
			begin: func(h *host) { h.run("ALTER TABLE " + pgSchema(h.t, h.db.DSN) + ".notify_task RENAME TO gone") },
			end:   func(h *host) { h.run("ALTER TABLE " + pgSchema(h.t, h.db.DSN) + ".gone RENAME TO notify_task") },
			tells: "run postgres.Migrate",
		},
		diskFull("disk of the server is full|connect|EOF|reset|starting up|unexpected|broken pipe|closed|recovery|terminating"),
	},
}

// pgSchema is the schema that a DSN leads to.
func pgSchema(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	return u.Query().Get("search_path")
}

func withParameter(dsn, parameter string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + parameter
	}
	return dsn + "?" + parameter
}
