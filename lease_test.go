package notify_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

// dated is a store that knows when each lease was taken, and renews none.
type dated struct {
	*memory.Store
	mu    sync.Mutex
	taken map[notify.ID]time.Time
}

func (d *dated) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	d.mu.Lock()
	for _, a := range batch {
		for _, f := range a.Filings {
			for _, task := range f.Tasks {
				d.taken[task.ID] = time.Now()
			}
		}
	}
	d.mu.Unlock()
	return d.Store.Accept(ctx, batch)
}

func (d *dated) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	tasks, err := d.Store.Claim(ctx, c)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, task := range tasks {
		d.taken[task.ID] = time.Now()
	}
	return tasks, err
}

func (d *dated) Renew(context.Context, []notify.Lease, time.Duration) ([]notify.ID, error) {
	return nil, errDisk
}

func (d *dated) age(id notify.ID) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.taken[id])
}

func TestLease_nothingIsBegunUnderOneThatMayBeAnothers(t *testing.T) { // R21
	synctest.Test(t, func(t *testing.T) {
		store := &dated{Store: memory.New(nil), taken: map[notify.ID]time.Time{}}
		var begun, ended []time.Duration // ages of leases
		var mu sync.Mutex
		slow := &outlet{name: notify.Email, answer: func(ctx context.Context, d notify.Delivery) error {
			mu.Lock()
			begun = append(begun, store.age(d.ID))
			mu.Unlock()
			select {
			case <-time.After(9 * time.Second):
				return nil
			case <-ctx.Done():
				mu.Lock()
				ended = append(ended, store.age(d.ID))
				mu.Unlock()
				return ctx.Err()
			}
		}}
		first, err := notify.New(store, &notify.Options{
			Channels: []notify.Channel{slow}, Workers: 1,
			Directory: notify.People{ada: {Addresses: []notify.Address{{Channel: notify.Email, Value: "ada@example.org"}}}},
			Links:     notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
		})
		require.NoError(t, err)
		defer running(t, first)()
		for i := range 4 {
			send(t, first, note(fmt.Sprint(i)))
		}
		time.Sleep(29 * time.Second)
		quick := &outlet{name: notify.Email}
		defer running(t, newEngine(t, store.Store, quick))()
		time.Sleep(10 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		require.NotEmpty(t, ended, "what ran was ended when its lease ran out")
		for _, age := range append(begun, ended...) {
			assert.LessOrEqual(t, age, 21*time.Second, "a lease is 30 s")
		}
		for _, r := range records(t, first) {
			assert.Equal(t, notify.StatusDelivered, r.Status)
		}
	})
}

// sluggish is a store whose claims take a second, and that does not know what
// became of one whose caller has gone.
type sluggish struct{ *memory.Store }

func (s sluggish) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	tasks, err := s.Store.Claim(context.WithoutCancel(ctx), c)
	time.Sleep(time.Second)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return tasks, err
}

func TestShutdown_duringAClaimLeavesNoLease(t *testing.T) { // R27
	synctest.Test(t, func(t *testing.T) {
		n := newEngine(t, sluggish{memory.New(nil)}, &outlet{name: notify.Email})
		send(t, n, note("claimed"))
		stop := running(t, n)
		time.Sleep(500 * time.Millisecond)
		stop()
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		require.Len(t, health.Stats.Queues, 1)
		assert.Zero(t, health.Stats.Queues[0].Leased)
		assert.Empty(t, health.LastError, "a clean stop is no failure of the store")
		assert.Equal(t, notify.StatusPending, records(t, n)[0].Status)
	})
}

func TestShutdown_letsAttemptsFinish(t *testing.T) { // R27
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(ctx context.Context, _ notify.Delivery) error {
			select {
			case <-time.After(5 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		n := center(t, mail, nil)
		stop := running(t, n)
		send(t, n, note("under way"))
		time.Sleep(time.Second)
		stop()
		assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status)
	})
}

