package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/sqlite"
)

// mailbox is a channel that keeps what it is given.
type mailbox struct {
	mu      sync.Mutex
	got     []string // identities
	digests []notify.Digest
	arrived chan struct{} // gets one for each delivery
}

func newMailbox() *mailbox { return &mailbox{arrived: make(chan struct{}, 10_000)} }

func (*mailbox) Name() string      { return notify.Email }
func (*mailbox) Addressless() bool { return true }

func (m *mailbox) Deliver(_ context.Context, d notify.Delivery) error {
	m.mu.Lock()
	m.got = append(m.got, d.Identity())
	m.mu.Unlock()
	m.arrived <- struct{}{}
	return nil
}

func (m *mailbox) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	m.mu.Lock()
	m.digests = append(m.digests, digest)
	m.mu.Unlock()
	return m.Deliver(ctx, d)
}

func newCenter(t testing.TB, s notify.Store, m *mailbox) *notify.Notifier {
	n, err := notify.New(s, &notify.Options{
		Channels: []notify.Channel{m},
		Links:    notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
	})
	require.NoError(t, err)
	return n
}

func toTitle(title string) notify.Notification {
	return notify.Notification{Provider: "billing", To: []notify.Recipient{alice}, Title: title}
}

func TestCenter_manySendersTwoProcessesEverythingOnce(t *testing.T) {
	const senders, each = 8, 25
	file := newFile(t) + recommended
	m := newMailbox()
	var centers []*notify.Notifier
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 2 {
		n := newCenter(t, newStore(t, openDB(t, file), nil), m)
		centers = append(centers, n)
		running.Go(func() { assert.NoError(t, n.Run(ctx)) })
	}
	var group sync.WaitGroup
	for i := range senders {
		group.Go(func() {
			for j := range each {
				_, err := centers[i%2].Send(t.Context(), toTitle(fmt.Sprint(i, "/", j)))
				assert.NoError(t, err)
			}
		})
	}
	group.Wait()
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range senders * each {
		select {
		case <-m.arrived:
		case <-deadline.Done():
			require.FailNow(t, "not all was delivered")
		}
	}
	stop()
	running.Wait()
	slices.Sort(m.got)
	assert.Len(t, slices.Compact(slices.Clone(m.got)), senders*each)
	assert.Len(t, m.got, senders*each, "nothing twice")
	counts, err := centers[0].Inbox(alice).Counts(t.Context())
	require.NoError(t, err)
	assert.Equal(t, senders*each, counts.Unread)
	records, err := centers[0].Deliveries(t.Context(), notify.DeliveryQuery{Status: notify.StatusDelivered, Limit: 1000})
	require.NoError(t, err)
	assert.Len(t, records, senders*each, "one final record each")
}

func TestCenter_hostTransaction(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	m := newMailbox()
	n := newCenter(t, s, m)
	for _, commit := range []bool{false, true} {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.Exec("INSERT INTO orders DEFAULT VALUES")
		require.NoError(t, err)
		_, err = n.SendTx(t.Context(), s.Tx(tx), toTitle("paid"), toTitle("shipped"))
		require.NoError(t, err)
		require.NoError(t, n.Drain(t.Context()), "beside the open transaction")
		assert.Empty(t, m.got, "nothing before the commit")
		if commit {
			require.NoError(t, tx.Commit())
		} else {
			require.NoError(t, tx.Rollback())
		}
		require.NoError(t, n.Drain(t.Context()))
		assert.Len(t, m.got, map[bool]int{false: 0, true: 2}[commit])
	}
	assert.Equal(t, 1, count(t, db, "orders"))
}

func TestCenter_withdrawInAHostTransaction(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	n := newCenter(t, s, newMailbox())
	about := toTitle("due")
	about.Entity = "task/17"
	_, err := n.Send(t.Context(), about)
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	withdrawn, err := n.WithdrawTx(t.Context(), s.Tx(tx), notify.Withdrawal{Tenant: "acme", Entity: "task/17"})
	require.NoError(t, err)
	assert.Equal(t, 1, withdrawn)
	assert.Equal(t, []string{"due"}, titles(t, s), "until the commit")
	require.NoError(t, tx.Commit())
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, titles(t, s))
}

func TestCenter_transactionOfAnotherStoreIsRefused(t *testing.T) {
	db, s := hostWithOrders(t, recommended, nil)
	other := newStore(t, db, &sqlite.Options{Prefix: "other_"})
	n := newCenter(t, s, newMailbox())
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = n.SendTx(t.Context(), other.Tx(tx), toTitle("paid"))
	assert.ErrorIs(t, err, notify.ErrInvalid)
}

func TestCenter_sendInsideAnOpenTransactionOnOneConnectionSaysUseSendTx(t *testing.T) {
	db := openDB(t, newFile(t)+recommended)
	db.SetMaxOpenConns(1)
	n := newCenter(t, newStore(t, db, nil), newMailbox())
	tx, err := db.Begin()
	require.NoError(t, err)
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = n.Send(ctx, toTitle("paid"))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "SendTx")
}

func TestCenter_aDayOnAMovedClock(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := newStore(t, openDB(t, newFile(t)+recommended), &sqlite.Options{Now: func() time.Time { return now }})
	m := newMailbox()
	n := newCenter(t, s, m)
	_, err := n.SavePreferences(t.Context(), alice, notify.Preferences{
		Channels: map[string]notify.Mode{notify.Email: notify.Daily}, TimeZone: "Europe/Berlin",
	})
	require.NoError(t, err)
	var errs []error
	for i := range 7 {
		_, err := n.Send(t.Context(), toTitle(fmt.Sprint(i)))
		errs = append(errs, err)
		now = now.Add(time.Minute)
	}
	require.NoError(t, errors.Join(errs...))
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, m.digests)
	now = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC) // 18:00 in Berlin
	require.NoError(t, n.Drain(t.Context()))
	require.Len(t, m.digests, 1)
	assert.Equal(t, 7, m.digests[0].Total)
	assert.Len(t, m.digests[0].Items, 5)
	assert.Equal(t, now, m.digests[0].To)
	require.NoError(t, n.Drain(t.Context()))
	assert.Len(t, m.digests, 1, "no second one for the same cut")
}
