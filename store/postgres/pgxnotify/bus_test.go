package pgxnotify

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/postgres"
)

// enough is how long anything may take before a test gives up.
const enough = time.Minute

func connect(t testing.TB) *pgxpool.Pool {
	t.Helper()
	dsn := os.Getenv("NOTIFY_TEST_POSTGRES")
	require.NotEmpty(t, dsn, "set NOTIFY_TEST_POSTGRES to the DSN of a server for tests, or run make test, which starts one")
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// unique is a name that no other test has.
func unique() string { return fmt.Sprintf("t%d", time.Now().UnixNano()) }

// running is a bus that listens, and what it has woken.
type running struct {
	*Bus
	woken chan struct{}
	pid   chan uint32 // of each connection that listens
}

func run(t testing.TB, pool *pgxpool.Pool, channel string) *running {
	t.Helper()
	r := &running{woken: make(chan struct{}, 1000), pid: make(chan uint32, 1000)}
	var err error
	r.Bus, err = New(pool, &Options{Channel: channel, Connect: func(ctx context.Context) (*pgx.Conn, error) {
		conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
		if err == nil {
			r.pid <- conn.PgConn().PID()
		}
		return conn, err
	}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { assert.NoError(t, r.Run(ctx, func() { r.woken <- struct{}{} })) })
	t.Cleanup(func() {
		stop()
		group.Wait()
	})
	return r
}

// watch subscribes and returns what is told.
func watch(t testing.TB, b *Bus, id string) chan notify.Signal {
	t.Helper()
	told := make(chan notify.Signal, 1000)
	cancel, err := b.Subscribe(recipient(id), func(s notify.Signal) { told <- s })
	require.NoError(t, err)
	t.Cleanup(cancel)
	return told
}

// publishUntil publishes until it is heard: at first the other does not listen
// yet.
func publishUntil(t testing.TB, b *Bus, s notify.Signal, heard chan notify.Signal) notify.Signal {
	t.Helper()
	deadline := time.After(enough)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		require.NoError(t, b.Publish(t.Context(), []notify.Signal{s}))
		select {
		case got := <-heard:
			return got
		case <-again.C:
		case <-deadline:
			require.FailNow(t, "nothing was heard")
		}
	}
}

func TestBus_reachesOtherProcesses(t *testing.T) {
	pool, channel := connect(t), unique()
	one, other := run(t, pool, channel), run(t, pool, channel)
	here, there, stranger := watch(t, one.Bus, "alice"), watch(t, other.Bus, "alice"), watch(t, other.Bus, "bob")
	got := publishUntil(t, one.Bus, notify.Signal{Recipient: recipient("alice"), Changed: true}, there)
	assert.Equal(t, notify.Signal{Recipient: recipient("alice"), Changed: true}, got)
	assert.NotEmpty(t, here, "its own watchers, at once")
	assert.Empty(t, stranger)
	assert.NotEmpty(t, other.woken)
	assert.Empty(t, one.woken, "by its own hint")
}

func TestBus_connectsAnewAndHasAllLook(t *testing.T) {
	pool, channel := connect(t), unique()
	one, other := run(t, pool, channel), run(t, pool, channel)
	told := watch(t, other.Bus, "alice")
	publishUntil(t, one.Bus, notify.Signal{Recipient: recipient("alice")}, told)
	_, err := pool.Exec(t.Context(), "SELECT pg_terminate_backend($1)", int32(<-other.pid))
	require.NoError(t, err)
	select {
	case s := <-told:
		for ; !s.Changed; s = <-told { // hints of before
		}
		assert.Equal(t, recipient("alice"), s.Recipient)
	case <-time.After(enough):
		require.FailNow(t, "nobody was told to look")
	}
	publishUntil(t, one.Bus, notify.Signal{Recipient: recipient("alice")}, told)
}

func TestBus_wakesOnceForATransaction(t *testing.T) {
	pool, channel := connect(t), unique()
	one := run(t, pool, channel)
	told := watch(t, one.Bus, "alice")
	other, err := New(pool, &Options{Channel: channel})
	require.NoError(t, err)
	publishUntil(t, other, notify.Signal{Recipient: recipient("alice")}, told)
	for len(one.woken) > 0 {
		<-one.woken
	}
	for _, commit := range []bool{false, true} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		for range 3 {
			require.NoError(t, one.WakeTx(t.Context(), tx))
		}
		if !commit {
			require.NoError(t, tx.Rollback(t.Context()))
			continue
		}
		require.NoError(t, tx.Commit(t.Context()))
	}
	// What comes after the hint tells that there was one only.
	_, err = pool.Exec(t.Context(), "SELECT pg_notify($1, $2)", channel, payload("end", []notify.Signal{{Recipient: recipient("alice"), Changed: true}}))
	require.NoError(t, err)
	woken := 0
	for range 2 {
		select {
		case <-one.woken:
			woken++
		case <-time.After(enough):
			require.FailNow(t, "not woken")
		}
	}
	assert.Equal(t, 2, woken)
	assert.Empty(t, one.woken, "one for the transaction, one for the end")
}