func TestPoison_thatEndsEachProcessIsGivenUp(t *testing.T) { // R21, R22
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		id := send(t, n, note("poison"))[0].ID
		crash := func() { // as an engine does before its process dies of the task
			tasks, err := store.Claim(t.Context(), notify.Claim{Lease: time.Second, Recovered: 1, Channels: map[string]int{notify.Email: 1}})
			require.NoError(t, err)
			require.Len(t, tasks, 1)
			if tasks[0].Recovered {
				_, err = store.Renew(t.Context(), []notify.Lease{{ID: tasks[0].ID, Epoch: tasks[0].Epoch, Charge: true}}, time.Second)
				require.NoError(t, err)
			}
			time.Sleep(2 * time.Second)
		}
		for range 9 { // the first crash cannot be told from a stop
			crash()
		}
		require.NoError(t, n.Drain(t.Context()))
		assert.Empty(t, mail.deliveries())
		record := records(t, n)[0]
		assert.Equal(t, notify.StatusDead, record.Status)
		assert.Equal(t, 8, record.Attempts)
		item, err := n.Inbox(ada).Get(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, "poison", item.Notification.Title, "the item stays")
	})
}

func TestPanics_ofSendersLeaveEveryPlaceFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bad atomic.Bool
		mail := &outlet{name: notify.Email}
		n := center(t, mail, func(o *notify.Options) {
			o.Resolver = resolverFunc(func(q notify.Question) []notify.Decision {
				if bad.Load() && q.Recipient.ID == "bob" {
					panic("bob")
				}
				return notify.StandardResolver{}.Resolve(q)
			})
		})
		defer running(t, n)()
		bad.Store(true)
		toBob := note("to bob")
		toBob.To = []notify.Recipient{notify.User("bob")}
		for range 100 {
			assert.Panics(t, func() { _, _ = n.Send(t.Context(), note("to ada"), toBob) })
		}
		bad.Store(false)
		send(t, n, note("delivered"))
		time.Sleep(10 * time.Second)
		assert.Equal(t, []string{"delivered"}, sentTitles(mail))
	})
}

func TestRecovered_runOneAtATime(t *testing.T) { // section 5.3
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		var counts crowd
		mail := &outlet{name: notify.Email, answer: counts.slow(time.Second, func(d notify.Delivery) string {
			return d.Item.Notification.Title[:3]
		})}
		n := newEngine(t, store, mail)
		for i := range 6 {
			send(t, n, note(fmt.Sprint("old", i)))
		}
		_, err := store.Claim(t.Context(), notify.Claim{Lease: time.Second, Channels: map[string]int{notify.Email: 6}})
		require.NoError(t, err)
		time.Sleep(2 * time.Second) // their process died, perhaps of one of them
		for i := range 6 {
			send(t, n, note(fmt.Sprint("new", i)))
		}
		defer running(t, n)()
		time.Sleep(30 * time.Second)
		most, _ := counts.peaks()
		assert.Equal(t, 1, most["old"])
		assert.Greater(t, most["new"], 1)
		assert.Len(t, mail.deliveries(), 12)
	})
}

// touchy are callbacks of the host that panic.
type touchy struct{}

func (touchy) Next(int, time.Duration) (time.Duration, bool) { panic("policy") }

type touchySchedule struct{ on *atomic.Bool }

func (s touchySchedule) Next(after, last time.Time, at string, loc *time.Location) time.Time {
	if s.on.Load() {
		panic("schedule")
	}
	return notify.DailyAt("").Next(after, last, at, loc)
}

type touchyBus struct{}

func (touchyBus) Publish(context.Context, []notify.Signal) error { panic("bus") }
func (touchyBus) Subscribe(notify.Recipient, func(notify.Signal)) (func(), error) {
	return func() {}, nil
}

