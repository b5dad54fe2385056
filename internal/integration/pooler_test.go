//go:build linux

package integration

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/integration/servers"
	"github.com/bellwether-go/notify/store/postgres"
	"github.com/bellwether-go/notify/store/postgres/pgxnotify"
	"github.com/bellwether-go/notify/store/storetest"
)

// Behind a pooler that gives each transaction another connection everything
// works as without one, if it is told: all calls, workers, and the bus, which
// hears nothing there, so that what it would have told comes with the poll.
func TestPooler(t *testing.T) {
	pooler, err := servers.StartPooler(t.Context(), serviceDSN(t, "NOTIFY_TEST_POSTGRES"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, pooler.Remove()) }()
	// What each driver has to be told.
	dsns := map[string]string{
		"pgx":      pooler.DSN(),
		"postgres": strings.Replace(pooler.DSN(), "default_query_exec_mode=exec", "binary_parameters=yes", 1),
	}
	through := func(t testing.TB, driver, dsn string) *sql.DB {
		db, err := sql.Open(driver, dsn)
		require.NoError(t, err)
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
		t.Cleanup(func() { db.Close() })
		return db
	}
	direct := openPostgres(t, "pgx")

	t.Run("conformance", func(t *testing.T) {
		db := through(t, "pgx", dsns["pgx"])
		schema := newSchema(t, direct)
		tables := &tablePool{db: direct, schema: schema + ".", make: func(t testing.TB, prefix string) {
			newPostgres(t, db, &postgres.Options{Schema: schema, Prefix: prefix, Unprepared: true})
		}}
		storetest.Run(t, func(t testing.TB) storetest.Harness {
			return pgHarness(t, db, postgres.Options{Schema: schema, Prefix: tables.take(t), Unprepared: true})
		})
	})
	for driver, dsn := range dsns {
		t.Run("centers on "+driver, func(t *testing.T) {
			centersBehindPooler(t, direct, func() *sql.DB { return through(t, driver, dsn) }, dsns["pgx"])
		})
		t.Run("untold "+driver, func(t *testing.T) {
			preparedBehindPooler(t, direct, through(t, driver, strings.Replace(pooler.DSN(), "&default_query_exec_mode=exec", "", 1)))
		})
	}
}

// centersBehindPooler: one sends, another works and watches.
func centersBehindPooler(t *testing.T, direct *sql.DB, open func() *sql.DB, busDSN string) {
	opts := &postgres.Options{Schema: newSchema(t, direct), Unprepared: true}
	m := newMailbox()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	center := func() (*notify.Notifier, *pgxnotify.Bus) {
		pool, err := pgxpool.New(ctx, busDSN)
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		bus, err := pgxnotify.New(pool, &pgxnotify.Options{Channel: opts.Schema})
		require.NoError(t, err)
		n, err := notify.New(newPostgres(t, open(), opts), &notify.Options{
			Channels: []notify.Channel{m}, Bus: bus, PollInterval: 100 * time.Millisecond,
			Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
		})
		require.NoError(t, err)
		return n, bus
	}
	sender, _ := center()
	worker, bus := center()
	var group sync.WaitGroup
	running, end := context.WithCancel(ctx)
	defer group.Wait()
	defer end()
	group.Go(func() { assert.NoError(t, worker.Run(running)) })
	group.Go(func() { assert.NoError(t, bus.Run(running, worker.Wake)) })

	watching, seen := make(chan struct{}), make(chan string, 100)
	var once sync.Once
	group.Go(func() {
		for change, err := range worker.Inbox(alice).Watch(running, "") {
			switch {
			case running.Err() != nil:
				return
			case !assert.NoError(t, err):
				return
			case change.Kind == notify.ChangeItem:
				seen <- change.Item.Notification.Title
			default: // a watch opens with one
				once.Do(func() { close(watching) })
			}
		}
	})
	select {
	case <-watching:
	case <-ctx.Done():
		require.FailNow(t, "nobody watches")
	}
	for i := range 10 {
		sent := fmt.Sprint("to be seen ", i)
		_, err := sender.Send(ctx, toTitle(sent))
		require.NoError(t, err)
		select {
		case title := <-seen:
			assert.Equal(t, sent, title)
		case <-ctx.Done():
			require.FailNow(t, "not seen: "+sent)
		}
		select {
		case <-m.arrived:
		case <-ctx.Done():
			require.FailNow(t, "not delivered: "+sent)
		}
	}
	end()
	group.Wait()
	assert.Len(t, m.got, 10, "nothing twice")
}

// preparedBehindPooler: a host that has told nobody of the pooler learns which
// option it is about.
func preparedBehindPooler(t *testing.T, direct, db *sql.DB) {
	opts := &postgres.Options{Schema: newSchema(t, direct)}
	require.NoError(t, postgres.Migrate(t.Context(), direct, opts))
	failure := func() error {
		s, err := postgres.New(db, opts)
		if err != nil {
			return err
		}
		errs := make(chan error, 8)
		for range cap(errs) { // on as many connections
			go func() {
				var err error
				for i := 0; err == nil && i < 100; i++ {
					_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
				}
				errs <- err
			}()
		}
		for range cap(errs) {
			if e := <-errs; e != nil {
				err = e
			}
		}
		return err
	}()
	assert.ErrorContains(t, failure, "set Options.Unprepared")
}
