package memory_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Harness {
		clock := newClock()
		return storetest.Harness{
			Store:   memory.New(&memory.Options{Now: clock.Now}),
			Advance: clock.Advance,
		}
	})
}

func TestContract_inBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, storetest.Check(t.Context(), func() (storetest.Harness, error) {
			return storetest.Harness{Store: memory.New(nil), Advance: time.Sleep}, nil
		}))
	})
}

func TestNow_isTruncatedUTC(t *testing.T) {
	at := time.Date(2025, 6, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))
	store := memory.New(&memory.Options{Now: func() time.Time { return at }})
	now, err := store.Now(t.Context())
	require.NoError(t, err)
	require.Equal(t, time.Date(2025, 6, 1, 11, 0, 0, 123_456_000, time.UTC), now)
}

var (
	alice = notify.Recipient{Tenant: "acme", ID: "alice"}
	bob   = notify.Recipient{Tenant: "acme", ID: "bob"}
)

// testClock is a clock that moves only when told to.
type testClock struct{ micros atomic.Int64 }

func newClock() *testClock {
	c := &testClock{}
	c.micros.Store(time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *testClock) Now() time.Time { return time.UnixMicro(c.micros.Load()) }

func (c *testClock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// newStore returns an empty store and its clock.
func newStore() (*memory.Store, *testClock) {
	clock := newClock()
	return memory.New(&memory.Options{Now: clock.Now}), clock
}

// accept stores one notification and requires that it is new.
func accept(t *testing.T, store notify.Acceptor, a notify.Acceptance) {
	t.Helper()
	receipts, err := store.Accept(t.Context(), []notify.Acceptance{a})
	require.NoError(t, err)
	require.Equal(t, []notify.Receipt{{ID: a.ID, Filed: receipts[0].Filed}}, receipts)
}

// note is a notification to alice.
func note(id notify.ID, tasks ...notify.NewTask) notify.Acceptance {
	return notify.Acceptance{
		ID:           id,
		Notification: notify.Notification{Tenant: "acme", Provider: "billing", Title: "Invoice 17"},
		Filings:      []notify.Filing{{Recipient: alice, Tasks: tasks}},
	}
}

func email(id notify.ID) notify.NewTask {
	return notify.NewTask{ID: id, Kind: notify.KindDelivery, Channel: notify.Email, Lane: notify.LaneNormal}
}
