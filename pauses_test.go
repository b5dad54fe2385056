package notify_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// accounts is a center on a store with a routed channel whose account "broken"
// is misconfigured for as long as it is told, and when each was called.
type accounts struct {
	n      *notify.Notifier
	broken atomic.Bool

	mu    sync.Mutex
	calls map[string][]time.Duration // by account, since the start
}

func newAccounts(t *testing.T, store notify.Store) *accounts {
	a := &accounts{calls: map[string][]time.Duration{}}
	people := notify.People{}
	for i := range 20 {
		for _, account := range []string{"broken", "fine"} {
			people[notify.User(fmt.Sprint(account, i))] = notify.Contact{
				Addresses: []notify.Address{{Channel: notify.Webhook, Value: account}},
			}
		}
	}
	a.broken.Store(true)
	start := time.Now()
	hook := routed{&outlet{name: notify.Webhook, answer: func(_ context.Context, d notify.Delivery) error {
		a.mu.Lock()
		a.calls[d.Address.Value] = append(a.calls[d.Address.Value], time.Since(start))
		a.mu.Unlock()
		if d.Address.Value == "broken" && a.broken.Load() {
			return &notify.DeliveryError{Class: notify.Misconfigured, Err: errors.New("401")}
		}
		return nil
	}}}
	var err error
	a.n, err = notify.New(store, &notify.Options{
		Channels: []notify.Channel{hook}, Directory: people,
		Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org" }},
	})
	require.NoError(t, err)
	return a
}

func (a *accounts) send(t *testing.T, account string, count int) {
	for i := range count {
		r := notify.User(fmt.Sprint(account, i))
		send(t, a.n, notify.Notification{Provider: "billing", To: []notify.Recipient{r}, Title: "hello"})
	}
}

func (a *accounts) called(account string) []time.Duration {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]time.Duration(nil), a.calls[account]...)
}

func TestPause_isOfTheAccountAndProbedMoreAndMoreRarely(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		a := newAccounts(t, memory.New(nil))
		defer running(t, a.n)()
		a.send(t, "broken", 1)
		time.Sleep(time.Second)
		a.send(t, "broken", 20)
		a.send(t, "fine", 20)
		time.Sleep(time.Second)
		assert.Len(t, a.called("broken"), 1, "one answer tells for all")
		assert.Len(t, a.called("fine"), 20, "another account has nothing to do with it")
		health, err := a.n.Health(t.Context())
		require.NoError(t, err)
		require.Len(t, health.Paused, 1)
		assert.Equal(t, []string{notify.Webhook, "broken", "misconfigured: 401"},
			[]string{health.Paused[0].Channel, health.Paused[0].Account, health.Paused[0].Reason})
		assert.NotEmpty(t, health.Problems)
		time.Sleep(2 * time.Hour)
		calls := a.called("broken")
		require.Greater(t, len(calls), 5)
		for i, least := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute} {
			gap := calls[i+1] - calls[i]
			assert.GreaterOrEqual(t, gap, least, "probe %d", i)
			assert.LessOrEqual(t, gap, 2*least, "probe %d", i)
		}
		for _, r := range records(t, a.n) {
			assert.LessOrEqual(t, r.Attempts, 1)
			if r.Status != notify.StatusDelivered {
				assert.Zero(t, r.Attempts, "no attempt is burnt")
			}
		}
		a.broken.Store(false)
		time.Sleep(time.Hour)
		for _, r := range records(t, a.n) {
			assert.Equal(t, notify.StatusDelivered, r.Status, "a success lifts it")
		}
	})
}

func TestPause_isSharedByProcesses(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		first, second := newAccounts(t, store), newAccounts(t, store)
		defer running(t, first.n)()
		stop := running(t, second.n)
		first.send(t, "broken", 1)
		time.Sleep(2 * time.Second)
		second.send(t, "broken", 10)
		time.Sleep(20 * time.Second)
		assert.Len(t, append(first.called("broken"), second.called("broken")...), 1, "what one learnt, both know")
		time.Sleep(time.Hour)
		both := len(first.called("broken")) + len(second.called("broken"))
		assert.LessOrEqual(t, both, 12, "and they probe in turn, not each")
		stop()
	})
}

func TestPause_isLiftedByARestart(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		a := newAccounts(t, store)
		stop := running(t, a.n)
		a.send(t, "broken", 1)
		time.Sleep(5 * time.Second)
		stop()
		a.broken.Store(false)
		defer running(t, a.n)() // whoever restarts a process may have mended it
		a.send(t, "broken", 2)
		time.Sleep(time.Second)
		assert.Len(t, a.called("broken"), 3)
		health, err := a.n.Health(t.Context())
		require.NoError(t, err)
		assert.Empty(t, health.Paused)
	})
}
