//go:build linux

package storm

import (
	"context"
	"database/sql"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/internal/integration/servers"
	"github.com/bellwether-go/notify/store/mysql"
)

// mariaSystem is a database on the server of the tests.
var mariaSystem = &system{
	name:   "MariaDB",
	driver: "mysql",
	server: servers.MariaDB,
	create: func(t testing.TB, server string) string {
		name := freshName()
		execute(t, "mysql", server, "CREATE DATABASE "+name)
		t.Cleanup(func() { execute(t, "mysql", server, "DROP DATABASE "+name) })
		config := parseDSN(t, server)
		config.DBName = name
		return config.FormatDSN()
	},
	migrate: func(ctx context.Context, db *sql.DB) error { return mysql.Migrate(ctx, db, nil) },
	open: func(db *sql.DB, now func() time.Time) (store, error) {
		return mysql.New(db, &mysql.Options{Now: now})
	},
	tables: "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name LIKE 'notify_%' ORDER BY table_name",
	ids:    "INSERT(INSERT(INSERT(INSERT(LOWER(HEX(id)), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')",
	busy: "SELECT t.trx_id FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id" +
		" WHERE p.db = database()",
	begin: "BEGIN",
	claim: "SELECT id FROM notify_task FOR UPDATE NOWAIT",

	administrator: func(server string) string { return server },
	employ: func(t testing.TB, root *sql.DB, dsn string) string {
		config := parseDSN(t, dsn)
		for _, statement := range []string{
			"CREATE USER host@'127.0.0.1' IDENTIFIED BY 'host'",
			"GRANT SELECT ON " + config.DBName + ".* TO host@'127.0.0.1'",
			"GRANT INSERT, UPDATE, DELETE ON " + config.DBName + ".* TO host@'127.0.0.1'",
		} {
			_, err := root.Exec(statement)
			require.NoError(t, err)
		}
		config.User, config.Passwd = "host", "host"
		return config.FormatDSN()
	},
	outages: []outage{
		frozen,
		crashed(mariaCut),
		shutDown(mariaCut),
		{
			name:  "connections cut",
			begin: func(h *host) { h.keep(func(ctx context.Context) { h.cutMaria(ctx) }) },
			end:   func(h *host) { h.stop() },
			tells: mariaCut,
		},
		{
			name:  "read-only",
			begin: func(h *host) { h.run("SET GLOBAL read_only = ON") },
			end:   func(h *host) { h.run("SET GLOBAL read_only = OFF") },
			tells: "connect to the primary|Error 1290",
		},
		{
			name: "rights withdrawn",
			begin: func(h *host) {
				h.run("REVOKE INSERT, UPDATE, DELETE ON " + parseDSN(h.t, h.db.DSN).DBName + ".* FROM host@'127.0.0.1'")
				h.cutMaria(h.t.Context()) // rights are looked up by new connections
			},
			end: func(h *host) {
				h.run("GRANT INSERT, UPDATE, DELETE ON " + parseDSN(h.t, h.db.DSN).DBName + ".* TO host@'127.0.0.1'")
				h.cutMaria(h.t.Context())
			},
			tells: "grant the user|Error 1142|" + mariaCut,
		},
		{
			name: "a table gone",
			begin: func(h *host) {
				h.run("RENAME TABLE " + parseDSN(h.t, h.db.DSN).DBName + ".notify_task TO " + parseDSN(h.t, h.db.DSN).DBName + ".gone")
			},
			end: func(h *host) {
				h.run("RENAME TABLE " + parseDSN(h.t, h.db.DSN).DBName + ".gone TO " + parseDSN(h.t, h.db.DSN).DBName + ".notify_task")
			},
			tells: "run mysql.Migrate",
		},
		diskFull("disk of the server is full|Error 3|" + mariaCut),
	},
}

// mariaCut is what callers are told whose connection has ended.
const mariaCut = "connect|EOF|reset|broken pipe|closed|invalid connection|bad connection|shutdown in progress|busy buffer|killed"

// cutMaria ends the connections of the host.
func (h *host) cutMaria(ctx context.Context) {
	_, _ = h.root.ExecContext(ctx, "KILL CONNECTION USER host@'127.0.0.1'") // there may be none just now
}

func parseDSN(t testing.TB, dsn string) *driver.Config {
	t.Helper()
	config, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	return config
}
