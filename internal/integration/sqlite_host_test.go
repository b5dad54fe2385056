package integration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/sqlite"
)

func TestSQLiteHost_privateMemoryIsRefused(t *testing.T) {
	db := openDB(t, ":memory:")
	err := sqlite.Migrate(t.Context(), db, nil)
	assert.ErrorContains(t, err, "SetMaxOpenConns(1)")
	_, err = sqlite.New(db, nil)
	assert.ErrorContains(t, err, "SetMaxOpenConns(1)")
}

func TestSQLiteHost_memoryOfOneConnectionServes(t *testing.T) {
	db := openDB(t, ":memory:")
	db.SetMaxOpenConns(1)
	s := newStore(t, db, nil)
	_, err := s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
	require.NoError(t, err)
	assert.Equal(t, []string{"paid"}, titles(t, s))
}

func TestSQLiteHost_sharedMemoryServes(t *testing.T) {
	db := openDB(t, "file:"+t.Name()+"?mode=memory&cache=shared")
	s := newStore(t, db, nil)
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() {
			_, errs[i] = s.Accept(t.Context(), []notify.Acceptance{toAlice(fmt.Sprint(i))})
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.Len(t, titles(t, s), len(errs))
}

func TestSQLiteHost_sendBesideAnOpenTransactionOnOneConnectionSaysUseSendTx(t *testing.T) {
	db := openDB(t, newFile(t)+recommended)
	db.SetMaxOpenConns(1)
	s := newStore(t, db, nil)
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Accept(ctx, []notify.Acceptance{toAlice("paid")})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "SendTx")
	_, err = s.Counts(ctx, alice, 10)
	assert.ErrorContains(t, err, "SendTx", "a read, too")
}

// A connection goes back to the host with its own settings and without a
// transaction, whatever became of the call.
func TestSQLiteHost_connectionComesBackAsItWas(t *testing.T) {
	db := openDB(t, newFile(t)+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1234)&_pragma=synchronous(NORMAL)")
	db.SetMaxOpenConns(1)
	s := newStore(t, db, nil)
	unchanged := func(after string) {
		t.Helper()
		assert.Equal(t, 1234, pragma(t, db, "busy_timeout"), "busy_timeout after %s", after)
		assert.Equal(t, 1, pragma(t, db, "synchronous"), "synchronous after %s", after)
		_, err := db.Exec("BEGIN IMMEDIATE; ROLLBACK")
		assert.NoError(t, err, "a transaction after %s", after)
	}
	unchanged("New")
	a := toAlice("paid")
	_, err := s.Accept(t.Context(), []notify.Acceptance{a})
	require.NoError(t, err)
	unchanged("a write")
	_, err = s.Accept(t.Context(), []notify.Acceptance{a})
	require.Error(t, err)
	unchanged("a write that failed")
	for i := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*20*time.Microsecond)
		batch := []notify.Acceptance{toAlice("cut off"), toAlice("cut off")}
		_, err := s.Accept(ctx, batch)
		cancel()
		if err == nil {
			continue
		}
		for _, a := range batch {
			left, err := s.Items(t.Context(), alice, notify.ItemQuery{IDs: []notify.ID{a.ID}})
			require.NoError(t, err)
			assert.Empty(t, left, "nothing of a write that was cut off")
		}
		unchanged("a write that was cut off")
	}
}

// Whatever the host has set, our own writes are durable.
func TestSQLiteHost_writesRunAtFull(t *testing.T) {
	db := openDB(t, newFile(t)+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)")
	s := newStore(t, db, nil)
	// The level is read from inside the store's transaction.
	_, err := db.Exec(`CREATE TABLE seen (level INTEGER);
CREATE TRIGGER watch AFTER INSERT ON notify_notification BEGIN INSERT INTO seen SELECT synchronous FROM pragma_synchronous; END`)
	require.NoError(t, err)
	_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
	require.NoError(t, err)
	var level int
	require.NoError(t, db.QueryRow("SELECT level FROM seen").Scan(&level))
	assert.Equal(t, 2, level)
}

