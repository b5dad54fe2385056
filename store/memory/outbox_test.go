package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// claim leases what is free on the email channel.
func claim(t *testing.T, store *memory.Store) []notify.Task {
	t.Helper()
	tasks, err := store.Claim(t.Context(), notify.Claim{
		Lease: time.Minute, Channels: map[string]int{notify.Email: 10}, Recovered: 10,
	})
	require.NoError(t, err)
	return tasks
}

// settle records one outcome and requires that the lease was held.
func settle(t *testing.T, store *memory.Store, task notify.Task, o notify.Outcome) {
	t.Helper()
	o.Task = notify.Lease{ID: task.ID, Epoch: task.Epoch}
	lost, err := store.Settle(t.Context(), []notify.Outcome{o})
	require.NoError(t, err)
	require.Empty(t, lost)
}

func TestAccept_neverOverwritesAnID(t *testing.T) {
	store, _ := newStore()
	accept(t, store, note("n1"))
	again := note("n1")
	again.Fingerprint, again.Notification.Title = "other", "other"
	receipts, err := store.Accept(t.Context(), []notify.Acceptance{again})
	require.NoError(t, err)
	require.ErrorIs(t, receipts[0].Err, notify.ErrConflict)
	items, err := store.Items(t.Context(), alice, notify.ItemQuery{})
	require.NoError(t, err)
	assert.Equal(t, "Invoice 17", items[0].Notification.Title)
}

func TestRedeliver_goesOnFromTheEpoch(t *testing.T) {
	store, _ := newStore()
	accept(t, store, note("n1", email("t1")))
	first := claim(t, store)[0]
	settle(t, store, first, notify.Outcome{Status: notify.StatusDead, Error: "550"})
	n, err := store.Redeliver(t.Context(), []notify.ID{"t1", "t1"})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	second := claim(t, store)[0]
	assert.Greater(t, second.Epoch, first.Epoch)
	lost, err := store.Settle(t.Context(), []notify.Outcome{{
		Task: notify.Lease{ID: "t1", Epoch: first.Epoch}, Status: notify.StatusDelivered,
	}})
	require.NoError(t, err)
	assert.Equal(t, []notify.ID{"t1"}, lost)
}

func TestRedeliver_leavesRejections(t *testing.T) {
	store, _ := newStore()
	a := note("n1")
	a.Filings = nil
	a.Task = &notify.NewTask{ID: "f1", Kind: notify.KindFanOut, Lease: time.Minute}
	accept(t, store, a)
	_, _, err := store.FanOut(t.Context(), notify.Chunk{
		Task: notify.Lease{ID: "f1", Epoch: 1}, Done: true,
		Rejected: []notify.Rejection{{ID: "r1", Recipient: alice, Reason: "bad"}},
	})
	require.NoError(t, err)
	n, err := store.Redeliver(t.Context(), []notify.ID{"r1"})
	require.NoError(t, err)
	assert.Zero(t, n)
	records, err := store.Deliveries(t.Context(), notify.DeliveryQuery{Status: notify.StatusDead})
	require.NoError(t, err)
	assert.Len(t, records, 1)
}

func TestSettle_givenBackIsNotHeld(t *testing.T) {
	store, _ := newStore()
	accept(t, store, note("n1", email("t1")))
	task := claim(t, store)[0]
	settle(t, store, task, notify.Outcome{Status: notify.StatusPending})
	lost, err := store.Settle(t.Context(), []notify.Outcome{{
		Task: notify.Lease{ID: "t1", Epoch: task.Epoch}, Status: notify.StatusDelivered,
	}})
	require.NoError(t, err)
	assert.Equal(t, []notify.ID{"t1"}, lost)
}

func TestSettle_keepsTheErrorOfTheLastAttempt(t *testing.T) {
	store, _ := newStore()
	accept(t, store, note("n1", email("t1")))
	settle(t, store, claim(t, store)[0], notify.Outcome{Status: notify.StatusPending, Error: "450", Charge: true})
	settle(t, store, claim(t, store)[0], notify.Outcome{Status: notify.StatusSkipped, Reason: "read"})
	records, err := store.Deliveries(t.Context(), notify.DeliveryQuery{})
	require.NoError(t, err)
	assert.Equal(t, "450", records[0].Error)
	assert.Equal(t, "read", records[0].Reason)
}

func TestStats_expiredLeasesAreDue(t *testing.T) {
	store, clock := newStore()
	accept(t, store, note("n1", email("t1"), email("t2")))
	due := claim(t, store)[0].Due
	for range 2 {
		clock.Advance(time.Minute)
		stats, err := store.Stats(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []notify.QueueStats{
			{Kind: notify.KindDelivery, Channel: notify.Email, Pending: 2, Due: 2, OldestDue: due},
		}, stats.Queues)
		// A claim that takes none of them finds them expired.
		_, err = store.Claim(t.Context(), notify.Claim{Channels: map[string]int{notify.Email: 1}})
		require.NoError(t, err)
	}
}

func TestProbe_unpausedIsFree(t *testing.T) {
	store, _ := newStore()
	may, err := store.Probe(t.Context(), notify.Email, "", time.Minute)
	require.NoError(t, err)
	assert.True(t, may)
}
