//go:build linux

package storm

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/sqlite"
)

// A database is where a center is kept, as a process is told.
type database struct {
	Driver string
	DSN    string
}

// store is what each SQL store is.
type store interface {
	notify.Store
	Tx(*sql.Tx) notify.Acceptor
}

// open opens the store. Its clock is ahead of the real one by the offset.
func (d database) open(offset time.Duration) (*sql.DB, store, error) {
	db, err := sql.Open(d.Driver, d.DSN)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	now := func() time.Time { return time.Now().Add(offset) }
	s, err := sqlite.New(db, &sqlite.Options{Now: now})
	if err != nil {
		db.Close()
	}
	return db, s, err
}

// newSQLite makes an empty center in a file, as the documentation recommends it.
func newSQLite(t testing.TB) database {
	t.Helper()
	d := database{"sqlite", "file:" + filepath.Join(t.TempDir(), "center.db") +
		"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_txlock=immediate"}
	db, err := sql.Open(d.Driver, d.DSN)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, sqlite.Migrate(t.Context(), db, nil))
	_, err = db.Exec("CREATE TABLE orders (id VARCHAR(190) PRIMARY KEY)")
	require.NoError(t, err)
	return d
}

// unlocked tells whether nobody is just writing.
func (d database) unlocked(ctx context.Context, db *sql.DB) bool {
	conn, err := db.Conn(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if _, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false
	}
	_, err = conn.ExecContext(ctx, "ROLLBACK")
	return err == nil
}

// contents is everything in the tables of the center, to see whether anything
// has changed.
func contents(ctx context.Context, t testing.TB, db *sql.DB) string {
	t.Helper()
	var text strings.Builder
	for _, table := range tables(ctx, t, db) {
		rows, err := db.QueryContext(ctx, "SELECT * FROM "+table)
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		var lines []string
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			require.NoError(t, rows.Scan(values...))
			var l strings.Builder
			for i, v := range values {
				fmt.Fprintf(&l, "%s=%q ", columns[i], fmt.Sprint(*v.(*any)))
			}
			lines = append(lines, l.String())
		}
		require.NoError(t, rows.Err())
		slices.Sort(lines)
		fmt.Fprintf(&text, "%s\n%s\n", table, strings.Join(lines, "\n"))
	}
	return text.String()
}

// tables are those of the center.
func tables(ctx context.Context, t testing.TB, db *sql.DB) []string {
	t.Helper()
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'notify_%' ORDER BY name")
	require.NoError(t, err)
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	return names
}
