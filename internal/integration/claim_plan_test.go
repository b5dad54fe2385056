package integration

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/mysql"
	"github.com/bellwether-go/notify/store/postgres"
)

// fillOutbox puts so many deliveries of several tenants into the outbox.
func fillOutbox(t testing.TB, s notify.Store, batches int) {
	t.Helper()
	for i := range batches {
		a := toAlice("bulk")
		a.Filings = nil
		for j, f := range filings(crowd(1000)) {
			f.Tasks[0].Bucket = (100*i + j) % 40
			a.Filings = append(a.Filings, f)
		}
		_, err := s.Accept(t.Context(), []notify.Acceptance{a})
		require.NoError(t, err)
	}
}

var claimTen = notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: 10}, FanOuts: 5, Recovered: 5}

// The plans of what a claim has run are those that auto_explain reports: each
// finds tasks by an index, and none looks at all of them.
func TestClaimPlan_postgresUsesTheIndexes(t *testing.T) {
	schema := newSchema(t, openPostgres(t, "pgx"))
	config, err := pgx.ParseConfig(serviceDSN(t, "NOTIFY_TEST_POSTGRES"))
	require.NoError(t, err)
	var mu sync.Mutex
	var plans []string
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		mu.Lock()
		defer mu.Unlock()
		plans = append(plans, n.Message)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	db.SetMaxOpenConns(1)
	s := newPostgres(t, db, &postgres.Options{Schema: schema})
	fillOutbox(t, s, 10)
	for _, text := range []string{
		"ANALYZE " + schema + ".notify_task", "LOAD 'auto_explain'", "SET auto_explain.log_min_duration = 0",
		"SET auto_explain.log_analyze = on", "SET client_min_messages = log",
	} {
		_, err := db.Exec(text)
		require.NoError(t, err)
	}
	for range 10 { // some on plans made for the values, some on general ones
		tasks, err := s.Claim(t.Context(), claimTen)
		require.NoError(t, err)
		require.Len(t, tasks, 10)
	}
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(plans, "\n")
	assert.Contains(t, all, "notify_task_ready")
	assert.Contains(t, all, "notify_task_leased")
	assert.NotContains(t, all, "Seq Scan on notify_task")
}

// On MariaDB what a claim has touched tells whether indexes serve it: neither a
// scan nor a sort, and far fewer rows than there are.
func TestClaimPlan_mariadbUsesTheIndexes(t *testing.T) {
	db := connectMySQL(t, newDatabase(t, nil))
	db.SetMaxOpenConns(1)
	s := newMySQL(t, db, &mysql.Options{})
	fillOutbox(t, s, 10)
	_, err := db.Exec("ANALYZE TABLE notify_task")
	require.NoError(t, err)
	_, err = s.Claim(t.Context(), claimTen) // prepares
	require.NoError(t, err)
	before := handlers(t, db)
	tasks, err := s.Claim(t.Context(), claimTen)
	require.NoError(t, err)
	require.Len(t, tasks, 10)
	after := handlers(t, db)
	touched := 0
	for name, n := range after {
		if strings.HasPrefix(name, "Handler_read") {
			touched += n - before[name]
		}
	}
	t.Logf("rows touched by a claim of 10 among 10,000: %d", touched)
	assert.Less(t, touched, 1000)
}

// handlers reads the counters of the only connection of a pool.
func handlers(t testing.TB, db *sql.DB) map[string]int {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "SHOW SESSION STATUS LIKE 'Handler%'")
	require.NoError(t, err)
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var name string
		var n int
		require.NoError(t, rows.Scan(&name, &n))
		found[name] = n
	}
	require.NoError(t, rows.Err())
	return found
}

// Tables that autovacuum has seen all but empty grow: what was planned then is
// planned anew once it is slow, and does not stay so.
func TestPlans_areMadeAnewWhenTablesHaveGrown(t *testing.T) {
	db := openPostgres(t, "pgx")
	db.SetMaxOpenConns(1)
	schema := newSchema(t, db)
	s := newPostgres(t, db, &postgres.Options{Schema: schema})
	work := func(n int) time.Duration {
		begun := time.Now()
		tasks, err := s.Claim(t.Context(), notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: n}})
		require.NoError(t, err)
		require.Len(t, tasks, n)
		outcomes := make([]notify.Outcome, n)
		for i, k := range tasks {
			outcomes[i] = notify.Outcome{Task: notify.Lease{ID: k.ID, Epoch: k.Epoch}, Status: notify.StatusDelivered}
		}
		_, err = s.Settle(t.Context(), outcomes)
		require.NoError(t, err)
		return time.Since(begun)
	}
	for _, table := range []string{"task", "item", "notification"} {
		_, err := db.Exec("ALTER TABLE " + schema + ".notify_" + table + " SET (autovacuum_enabled = off)")
		require.NoError(t, err)
	}
	few := func() {
		for range 8 { // until there are general plans
			_, err := s.Accept(t.Context(), []notify.Acceptance{toAlice("first"), toAlice("second")})
			require.NoError(t, err)
			work(2)
		}
	}
	few()
	_, err := db.Exec("VACUUM ANALYZE " + schema + ".notify_task")
	require.NoError(t, err)
	few()
	seen := func() (tuples float64) {
		require.NoError(t, db.QueryRow("SELECT reltuples FROM pg_class WHERE oid = '"+schema+".notify_task'::regclass").Scan(&tuples))
		return tuples
	}
	require.Less(t, seen(), 100.0)
	fillOutbox(t, s, 10)
	for range 3 {
		t.Log(work(1000))
	}
	assert.Greater(t, seen(), 500.0)
}
