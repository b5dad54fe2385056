package notify_test

import (
	"context"
	"encoding/json"
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

// slowly is an answer that takes a while, but for its first call as told.
func slowly(first time.Duration) func(context.Context, notify.Delivery) error {
	var once sync.Once
	return func(context.Context, notify.Delivery) error {
		once.Do(func() { time.Sleep(first) })
		return nil
	}
}

func TestHandOver_needsNoLook(t *testing.T) { // section 5.3
	synctest.Test(t, func(t *testing.T) {
		store := &brittle{Store: memory.New(nil)}
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		defer running(t, n)()
		store.fail("Load")
		send(t, n, note("believed"))
		synctest.Wait()
		assert.Equal(t, []string{"believed"}, sentTitles(mail))
	})
}

func TestHandOver_isWhatTheStoreHolds(t *testing.T) { // R20
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			if !works.Load() {
				return errors.New("busy")
			}
			return nil
		}}
		n := center(t, mail, nil)
		_, err := n.Register(t.Context(), ada, notify.Registration{Address: notify.Address{Channel: notify.Email, Value: "second@example.org"}})
		require.NoError(t, err)
		defer running(t, n)()
		time.Sleep(time.Second + 1500*time.Nanosecond)
		full := notify.Notification{
			Provider: "billing", To: []notify.Recipient{ada, notify.User("bob")}, Title: "title", Body: "body", Key: "k", Entity: "e",
			Rows: []notify.Row{{Label: "l", Text: "t"}}, URL: "https://example.org/a", Icon: "https://example.org/i",
			Actions: []notify.Action{{Key: "a", Title: "t", URL: "https://example.org/b"}}, Data: json.RawMessage(`{ "a" : 1 }`),
			Actor: notify.User("carol"), Priority: notify.High, OccurredAt: time.Now().Add(-time.Hour), ExpiresAt: time.Now().Add(72 * time.Hour),
		}
		receipt := send(t, n, full)[0]
		// What the caller does with its own afterwards changes nothing.
		full.Rows[0].Text, full.Actions[0].Title, full.Data[3] = "changed", "changed", 'x'
		synctest.Wait()
		works.Store(true)
		time.Sleep(3 * time.Hour)
		first := map[string]notify.Delivery{}
		for _, d := range mail.deliveries() {
			who := d.Recipient.ID + d.Address.Value
			before, again := first[who]
			if !again {
				first[who] = d
				continue
			}
			assert.Equal(t, before.Item, d.Item)
			assert.Equal(t, receipt.Filed, d.Item.Filed)
			assert.Equal(t, before.Contact, d.Contact)
			before.Attempt, d.Attempt = 0, 0
			assert.Equal(t, before, d)
		}
		assert.Len(t, first, 3)
		assert.Len(t, mail.deliveries(), 6, "each again, from the store")
	})
}

// What this process itself has changed counts at once, what others have within a
// second.
func TestHandOver_whatWasChangedBeforeTheAttemptCounts(t *testing.T) { // R5, R19, R32, section 5.5
	changes := map[string]func(t *testing.T, n *notify.Notifier, id notify.ID){
		"read": func(t *testing.T, n *notify.Notifier, id notify.ID) {
			_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
			require.NoError(t, err)
		},
		"archived": func(t *testing.T, n *notify.Notifier, id notify.ID) {
			_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpArchive, IDs: []notify.ID{id}})
			require.NoError(t, err)
		},
		"opted out": func(t *testing.T, n *notify.Notifier, _ notify.ID) {
			off := func(p *notify.Preferences) { p.Channels = map[string]notify.Mode{notify.Email: notify.Off} }
			save(t, n, off)
			save(t, n, func(p *notify.Preferences) { p.Channels = nil })
		},
		"withdrawn": func(t *testing.T, n *notify.Notifier, _ notify.ID) {
			count, err := n.Withdraw(t.Context(), notify.Withdrawal{Entity: "entity"})
			require.NoError(t, err)
			require.Equal(t, 1, count)
		},
		"erased": func(t *testing.T, n *notify.Notifier, _ notify.ID) { go func() { _ = n.Erase(t.Context(), ada) }() },
	}
	for reason, change := range changes {
		for who, wait := range map[string]time.Duration{"this process": 500 * time.Millisecond, "another": 1500 * time.Millisecond} {
			t.Run(reason+" by "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := memory.New(nil)
					mail := &outlet{name: notify.Email, answer: slowly(wait)}
					n, err := notify.New(store, &notify.Options{
						Channels: []notify.Channel{mail}, Workers: 1,
						Directory: notify.People{
							ada:                {Addresses: []notify.Address{{Channel: notify.Email, Value: "ada@example.org"}}},
							notify.User("bob"): {Addresses: []notify.Address{{Channel: notify.Email, Value: "bob@example.org"}}},
						},
						Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
					})
					require.NoError(t, err)
					defer running(t, n)()
					first, second := note("first"), note("second")
					first.To, second.Entity = []notify.Recipient{notify.User("bob")}, "entity"
					send(t, n, first)
					synctest.Wait()
					id := send(t, n, second)[0].ID
					synctest.Wait()
					by := n
					if who == "another" {
						by = newEngine(t, store, &outlet{name: notify.Email})
					}
					change(t, by, id)
					time.Sleep(10 * time.Second)
					assert.Equal(t, []string{"first"}, sentTitles(mail))
				})
			})
		}
	}
}

// overtaken is a store in which somebody is erased, by another process, between
// the reading of their profile and the filing.
type overtaken struct {
	*memory.Store
	erase bool
}

func (o *overtaken) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	if o.erase {
		if _, err := o.Erase(ctx, ada); err != nil {
			return nil, err
		}
	}
	return o.Store.Accept(ctx, batch)
}

