package notify_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// moody is an audience of n that fails when it is told to.
type moody struct {
	n    int
	fail func(after string) error
}

func (m moody) Members(_ context.Context, _, after string, limit int) ([]string, error) {
	if m.fail != nil {
		if err := m.fail(after); err != nil {
			return nil, err
		}
	}
	var ids []string
	for i := range m.n {
		if id := fmt.Sprintf("u%05d", i); id > after && len(ids) < limit {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

type resolverFunc func(notify.Question) []notify.Decision

func (f resolverFunc) Resolve(q notify.Question) []notify.Decision { return f(q) }

func toAll(title string) notify.Notification {
	return notify.Notification{Provider: "billing", Audience: "all", Title: title}
}

func unread(t *testing.T, n *notify.Notifier, id string) int {
	t.Helper()
	counts, err := n.Inbox(notify.User(id)).Counts(t.Context())
	require.NoError(t, err)
	return counts.Unread
}

func TestFanOut_oneBadRecipientIsRecordedAndPassedOver(t *testing.T) {
	n, err := notify.New(memory.New(nil), &notify.Options{
		Audiences: map[string]notify.Audience{"all": moody{n: 5}},
		Resolver: resolverFunc(func(q notify.Question) []notify.Decision {
			if q.Recipient.ID == "u00002" {
				panic("bad recipient")
			}
			return notify.StandardResolver{}.Resolve(q)
		}),
	})
	require.NoError(t, err)
	send(t, n, toAll("hello"))
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, 1, unread(t, n, "u00001"))
	assert.Zero(t, unread(t, n, "u00002"))
	assert.Equal(t, 1, unread(t, n, "u00004"))
	dead, err := n.Deliveries(t.Context(), notify.DeliveryQuery{Status: notify.StatusDead})
	require.NoError(t, err)
	require.Len(t, dead, 1)
	assert.Equal(t, notify.User("u00002"), dead[0].Recipient)
}

// numbered is an audience in the order of numbers, not of texts, that returns
// all that are left whatever it is asked for, and one that is no id.
type numbered int

func (n numbered) Members(_ context.Context, _, after string, _ int) ([]string, error) {
	from := 0
	if after != "" {
		if _, err := fmt.Sscanf(after, "%d", &from); err != nil {
			return nil, fmt.Errorf("asked to go on after %q: %w", after, err)
		}
	}
	var ids []string
	for i := from + 1; i <= int(n); i++ {
		ids = append(ids, fmt.Sprint(i))
		if i == 999 {
			ids = append(ids, fmt.Sprintf("%d\x00", i)) // the last one of a chunk
		}
	}
	return ids, nil
}

// chunks is a store that knows how much was filed at a time, and after which id.
type chunks struct {
	*memory.Store
	sizes   []int
	cursors []string
}

func (c *chunks) FanOut(ctx context.Context, chunk notify.Chunk) (time.Time, bool, error) {
	c.sizes, c.cursors = append(c.sizes, len(chunk.Filings)), append(c.cursors, chunk.Cursor)
	return c.Store.FanOut(ctx, chunk)
}

func TestFanOut_anyStableOrderWillDoAndChunksAreBounded(t *testing.T) { // R28
	store := &chunks{Store: memory.New(nil)}
	n, err := notify.New(store, &notify.Options{Audiences: map[string]notify.Audience{"all": numbered(2005)}})
	require.NoError(t, err)
	send(t, n, toAll("hello"))
	require.NoError(t, n.Drain(t.Context()))
	for _, id := range []string{"1", "9", "10", "999", "1000", "1001", "2005"} {
		assert.Equal(t, 1, unread(t, n, id), id)
	}
	for i, size := range store.sizes {
		assert.LessOrEqual(t, size, 1000)
		assert.NotContains(t, store.cursors[i], "\x00")
	}
	dead, err := n.Deliveries(t.Context(), notify.DeliveryQuery{Status: notify.StatusDead})
	require.NoError(t, err)
	assert.Len(t, dead, 1, "what is no id is recorded")
}

func TestFanOut_anAudienceThatDoesNotGoOnIsToldNotRepeated(t *testing.T) { // R28
	n, err := notify.New(memory.New(nil), &notify.Options{
		Audiences: map[string]notify.Audience{"all": stubborn{}},
	})
	require.NoError(t, err)
	send(t, n, toAll("hello"))
	require.ErrorContains(t, n.Drain(t.Context()), "does not go on")
}

// stubborn is an audience that starts anew each time.
type stubborn struct{}

func (stubborn) Members(context.Context, string, string, int) ([]string, error) {
	return []string{"a", "b"}, nil
}

func TestFanOut_neverGoesDeadAndResumesWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		n, err := notify.New(memory.New(nil), &notify.Options{
			PollInterval: 20 * time.Second,
			Audiences: map[string]notify.Audience{"all": moody{n: 1500, fail: func(after string) error {
				if after != "" && broken.Load() {
					return errors.New("the user database is away")
				}
				return nil
			}}},
		})
		require.NoError(t, err)
		send(t, n, toAll("hello"))
		require.ErrorContains(t, n.Drain(t.Context()), "away")
		defer running(t, n)()
		time.Sleep(48 * time.Hour)
		assert.Equal(t, 1, unread(t, n, "u00999"))
		assert.Zero(t, unread(t, n, "u01000"))
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		assert.NotEmpty(t, health.Stats.Queues, "it is still there")
		broken.Store(false)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 1, unread(t, n, "u00999"), "not twice")
		assert.Equal(t, 1, unread(t, n, "u01499"))
	})
}

