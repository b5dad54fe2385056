package integration

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/postgres"
)

// tracer notes which statements are run. Each is a round trip.
type tracer struct {
	mu    sync.Mutex
	texts []string
}

func (r *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.HasPrefix(data.SQL, "DO") { // after a slow statement, at most once a minute
		r.texts = append(r.texts, data.SQL)
	}
	return ctx
}

func (*tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// during returns the statements that a call runs.
func (r *tracer) during(call func()) []string {
	r.mu.Lock()
	r.texts = nil
	r.mu.Unlock()
	call()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.texts)
}

// tracedPostgres is a store whose statements are noted, and its database.
func tracedPostgres(t *testing.T) (*postgres.Store, *sql.DB, *tracer) {
	t.Helper()
	schema := newSchema(t, openPostgres(t, "pgx"))
	config, err := pgx.ParseConfig(serviceDSN(t, "NOTIFY_TEST_POSTGRES"))
	require.NoError(t, err)
	traced := &tracer{}
	config.Tracer = traced
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return newPostgres(t, db, &postgres.Options{Schema: schema}), db, traced
}

// writes counts statements that change rows.
func writes(texts []string) int {
	n := 0
	for _, text := range texts {
		if strings.Contains(text, "INSERT") || strings.Contains(text, "UPDATE \"") || strings.Contains(text, "DELETE") {
			n++
		}
	}
	return n
}

// However much is in a batch, the number of statements is the same, and small.
func TestTrips_doNotGrowWithTheBatch(t *testing.T) {
	s, db, traced := tracedPostgres(t)
	for _, size := range []int{1, 64, 500} {
		batch := make([]notify.Acceptance, size)
		for i := range batch {
			batch[i] = toAlice("paid")
		}
		sent := traced.during(func() {
			_, err := s.Accept(t.Context(), batch)
			require.NoError(t, err)
		})
		assert.Len(t, sent, 1, "a batch of %d is one round trip", size)

		a := fanOut("sale")
		tx, err := db.Begin()
		require.NoError(t, err)
		inHost := traced.during(func() {
			_, err := s.Tx(tx).Accept(t.Context(), []notify.Acceptance{a})
			require.NoError(t, err)
		})
		require.NoError(t, tx.Commit())
		assert.Len(t, inHost, 1, "so is what a host's transaction pays")

		var tasks []notify.Task
		claimed := traced.during(func() {
			tasks, err = s.Claim(t.Context(), notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: size}, FanOuts: 1, Recovered: 5})
			require.NoError(t, err)
		})
		require.Len(t, tasks, size+1)
		assert.Len(t, claimed, 1, "a claim of %d", size)
		for _, countUnread := range []int{0, 9} {
			loaded := traced.during(func() {
				facts, _, err := s.Load(t.Context(), tasks, countUnread)
				require.NoError(t, err)
				require.Len(t, facts, size+1)
			})
			assert.Len(t, loaded, 1, "all that is known about %d tasks", size)
		}
		var fan notify.Task
		var outcomes []notify.Outcome
		for _, k := range tasks {
			if k.Kind == notify.KindFanOut {
				fan = k
				continue
			}
			outcomes = append(outcomes, notify.Outcome{Task: notify.Lease{ID: k.ID, Epoch: k.Epoch}, Status: notify.StatusDelivered})
		}
		fanned := traced.during(func() {
			_, _, err := s.FanOut(t.Context(), notify.Chunk{Task: notify.Lease{ID: fan.ID, Epoch: fan.Epoch}, Filings: filings(crowd(size)), Cursor: "r"})
			require.NoError(t, err)
		})
		assert.Equal(t, 3, writes(fanned), "items, tasks and the cursor: %q", fanned)
		settled := traced.during(func() {
			lost, err := s.Settle(t.Context(), outcomes)
			require.NoError(t, err)
			require.Empty(t, lost)
		})
		assert.Len(t, settled, 1, "out of the outbox and into the log")
		t.Logf("%d: send %d, in a host's transaction %d, claim %d, chunk %d, settle %d", size, len(sent), len(inHost), len(claimed), len(fanned), len(settled))
		more, err := s.Claim(t.Context(), notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: size}})
		require.NoError(t, err)
		require.Len(t, more, size)
	}
}

