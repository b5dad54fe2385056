package integration

import (
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// storeTables are the tables of a store, without the one of versions.
var storeTables = []string{
	"notification", "item", "task", "delivery", "entry", "plan", "preference", "address", "suppression", "pause", "tombstone", "ingest_key",
}

// tablePool lends sets of empty tables in a database: to make tables takes far
// longer than what most checks do with them. A set is a prefix, and one test's
// at a time.
type tablePool struct {
	db     *sql.DB
	schema string // with a dot
	make   func(t testing.TB, prefix string)

	mu   sync.Mutex
	free []string
}

// sets numbers sets of tables and schemas.
var sets atomic.Int64

// lend returns the prefix of a set that is there, or "".
func (p *tablePool) lend() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free)
	if n == 0 {
		return ""
	}
	prefix := p.free[n-1]
	p.free = p.free[:n-1]
	return prefix
}

// take returns the prefix of empty tables, which the test gives back.
func (p *tablePool) take(t testing.TB) string {
	t.Helper()
	prefix := p.lend()
	if prefix == "" {
		prefix = fmt.Sprintf("set%d_", sets.Add(1))
		p.make(t, prefix)
	}
	t.Cleanup(func() {
		for _, table := range storeTables {
			_, err := p.db.Exec("DELETE FROM " + p.schema + prefix + table)
			require.NoError(t, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = append(p.free, prefix)
	})
	return prefix
}