func TestFanOut_withdrawnHalfWayStops(t *testing.T) { // R19
	var n *notify.Notifier
	audience := moody{n: 2500, fail: func(after string) error {
		if after == "u00999" {
			_, err := n.Withdraw(context.Background(), notify.Withdrawal{Entity: "x"})
			return err
		}
		return nil
	}}
	n, err := notify.New(memory.New(nil), &notify.Options{Audiences: map[string]notify.Audience{"all": audience}})
	require.NoError(t, err)
	note := toAll("hello")
	note.Entity = "x"
	send(t, n, note)
	require.NoError(t, n.Drain(t.Context()))
	for _, id := range []string{"u00000", "u00999", "u01000", "u02499"} {
		assert.Zero(t, unread(t, n, id), id)
	}
}

func TestSend_toManyIsFiledByATask(t *testing.T) {
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) { o.InlineFanOut = 2 })
	many := note("many")
	many.To = []notify.Recipient{ada, notify.User("bob"), notify.User("cem"), ada}
	send(t, n, many)
	assert.Zero(t, unread(t, n, "ada"))
	require.NoError(t, n.Drain(t.Context()))
	for _, id := range []string{"ada", "bob", "cem"} {
		assert.Equal(t, 1, unread(t, n, id), id)
	}
}

func TestDirectoryFailure_isToldByDrainAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		mail := &outlet{name: notify.Email}
		n := center(t, mail, func(o *notify.Options) {
			people := o.Directory.(notify.People)
			o.Directory = directoryFunc(func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
				if broken.Load() {
					panic("no connection")
				}
				return people.Contacts(ctx, rs)
			})
		})
		send(t, n, note("kept"))
		broken.Store(true)
		require.ErrorContains(t, n.Drain(t.Context()), "no connection")
		broken.Store(false)
		time.Sleep(time.Minute)
		require.NoError(t, n.Drain(t.Context()))
		assert.Equal(t, []string{"kept"}, sentTitles(mail))
	})
}

type directoryFunc func(context.Context, []notify.Recipient) (map[notify.Recipient]notify.Contact, error)

func (f directoryFunc) Contacts(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
	return f(ctx, rs)
}

func TestAbandonedCall_keepsWhoHasAccepted(t *testing.T) { // R23, R24
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var hung atomic.Bool
		mail := &outlet{name: notify.Email, answer: func(_ context.Context, d notify.Delivery) error {
			if d.Address.Value == "second@example.org" && hung.CompareAndSwap(false, true) {
				<-release
			}
			return nil
		}}
		n := center(t, mail, func(o *notify.Options) {
			o.Directory = notify.People{ada: {Addresses: []notify.Address{
				{Channel: notify.Email, Value: "first@example.org"}, {Channel: notify.Email, Value: "second@example.org"},
			}}}
		})
		stop := running(t, n)
		send(t, n, note("both"))
		time.Sleep(66*time.Second + 500*time.Millisecond)
		assert.Equal(t, notify.StatusUnknown, records(t, n)[0].Status)
		time.Sleep(6 * time.Hour)
		to := map[string]int{}
		for _, d := range mail.deliveries() {
			to[d.Address.Value]++
		}
		assert.Equal(t, map[string]int{"first@example.org": 1, "second@example.org": 2}, to)
		assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status)
		stop()
		close(release)
		synctest.Wait()
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		assert.Zero(t, health.Stuck)
	})
}
