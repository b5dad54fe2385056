//go:build linux

package storm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/integration/servers"
)

// store is what each SQL store is.
type store interface {
	notify.Store
	Tx(*sql.Tx) notify.Acceptor
}

// A system is a kind of database.
type system struct {
	name    string
	driver  string
	server  *servers.Kind                            // nil: needs none
	create  func(t testing.TB, server string) string // an empty database on it, that lasts as long as the test
	migrate func(ctx context.Context, db *sql.DB) error
	open    func(db *sql.DB, now func() time.Time) (store, error)
	tables  string // a query for the names of the center's tables
	ids     string // an expression for the text of a column named id
	busy    string // a query that finds open transactions; empty: what follows tells
	// Statements of a transaction that fails while another one has written.
	begin string
	claim string

	// Of one with a server: what the DSN of its administrator is, how to employ
	// a user without special rights, and what can befall it.
	administrator func(server string) string
	employ        func(t testing.TB, root *sql.DB, dsn string) string
	outages       []outage
}

// systems are all that there are, by name.
var systems = []*system{sqliteSystem, postgresSystem, mariaSystem}

// each runs a test on each system.
func each(t *testing.T, test func(t *testing.T, s *system)) {
	for _, s := range systems {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}

// A database is where a center is kept, as a process is told.
type database struct {
	System string
	DSN    string
}

func (d database) system() *system {
	return systems[slices.IndexFunc(systems, func(s *system) bool { return s.name == d.System })]
}

// newDatabase makes an empty center on the server of the tests, which make test
// starts.
func newDatabase(t testing.TB, s *system) database {
	t.Helper()
	dsn := ""
	if s.server != nil {
		dsn = os.Getenv(s.server.Variable)
		require.NotEmpty(t, dsn, "set %s to the DSN of a %s for tests, or run make test, which starts one", s.server.Variable, s.name)
	}
	return newDatabaseOn(t, s, dsn)
}

// newDatabaseOn makes an empty center on a server, beside a table of the host.
func newDatabaseOn(t testing.TB, s *system, server string) database {
	t.Helper()
	d := database{s.name, s.create(t, server)}
	db, err := sql.Open(s.driver, d.DSN)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, s.migrate(t.Context(), db))
	_, err = db.Exec("CREATE TABLE orders (id VARCHAR(190) PRIMARY KEY)")
	require.NoError(t, err)
	return d
}

// open opens the store. With an offset its clock is that of this process, so
// much ahead; without, the one it has by itself.
func (d database) open(offset time.Duration) (*sql.DB, store, error) {
	db, err := sql.Open(d.system().driver, d.DSN)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	var now func() time.Time
	if offset != 0 {
		now = func() time.Time { return time.Now().Add(offset) }
	}
	s, err := d.system().open(db, now)
	if err != nil {
		db.Close()
	}
	return db, s, err
}

// asking is held by who asks for open transactions: MariaDB answers from memory
// until nobody has asked for a tenth of a second.
var asking sync.Mutex

// unlocked tells whether nobody is just writing.
func (d database) unlocked(ctx context.Context, db *sql.DB) bool {
	conn, err := db.Conn(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	if d.system().busy != "" {
		asking.Lock()
		defer asking.Unlock()
		<-time.After(150 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if busy := d.system().busy; busy != "" {
		var id string
		if err := conn.QueryRowContext(ctx, busy).Scan(&id); !errors.Is(err, sql.ErrNoRows) {
			return false
		}
	}
	if _, err = conn.ExecContext(ctx, d.system().begin); err != nil {
		return false
	}
	_, claimed := conn.ExecContext(ctx, d.system().claim)
	_, err = conn.ExecContext(ctx, "ROLLBACK")
	return claimed == nil && err == nil
}

// contents is everything in the tables of the center, to see whether anything
// has changed.
func (d database) contents(t testing.TB, db *sql.DB) string {
	t.Helper()
	var text strings.Builder
	for _, name := range query(t, db, d.system().tables) {
		rows := query(t, db, "SELECT * FROM "+name[0])
		slices.SortFunc(rows, slices.Compare)
		fmt.Fprintf(&text, "%s\n", name[0])
		for _, row := range rows {
			fmt.Fprintf(&text, "\t%q\n", row)
		}
	}
	return text.String()
}

// query reads all rows, each value as text.
func query(t testing.TB, db *sql.DB, text string) (all [][]string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
		}
		all = append(all, row)
	}
	require.NoError(t, rows.Err())
	return all
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