func TestPanics_ofTheHostsCallbacksEndNoProcess(t *testing.T) { // R23
	synctest.Test(t, func(t *testing.T) {
		var on, fail atomic.Bool
		fail.Store(true)
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			if fail.Load() {
				return errors.New("busy")
			}
			return nil
		}}
		n := center(t, mail, func(o *notify.Options) {
			unhurried(o)
			o.Retry, o.Schedule, o.Bus = touchy{}, touchySchedule{&on}, touchyBus{}
			o.Audiences = map[string]notify.Audience{"all": list{"ada"}}
			o.Observe = func(context.Context, notify.Event) { panic("observer") }
		})
		save(t, n, func(p *notify.Preferences) {
			p.Choices = map[string]map[string]notify.Mode{"chats": {notify.Email: notify.Daily}}
		})
		defer running(t, n)()
		digest := note("daily")
		digest.Provider = "chats"
		send(t, n, note("at once"), digest, toAll("to all"))
		time.Sleep(10 * time.Second)
		fail.Store(false)
		time.Sleep(18 * time.Hour)
		on.Store(true)
		send(t, n, digest)
		time.Sleep(6 * time.Hour)
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status, r.Reason)
		}
		assert.Len(t, records(t, n), 3)
	})
}

// picky is a router that panics over one address.
type picky struct{ *outlet }

func (picky) Destination(a notify.Address) string {
	if a.Value == "odd" {
		panic("what is this?")
	}
	return "somewhere"
}

func TestPanics_overOneRecipientHoldNobodyElseUp(t *testing.T) { // R23
	synctest.Test(t, func(t *testing.T) {
		mail := picky{&outlet{name: notify.Email}}
		people := notify.People{
			ada:                {Addresses: []notify.Address{{Channel: notify.Email, Value: "ada"}}},
			notify.User("bob"): {Addresses: []notify.Address{{Channel: notify.Email, Value: "odd"}}},
		}
		n := center(t, mail.outlet, func(o *notify.Options) {
			unhurried(o)
			o.Channels = []notify.Channel{mail}
			o.Directory = directoryFunc(func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
				for _, r := range rs {
					switch r.ID {
					case "eve":
						panic("no such person")
					case "mallory":
						runtime.Gosched()
						return nil, errors.New("mallory breaks queries")
					}
				}
				return people.Contacts(ctx, rs)
			})
		})
		to := note("hello")
		for _, id := range []string{"bob", "eve", "mallory", "ada"} {
			to.To = append(to.To, notify.User(id))
		}
		send(t, n, to)
		require.Error(t, n.Drain(t.Context()), "the failures are told")
		assert.Equal(t, []string{"hello"}, sentTitles(mail.outlet))

		mail.outlet.recorder.Reset()
		for _, r := range to.To {
			p, err := n.Preferences(t.Context(), r)
			require.NoError(t, err)
			daily(&p)
			_, err = n.SavePreferences(t.Context(), r, p)
			require.NoError(t, err)
		}
		send(t, n, to)
		stop := running(t, n)
		time.Sleep(18*time.Hour + 5*time.Minute)
		stop()
		assert.Len(t, mail.letters(), 1, "ada's digest, though the directory fails for others")
	})
}

func TestLease_ofATaskThatIsClaimedAnewByItsOwnProcessIsKept(t *testing.T) { // R21
	synctest.Test(t, func(t *testing.T) {
		var jump atomic.Int64
		store := memory.New(&memory.Options{Now: func() time.Time { return time.Now().Add(time.Duration(jump.Load())) }})
		var calls atomic.Int32
		var ended error
		mail := &outlet{name: notify.Email, answer: func(ctx context.Context, _ notify.Delivery) error {
			select {
			case <-ctx.Done():
				ended = context.Cause(ctx)
				return ctx.Err()
			case <-time.After(time.Duration(calls.Add(1)) * 25 * time.Second):
				return nil
			}
		}}
		n := newEngine(t, store, mail)
		defer running(t, n)()
		send(t, n, note("long"))
		time.Sleep(time.Second)
		jump.Store(int64(time.Minute)) // the lease of the first call has expired
		time.Sleep(10 * time.Minute)
		assert.Len(t, mail.deliveries(), 2, "the second call has a lease that is renewed")
		assert.ErrorIs(t, ended, notify.ErrLeaseLost, "and the first has ended")
		assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status)
	})
}