func TestHandOver_nobodyErasedMeanwhileIsSentAnything(t *testing.T) { // R32
	synctest.Test(t, func(t *testing.T) {
		store := &overtaken{Store: memory.New(nil)}
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		defer running(t, n)()
		store.erase = true
		send(t, n, note("too late"))
		time.Sleep(time.Minute)
		assert.Empty(t, mail.deliveries())
	})
}

func TestHandOver_ofWhatCollapsesLooksAgain(t *testing.T) { // R19
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, nil)
		var ids []notify.ID
		defer running(t, n)()
		for i := range 3 {
			again := note(fmt.Sprint(i))
			again.CollapseKey = "c"
			ids = append(ids, send(t, n, again)[0].ID)
			synctest.Wait()
		}
		for i, d := range mail.deliveries() {
			assert.Equal(t, ids[0], d.Item.ID, "the item is the first one's")
			assert.Equal(t, ids[i], d.Item.NotificationID)
		}
		assert.Len(t, mail.deliveries(), 3)
	})
}

// greedy is a store that knows how much was claimed at a time at most.
type greedy struct {
	*memory.Store
	most atomic.Int64
}

func (g *greedy) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	tasks, err := g.Store.Claim(ctx, c)
	g.most.Store(max(g.most.Load(), int64(len(tasks))))
	return tasks, err
}

func TestQueue_holdsAboutWhatItDoesInASecond(t *testing.T) { // R26, R28
	for name, c := range map[string]struct {
		takes     time.Duration
		from, to  int64
		heldAtEnd int
	}{
		"quick": {0, 200, 1024, 2 * 1024},
		"slow":  {500 * time.Millisecond, 1, 128, 2*16 + 64},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &greedy{Store: memory.New(nil)}
				mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
					time.Sleep(c.takes)
					return nil
				}}
				n := newEngine(t, store, mail)
				const backlog = 2000
				for i := range backlog {
					send(t, n, note(fmt.Sprint(i)))
				}
				defer running(t, n)()
				time.Sleep(10 * time.Second)
				assert.GreaterOrEqual(t, store.most.Load(), c.from)
				assert.LessOrEqual(t, store.most.Load(), c.to)
				health, err := n.Health(t.Context())
				require.NoError(t, err)
				for _, q := range health.Stats.Queues {
					assert.LessOrEqual(t, q.Leased, c.heldAtEnd)
				}
				time.Sleep(backlog * c.takes / 16 * 2)
				assert.Len(t, mail.deliveries(), backlog)
			})
		})
	}
}

func TestHandOver_ofAFanOutNeedsNoClaim(t *testing.T) { // section 5.3
	synctest.Test(t, func(t *testing.T) {
		store := &brittle{Store: memory.New(nil)}
		mail := &outlet{name: notify.Email}
		n, err := notify.New(store, &notify.Options{
			Channels: []notify.Channel{mail}, InlineFanOut: 1, Audiences: map[string]notify.Audience{"all": list{"ada", "bob", "carol"}},
			Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
		})
		require.NoError(t, err)
		defer running(t, n)()
		store.fail("Claim")
		many, all, later := note("many"), note("all"), note("later")
		many.To = []notify.Recipient{ada, notify.User("bob")}
		all.To, all.Audience = nil, "all"
		later.To, later.Audience, later.NotBefore = nil, "all", time.Now().Add(time.Hour)
		send(t, n, many, all, later)
		synctest.Wait()
		assert.Equal(t, 2, unread(t, n, "ada"))
		assert.Equal(t, 2, unread(t, n, "bob"))
		assert.Equal(t, 1, unread(t, n, "carol"))
		store.fail("")
		time.Sleep(2 * time.Hour)
		assert.Equal(t, 2, unread(t, n, "carol"), "that one waited in the store")
	})
}

// asked is a store that knows how often it was asked for work.
type asked struct {
	*memory.Store
	claims atomic.Int64
}

func (c *asked) Claim(ctx context.Context, claim notify.Claim) ([]notify.Task, error) {
	c.claims.Add(1)
	return c.Store.Claim(ctx, claim)
}

func TestHandOver_claimsNoMoreThanThePollDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &asked{Store: memory.New(nil)}
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		defer running(t, n)()
		for i := range 1000 {
			send(t, n, note(fmt.Sprint(i)))
			time.Sleep(10 * time.Millisecond)
		}
		assert.Len(t, mail.deliveries(), 1000)
		assert.LessOrEqual(t, store.claims.Load(), int64(12), "once a second")
	})
}

func TestQueue_thatIsFullOfWhatWasHandedOverTakesTheRestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		}}
		n := center(t, mail, func(o *notify.Options) { o.Workers, o.PollInterval = 1, time.Hour })
		defer running(t, n)()
		for i := range 100 {
			send(t, n, note(fmt.Sprint(i)))
		}
		time.Sleep(time.Minute)
		assert.Len(t, mail.deliveries(), 100, "no poll was needed")
	})
}

// pages is an audience that comes in pages.
type pages map[string][]string

func (p pages) Members(_ context.Context, _, after string, _ int) ([]string, error) {
	return p[after], nil
}

func TestFanOut_whoIsNamedTwiceIsSentOne(t *testing.T) { // R2, R20
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, func(o *notify.Options) {
			o.Audiences = map[string]notify.Audience{"all": pages{"": {"ada", "bob"}, "bob": {"ada", "carol"}}}
		})
		defer running(t, n)()
		all := note("all")
		all.To, all.Audience = nil, "all"
		send(t, n, all)
		time.Sleep(time.Minute)
		assert.Len(t, mail.deliveries(), 2)
		assert.Equal(t, 1, unread(t, n, "ada"))
	})
}
