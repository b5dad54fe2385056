package integration

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/sqlite"
)

// onEachStore runs a test on a store in memory and on one in a file, whose
// clocks it can move.
func onEachStore(t *testing.T, test func(t *testing.T, s notify.Store, advance func(time.Duration))) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T, now func() time.Time) notify.Store{
		"memory": func(_ *testing.T, now func() time.Time) notify.Store {
			return memory.New(&memory.Options{Now: now})
		},
		"sqlite": func(t *testing.T, now func() time.Time) notify.Store {
			return newStore(t, openDB(t, newFile(t)+recommended), &sqlite.Options{Now: now})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var moved atomic.Int64
			s := open(t, func() time.Time { return time.Now().Add(time.Duration(moved.Load())) })
			test(t, s, func(d time.Duration) { moved.Add(int64(d)) })
		})
	}
}

// paced is a center whose time a test moves by itself.
type paced struct {
	*notify.Notifier
	advance func(time.Duration)
}

// deliver sends one notification and does what is due.
func (p paced) deliver(t *testing.T, title string) notify.ID {
	t.Helper()
	receipts, err := p.Send(t.Context(), toTitle(title))
	require.NoError(t, err)
	require.NoError(t, p.Drain(t.Context()))
	return receipts[0].ID
}

// later lets what waits for another attempt come due.
func (p paced) later(t *testing.T, d time.Duration) {
	t.Helper()
	p.advance(d)
	require.NoError(t, p.Drain(t.Context()))
}

// record is the delivery of a notification.
func (p paced) record(t *testing.T, id notify.ID) notify.DeliveryRecord {
	t.Helper()
	all, err := p.Deliveries(t.Context(), notify.DeliveryQuery{Notification: id})
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}