func TestSQLiteHost_twoPrefixesDoNotMeet(t *testing.T) {
	db := openDB(t, newFile(t)+recommended)
	one, other := newStore(t, db, nil), newStore(t, db, &sqlite.Options{Prefix: "other_"})
	a := toAlice("paid")
	a.Notification.Key = "k"
	for _, s := range []notify.Store{one, other} {
		receipts, err := s.Accept(t.Context(), []notify.Acceptance{a})
		require.NoError(t, err)
		assert.False(t, receipts[0].Replayed)
	}
	_, err := one.Mark(t.Context(), alice, notify.ItemMark{Op: notify.OpRead, IDs: []notify.ID{a.ID}})
	require.NoError(t, err)
	counts, err := other.Counts(t.Context(), alice, 10)
	require.NoError(t, err)
	assert.Equal(t, 1, counts.Unread)
}

func TestSQLiteHost_prefixIsChecked(t *testing.T) {
	db := openDB(t, newFile(t))
	for _, prefix := range []string{"1a", "a b", "a;drop", "A", "ä", "0123456789012345678901234567890123"} {
		opts := &sqlite.Options{Prefix: prefix}
		assert.ErrorIs(t, sqlite.Migrate(t.Context(), db, opts), notify.ErrInvalid, prefix)
		_, err := sqlite.New(db, opts)
		assert.ErrorIs(t, err, notify.ErrInvalid, prefix)
		_, err = sqlite.Migrations(opts).Open(".")
		assert.ErrorIs(t, err, notify.ErrInvalid, prefix)
	}
	_, err := sqlite.New(nil, nil)
	assert.ErrorIs(t, err, notify.ErrInvalid)
}

// Four pools on one file write and read at once, opened without any busy
// timeout: no caller ever sees that the database is busy, and nothing is lost.
func TestSQLiteHost_contentionIsNeverSeen(t *testing.T) {
	for _, tt := range []struct{ name, params string }{
		{"write-ahead log", "?_pragma=journal_mode(WAL)"},
		{"as recommended", recommended},
		{"rollback journal", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dsn := newFile(t) + tt.params
			const handles, writers, sends = 4, 2, 6
			errs := make([]error, handles*writers)
			var group sync.WaitGroup
			for i := range handles {
				s := newStore(t, openDB(t, dsn), nil)
				for j := range writers {
					group.Go(func() { errs[i*writers+j] = sendAndWork(t.Context(), s, sends) })
				}
			}
			group.Wait()
			require.NoError(t, errors.Join(errs...))
			db := openDB(t, dsn)
			assert.Equal(t, len(errs)*sends, count(t, db, "notify_item"))
			assert.Equal(t, len(errs)*sends, count(t, db, "notify_task")+count(t, db, "notify_delivery"))
		})
	}
}

// sendAndWork sends, reads, claims and settles.
func sendAndWork(ctx context.Context, s notify.Store, sends int) error {
	for i := range sends {
		if _, err := s.Accept(ctx, []notify.Acceptance{toAlice(fmt.Sprint(i))}); err != nil {
			return err
		}
		if _, err := s.Items(ctx, alice, notify.ItemQuery{Limit: 20}); err != nil {
			return err
		}
		tasks, err := s.Claim(ctx, notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: 2}})
		if err != nil {
			return err
		}
		var outcomes []notify.Outcome
		for _, task := range tasks {
			outcomes = append(outcomes, notify.Outcome{Task: notify.Lease{ID: task.ID, Epoch: task.Epoch}, Status: notify.StatusDelivered})
		}
		if lost, err := s.Settle(ctx, outcomes); err != nil || len(lost) > 0 {
			return fmt.Errorf("settle: lost %v: %w", lost, err)
		}
	}
	return nil
}

// The instant of a write is taken under the write lock, so that what is filed
// later is committed later.
func TestSQLiteHost_clockIsReadUnderTheWriteLock(t *testing.T) {
	db := openDB(t, newFile(t)+"?_pragma=journal_mode(WAL)") // deferred transactions
	var reads atomic.Int64
	s := newStore(t, db, &sqlite.Options{Now: func() time.Time {
		reads.Add(1)
		return time.Now()
	}})
	tx, err := db.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Accept(ctx, []notify.Acceptance{toAlice("paid")})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Zero(t, reads.Load(), "while somebody else writes")
	require.NoError(t, tx.Rollback())
	_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
	require.NoError(t, err)
	assert.NotZero(t, reads.Load())
}

// The wait for the lock ends with the context, also if the host's own busy
// timeout is longer.
func TestSQLiteHost_waitEndsWithTheContext(t *testing.T) {
	db := openDB(t, newFile(t)+"?_pragma=busy_timeout(600000)&_txlock=immediate")
	s := newStore(t, db, nil)
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = s.Accept(ctx, []notify.Acceptance{toAlice("paid")})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}