// What an open page asks for again and again is one round trip each time.
func TestTrips_ofReading(t *testing.T) {
	s, _, traced := tracedPostgres(t)
	_, err := s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
	require.NoError(t, err)
	n, err := notify.New(s, nil)
	require.NoError(t, err)
	in := n.Inbox(alice)
	for range 2 { // at first statements are prepared
		counted := traced.during(func() {
			counts, err := in.Counts(t.Context())
			require.NoError(t, err)
			assert.Equal(t, notify.Counts{Unread: 1, Unseen: 1}, counts)
		})
		assert.Len(t, counted, 1, "counts: %q", counted)
		read := traced.during(func() {
			page, err := in.Page(t.Context(), notify.Query{})
			require.NoError(t, err)
			assert.Len(t, page.Items, 1)
			assert.Equal(t, notify.Counts{Unread: 1, Unseen: 1}, page.Counts)
		})
		assert.Len(t, read, 1, "a page with its counts: %q", read)
	}
}

// Where buckets hold very different numbers a claim takes two statements, and
// nothing of a lane before all of the lane before it.
func TestTrips_ofClaimsFromUnevenBuckets(t *testing.T) {
	s, _, traced := tracedPostgres(t)
	var batch []notify.Acceptance
	put := func(lane notify.Lane, bucket, n int) {
		for range n {
			a := toAlice("paid")
			a.Filings[0].Tasks[0].Lane, a.Filings[0].Tasks[0].Bucket = lane, bucket
			batch = append(batch, a)
		}
	}
	put(notify.LaneUrgent, 7, 30)
	for bucket := range 5 {
		put(notify.LaneUrgent, 10+bucket, 1)
	}
	put(notify.LaneNormal, 7, 30)
	_, err := s.Accept(t.Context(), batch)
	require.NoError(t, err)
	claim := func(n int) (tasks []notify.Task, trips int) {
		texts := traced.during(func() {
			tasks, err = s.Claim(t.Context(), notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: n}, Bucket: 9})
			require.NoError(t, err)
			require.Len(t, tasks, n)
		})
		return tasks, len(texts)
	}
	tasks, trips := claim(32)
	assert.Equal(t, 2, trips)
	var turn []int
	for _, k := range tasks {
		assert.Equal(t, notify.LaneUrgent, k.Lane)
		turn = append(turn, k.Bucket)
	}
	assert.Equal(t, []int{10, 11, 12, 13, 14, 7, 7}, turn[:7], "the first of each, from where the turn starts, and then the others")
	tasks, trips = claim(20)
	assert.Equal(t, 1, trips)
	assert.Equal(t, notify.LaneUrgent, tasks[2].Lane)
	assert.Equal(t, notify.LaneNormal, tasks[3].Lane)
}

// An evening opens and closes many digests by as many statements as a few.
func TestTrips_ofDigests(t *testing.T) {
	s, _, traced := tracedPostgres(t)
	var opened, closed []int
	for _, size := range []int{1, 2, 100} {
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		a := toAlice("paid")
		a.Filings = filings(crowd(size))
		for i := range a.Filings {
			a.Filings[i].Tasks, a.Filings[i].Entries = nil, []notify.NewEntry{{Channel: notify.Email, NextCut: now}}
		}
		_, err = s.Accept(t.Context(), []notify.Acceptance{a})
		require.NoError(t, err)
		plans, at, err := s.DuePlans(t.Context(), []string{notify.Email}, size)
		require.NoError(t, err)
		require.Len(t, plans, size)
		openings := make([]notify.Opening, size)
		for i, p := range plans {
			openings[i] = notify.Opening{Plan: p, Cut: at, From: now, Oldest: now, NextCut: at.Add(24 * time.Hour), Task: notify.NewTask{ID: newID(), Kind: notify.KindDigest}}
		}
		opened = append(opened, len(traced.during(func() { require.NoError(t, s.OpenDigests(t.Context(), openings)) })))
		tasks, err := s.Claim(t.Context(), notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: size}})
		require.NoError(t, err)
		require.Len(t, tasks, size)
		var outcomes []notify.Outcome
		for _, k := range tasks {
			outcomes = append(outcomes, notify.Outcome{Task: notify.Lease{ID: k.ID, Epoch: k.Epoch}, Status: notify.StatusDelivered})
		}
		closed = append(closed, len(traced.during(func() {
			lost, err := s.Settle(t.Context(), outcomes)
			require.NoError(t, err)
			require.Empty(t, lost)
		})))
	}
	assert.Equal(t, opened[1:], opened[:2], "statements that open 1, 2 and 100 digests")
	assert.Equal(t, closed[1:], closed[:2], "statements that close them")
}
