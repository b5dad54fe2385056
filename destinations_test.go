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

// routed is a channel with a destination per address.
type routed struct{ *outlet }

func (routed) Destination(a notify.Address) string { return a.Value }

func TestDestination_thatKeepsFailingIsLeftAloneButForProbes(t *testing.T) { // R26
	synctest.Test(t, func(t *testing.T) {
		var dead atomic.Bool
		dead.Store(true)
		hook := routed{&outlet{name: notify.Webhook}}
		hook.answer = func(_ context.Context, d notify.Delivery) error {
			if d.Address.Value == "dead" && dead.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		people := notify.People{}
		var everybody []notify.Recipient
		for i := range 100 {
			r := notify.User(fmt.Sprintf("u%03d", i))
			to := "dead"
			if i%10 == 0 {
				to = "alive"
			}
			people[r] = notify.Contact{Addresses: []notify.Address{{Channel: notify.Webhook, Value: to}}}
			everybody = append(everybody, r)
		}
		n, err := notify.New(memory.New(nil), &notify.Options{
			Channels: []notify.Channel{hook}, Directory: people,
			Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org" }},
		})
		require.NoError(t, err)
		defer running(t, n)()
		send(t, n, notify.Notification{Provider: "billing", To: everybody, Title: "hello"})
		time.Sleep(30 * time.Second)
		toDead, toAlive := 0, map[string]int{}
		for _, d := range hook.deliveries() {
			if d.Address.Value == "dead" {
				toDead++
			} else {
				toAlive[d.Identity()]++
			}
		}
		assert.GreaterOrEqual(t, toDead, 5)
		assert.Less(t, toDead, 35, "five to notice, those under way, then one per five seconds")
		assert.Len(t, toAlive, 10, "others are not held up")
		for _, times := range toAlive {
			assert.Equal(t, 1, times)
		}
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		require.Len(t, health.Destinations, 1)
		assert.Equal(t, "dead", health.Destinations[0].Destination)
		dead.Store(false)
		time.Sleep(8 * time.Hour)
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status)
		}
		health, err = n.Health(t.Context())
		require.NoError(t, err)
		assert.Empty(t, health.Destinations)
	})
}

// hooks is a center with one routed channel, a hundred recipients who all live
// at one destination, and one who lives elsewhere.
func hooks(t *testing.T, answer func(context.Context, notify.Delivery) error) (n *notify.Notifier, hook routed, crowd []notify.Recipient) {
	hook = routed{&outlet{name: notify.Webhook, answer: answer}}
	people := notify.People{ada: {Addresses: []notify.Address{{Channel: notify.Webhook, Value: "elsewhere"}}}}
	for i := range 100 {
		r := notify.User(fmt.Sprintf("u%03d", i))
		people[r] = notify.Contact{Addresses: []notify.Address{{Channel: notify.Webhook, Value: "crowded"}}}
		crowd = append(crowd, r)
	}
	n, err := notify.New(memory.New(nil), &notify.Options{
		Channels: []notify.Channel{hook}, Directory: people,
		Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org" }},
	})
	require.NoError(t, err)
	return n, hook, crowd
}

func destinationsOf(t *testing.T, n *notify.Notifier) []notify.DestinationHealth {
	t.Helper()
	health, err := n.Health(t.Context())
	require.NoError(t, err)
	return health.Destinations
}

func TestDestination_thatAsksToBeLeftAloneIs(t *testing.T) { // R22, R26
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		busy.Store(true)
		n, hook, crowd := hooks(t, func(_ context.Context, d notify.Delivery) error {
			if d.Address.Value == "crowded" && busy.Load() {
				return &notify.DeliveryError{RetryAfter: 10 * time.Minute, Overloaded: true, Err: errors.New("429")}
			}
			return nil
		})
		defer running(t, n)()
		to := note("one")
		to.To = crowd[:1]
		send(t, n, to)
		time.Sleep(time.Second)
		to.To = crowd[1:]
		send(t, n, to, note("elsewhere"))
		time.Sleep(10*time.Minute - 2*time.Second)
		require.Len(t, hook.deliveries(), 2, "one was told to wait, so all to this destination do, and nobody else")
		state := destinationsOf(t, n)
		require.Len(t, state, 1)
		assert.Equal(t, notify.DestinationWaiting, state[0].State)
		assert.InDelta(t, time.Second, time.Until(state[0].NextProbe), float64(time.Second))
		assert.Contains(t, state[0].LastError, "429")
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		assert.NotContains(t, fmt.Sprint(health.Problems), "destination", "it is no failure to be asked to wait")
		busy.Store(false)
		time.Sleep(time.Hour)
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status)
			assert.LessOrEqual(t, r.Attempts, 2, "waiting burns no attempt")
		}
		assert.Empty(t, destinationsOf(t, n))
	})
}