// Hosts whose passwords change, or who work under a role, say so by the hooks of
// their pool: the connection that listens is made by the same.
func TestBus_connectsAsThePoolDoes(t *testing.T) {
	config := connect(t).Config()
	password := config.ConnConfig.Password
	config.ConnConfig.Password = "of yesterday"
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		c.Password = password
		return nil
	}
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "SET application_name = 'a host'")
		return err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b, err := New(pool, nil)
	require.NoError(t, err)
	conn, err := b.options.Connect(t.Context())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var name string
	require.NoError(t, conn.QueryRow(t.Context(), "SHOW application_name").Scan(&name))
	assert.Equal(t, "a host", name)

	config.AfterConnect = func(context.Context, *pgx.Conn) error { return assert.AnError }
	_, err = connectAs(t.Context(), config)
	assert.ErrorIs(t, err, assert.AnError)
}

// A hint is not worth waiting for: neither for a connection of a pool that has
// none left, nor for a server that does not answer.
func TestBus_publishesWithinASecondOrNot(t *testing.T) {
	config := connect(t).Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b, err := New(pool, &Options{Channel: unique()})
	require.NoError(t, err)
	here := watch(t, b, "alice")
	taken, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer taken.Release()
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	err = b.Publish(ctx, []notify.Signal{{Recipient: recipient("alice")}})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NoError(t, ctx.Err(), "long before the caller's own time is over")
	assert.NotEmpty(t, here, "its own watchers, at once")
}

func TestBus_optionsAreChecked(t *testing.T) {
	_, err := New(nil, nil)
	assert.ErrorIs(t, err, notify.ErrInvalid)
	for _, name := range []string{"Upper", "a b", `a"; DROP`, "1a"} {
		_, err := New(connect(t), &Options{Channel: name})
		assert.ErrorIs(t, err, notify.ErrInvalid, name)
	}
}

// A center on pgx: what is sent in a transaction of pgx is there after its
// commit, and only then.
func TestTx_allOrNothing(t *testing.T) {
	pool, schema := connect(t), unique()
	_, err := pool.Exec(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() { pool.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE") })
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { db.Close() })
	opts := &postgres.Options{Schema: schema}
	require.NoError(t, postgres.Migrate(t.Context(), db, opts))
	store, err := postgres.New(db, opts)
	require.NoError(t, err)
	center, err := notify.New(store, nil)
	require.NoError(t, err)
	n := notify.Notification{Provider: "billing", To: []notify.Recipient{recipient("alice")}, Title: "paid", Key: "k", Entity: "order/1"}
	unread := func() int {
		require.NoError(t, center.Drain(t.Context()))
		counts, err := center.Inbox(recipient("alice")).Counts(t.Context())
		require.NoError(t, err)
		return counts.Unread
	}
	for _, commit := range []bool{false, true} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		receipts, err := center.SendTx(t.Context(), Tx(store, tx), n)
		require.NoError(t, err)
		again, err := center.SendTx(t.Context(), Tx(store, tx), n)
		require.NoError(t, err)
		assert.Equal(t, []notify.Receipt{{ID: receipts[0].ID, Replayed: true}}, again)
		assert.Zero(t, unread(), "before the end")
		if commit {
			require.NoError(t, tx.Commit(t.Context()))
			assert.Equal(t, 1, unread())
		} else {
			require.NoError(t, tx.Rollback(t.Context()))
			assert.Zero(t, unread())
		}
	}
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	withdrawn, err := center.WithdrawTx(t.Context(), Tx(store, tx), notify.Withdrawal{Tenant: "acme", Entity: "order/1"})
	require.NoError(t, err)
	assert.Equal(t, 1, withdrawn)
	require.NoError(t, tx.Commit(t.Context()))
	assert.Zero(t, unread())
}

func TestTx_refusesWhatIsNotItsOwn(t *testing.T) {
	center, err := notify.New(memory.New(nil), nil)
	require.NoError(t, err)
	n := notify.Notification{Provider: "billing", To: []notify.Recipient{recipient("alice")}, Title: "paid"}
	_, err = center.SendTx(t.Context(), Tx(memory.New(nil), nil), n)
	assert.ErrorIs(t, err, notify.ErrInvalid)
	tx, err := connect(t).Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(t.Context())
	_, err = center.SendTx(t.Context(), Tx(memory.New(nil), tx), n)
	assert.ErrorIs(t, err, notify.ErrInvalid)
}