func TestDestination_isProbedByOneCallAndTakenUpSlowly(t *testing.T) { // R26
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var down atomic.Bool
		var now, most, probing int
		took := 2 * time.Second
		down.Store(true)
		n, hook, crowd := hooks(t, func(context.Context, notify.Delivery) error {
			mu.Lock()
			now++
			if most = max(most, now); down.Load() {
				probing = max(probing, now)
			}
			took := took
			mu.Unlock()
			time.Sleep(took)
			mu.Lock()
			now--
			mu.Unlock()
			if down.Load() {
				return errors.New("connection refused")
			}
			return nil
		})
		defer running(t, n)()
		to := note("hello")
		to.To = crowd
		send(t, n, to)
		time.Sleep(time.Minute) // those that were under way have failed, and some probes
		state := destinationsOf(t, n)
		require.Len(t, state, 1)
		assert.Equal(t, notify.DestinationDown, state[0].State)
		assert.Equal(t, 1, state[0].Calls)
		mu.Lock()
		probing, took = 0, 20*time.Second // now it hangs
		mu.Unlock()
		before := len(hook.deliveries())
		time.Sleep(2 * time.Minute)
		assert.LessOrEqual(t, len(hook.deliveries())-before, 7)
		mu.Lock()
		assert.Equal(t, 1, probing, "no second probe while one is under way")
		most, took = 0, 2*time.Second
		mu.Unlock()
		down.Store(false)
		var grew []int
		for range 120 {
			time.Sleep(time.Second)
			mu.Lock()
			if most > 0 && (len(grew) == 0 || most > grew[len(grew)-1]) {
				grew = append(grew, most)
			}
			mu.Unlock()
		}
		require.NotEmpty(t, grew)
		assert.LessOrEqual(t, grew[0], 2, "few at first")
		assert.GreaterOrEqual(t, len(grew), 4, "then more and more: %v", grew)
		time.Sleep(8 * time.Hour)
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status)
		}
		assert.Empty(t, destinationsOf(t, n))
	})
}

func TestDestination_isNotBlamedForOneAddress(t *testing.T) { // R26
	synctest.Test(t, func(t *testing.T) {
		n, hook, crowd := hooks(t, func(_ context.Context, d notify.Delivery) error {
			if d.Recipient != ada {
				return &notify.DeliveryError{Reached: true, Err: errors.New("404")}
			}
			return nil
		})
		defer running(t, n)()
		to := note("nobody there")
		to.To = crowd
		send(t, n, to)
		time.Sleep(5 * time.Minute)
		require.Greater(t, len(hook.deliveries()), 2*failuresInARow)
		assert.Empty(t, destinationsOf(t, n))
	})
}

// failuresInARow are enough to take a destination for down.
const failuresInARow = 5

func TestDestination_ofAChannelWithoutRouterIsNeverLeftAlone(t *testing.T) { // R26
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			return &notify.DeliveryError{Overloaded: true, RetryAfter: time.Hour, Err: errors.New("busy")}
		}}
		n := center(t, mail, nil)
		defer running(t, n)()
		for i := range 20 {
			send(t, n, note(fmt.Sprint(i)))
			time.Sleep(time.Second)
		}
		assert.Len(t, mail.deliveries(), 20)
		assert.Empty(t, destinationsOf(t, n))
	})
}

func TestDestination_isNotBlamedForWhatThisProcessCutShort(t *testing.T) { // R21, R26
	synctest.Test(t, func(t *testing.T) {
		store := &brittle{Store: memory.New(nil)}
		hook := routed{&outlet{name: notify.Email, answer: func(ctx context.Context, _ notify.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}}}
		n := newEngine(t, store, hook)
		stop := running(t, n)
		for i := range 8 {
			send(t, n, note(fmt.Sprint(i)))
		}
		store.fail("Renew")
		time.Sleep(25 * time.Second) // the leases may be another's soon: the calls are ended
		assert.NotEmpty(t, hook.deliveries())
		assert.Empty(t, destinationsOf(t, n))
		stop()
	})
}
