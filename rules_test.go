package notify_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

func sentTitles(o *outlet) []string {
	var all []string
	for _, d := range o.deliveries() {
		all = append(all, d.Item.Notification.Title)
	}
	return all
}

func TestCollapse_newestWinsAndOnlyItIsMailed(t *testing.T) { // R19
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	a, b := note("1 message"), note("2 messages")
	a.CollapseKey, b.CollapseKey = "chat/7", "chat/7"
	send(t, n, a, b)
	page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
	require.NoError(t, err)
	assert.Equal(t, []string{"2 messages"}, titles(page.Items))
	assert.Equal(t, 1, page.Items[0].Repeats)
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, []string{"2 messages"}, sentTitles(mail))
}

func TestWithdrawTx_stopsDeliveriesBeforeTheItemsAreSwept(t *testing.T) { // R19
	store := memory.New(nil)
	mail := &outlet{name: notify.Email}
	n := newEngine(t, store, mail)
	about := note("due")
	about.Entity = "task/17"
	send(t, n, about)
	count, err := n.WithdrawTx(t.Context(), store, notify.Withdrawal{Entity: "task/17"})
	require.NoError(t, err)
	assert.Equal(t, 1, count)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	assert.Equal(t, "withdrawn", records(t, n)[0].Reason)
	counts, err := n.Inbox(ada).Counts(t.Context())
	require.NoError(t, err)
	assert.Zero(t, counts)
}

func TestExpiry_endsDeliveriesNotTheItem(t *testing.T) { // R18
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, nil)
		short := note("offer")
		short.ExpiresAt = time.Now().Add(time.Hour)
		send(t, n, short)
		time.Sleep(time.Hour)
		require.NoError(t, n.Drain(t.Context()))
		assert.Empty(t, mail.deliveries())
		assert.Equal(t, "expired", records(t, n)[0].Reason)
		counts, err := n.Inbox(ada).Counts(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, counts.Unread)
	})
}

func TestNotBefore_waitsAndCanBeWithdrawn(t *testing.T) { // R18
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, nil)
		defer running(t, n)()
		later, never := note("later"), note("never")
		later.NotBefore, never.NotBefore = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
		never.Entity = "x"
		send(t, n, later, never)
		time.Sleep(59 * time.Minute)
		assert.Empty(t, mail.deliveries())
		count, err := n.Withdraw(t.Context(), notify.Withdrawal{Entity: "x"})
		require.NoError(t, err)
		assert.Equal(t, 1, count)
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{"later"}, sentTitles(mail))
		page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
		require.NoError(t, err)
		assert.Equal(t, []string{"later"}, titles(page.Items))
	})
}

func TestWait_dropsWhatWasReadMeanwhile(t *testing.T) { // R18
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, func(o *notify.Options) {
			o.Providers = notify.Providers{{ID: "billing", Wait: map[string]time.Duration{notify.Email: 5 * time.Minute}}}
		})
		defer running(t, n)()
		id := send(t, n, note("read"), note("unread"))[0].ID
		time.Sleep(4 * time.Minute)
		assert.Empty(t, mail.deliveries())
		_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		assert.Equal(t, []string{"unread"}, sentTitles(mail))
	})
}

func TestActorAndSilent_getTheItemOnly(t *testing.T) { // rule 3
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	own, quiet := note("own"), note("quiet")
	own.Actor, quiet.Silent = ada, true
	send(t, n, own, quiet)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	counts, err := n.Inbox(ada).Counts(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, counts.Unread)
}

func TestAddresses_retryGoesOnlyToThoseLeft(t *testing.T) { // R24
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Bool
		fail.Store(true)
		mail := &outlet{name: notify.Email}
		mail.answer = func(_ context.Context, d notify.Delivery) error {
			if d.Address.Value == "second@example.org" && fail.Load() {
				return errors.New("busy")
			}
			return nil
		}
		n := center(t, mail, func(o *notify.Options) {
			o.Directory = notify.People{ada: {Addresses: []notify.Address{
				{Channel: notify.Email, Value: "first@example.org"}, {Channel: notify.Email, Value: "second@example.org"},
			}}}
		})
		defer running(t, n)()
		send(t, n, note("both"))
		time.Sleep(2 * time.Minute)
		fail.Store(false)
		time.Sleep(12 * time.Hour)
		to := map[string]int{}
		identities := map[string]map[string]bool{}
		for _, d := range mail.deliveries() {
			to[d.Address.Value]++
			if identities[d.Address.Value] == nil {
				identities[d.Address.Value] = map[string]bool{}
			}
			identities[d.Address.Value][d.Identity()] = true
		}
		assert.Equal(t, 1, to["first@example.org"])
		assert.Greater(t, to["second@example.org"], 1)
		assert.Len(t, identities["second@example.org"], 1)
		assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status)
	})
}

func TestRegister_belongsToOneRecipient(t *testing.T) { // R36
	n := center(t, &outlet{name: notify.Email}, nil)
	bob := notify.User("bob")
	device := notify.Registration{Address: notify.Address{Channel: notify.Email, Value: "token", Meta: []byte(`{"k":1}`)}}
	_, err := n.Register(t.Context(), ada, device)
	require.NoError(t, err)
	forged := device
	forged.Address.Meta = []byte(`{"k":2}`)
	_, err = n.Register(t.Context(), bob, forged)
	require.ErrorIs(t, err, notify.ErrConflict)
	moved, err := n.Register(t.Context(), bob, device)
	require.NoError(t, err)
	adas, err := n.Addresses(t.Context(), ada)
	require.NoError(t, err)
	assert.Empty(t, adas)
	require.ErrorIs(t, n.Unregister(t.Context(), ada, moved.ID), notify.ErrNotFound)
	require.NoError(t, n.Unregister(t.Context(), bob, moved.ID))
}

func TestDelivery_saysWhenItsAddressWasRegistered(t *testing.T) {
	phone := &outlet{name: notify.Email}
	n := center(t, phone, nil)
	_, err := n.Register(t.Context(), ada, notify.Registration{Address: notify.Address{Channel: notify.Email, Value: "token"}})
	require.NoError(t, err)
	devices, err := n.Addresses(t.Context(), ada)
	require.NoError(t, err)
	send(t, n, note("one"))
	require.NoError(t, n.Drain(t.Context()))
	registered := map[string]time.Time{}
	for _, d := range phone.deliveries() {
		registered[d.Address.Value] = d.Registered
	}
	assert.Equal(t, map[string]time.Time{"ada@example.org": {}, "token": devices[0].Registered}, registered)
}

// newEngine is another process on the same store.
func newEngine(t *testing.T, store notify.Store, mail notify.Channel) *notify.Notifier {
	t.Helper()
	n, err := notify.New(store, &notify.Options{
		Channels:  []notify.Channel{mail},
		Directory: notify.People{ada: {Addresses: []notify.Address{{Channel: notify.Email, Value: "ada@example.org"}}}},
		Links:     notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
	})
	require.NoError(t, err)
	return n
}

func TestTwoEngines_doEverythingOnce(t *testing.T) { // R11, R20
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		mails := []*outlet{{name: notify.Email}, {name: notify.Email}}
		first, second := newEngine(t, store, mails[0]), newEngine(t, store, mails[1])
		save(t, first, daily)
		defer running(t, first)()
		defer running(t, second)()
		for i := range 10 {
			send(t, first, note(fmt.Sprint(i)))
		}
		time.Sleep(19 * time.Hour)
		assert.Equal(t, 1, len(mails[0].letters())+len(mails[1].letters()))
		save(t, first, func(p *notify.Preferences) { p.Channels = nil })
		for i := range 100 {
			send(t, []*notify.Notifier{first, second}[i%2], note(fmt.Sprint(i)))
		}
		time.Sleep(time.Minute)
		assert.Equal(t, 101, len(mails[0].deliveries())+len(mails[1].deliveries()))
	})
}

func TestLease_deadProcessIsTakenOver(t *testing.T) { // R21
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		send(t, n, note("orphan"))
		tasks, err := store.Claim(t.Context(), notify.Claim{Lease: 30 * time.Second, Channels: map[string]int{notify.Email: 1}})
		require.NoError(t, err)
		require.Len(t, tasks, 1) // by a process that dies now
		defer running(t, n)()
		time.Sleep(29 * time.Second)
		assert.Empty(t, mail.deliveries())
		time.Sleep(3 * time.Second)
		assert.Len(t, mail.deliveries(), 1)
		lost, err := store.Settle(t.Context(), []notify.Outcome{{Task: notify.Lease{ID: tasks[0].ID, Epoch: tasks[0].Epoch}, Status: notify.StatusDead}})
		require.NoError(t, err)
		assert.Len(t, lost, 1, "a stale worker changes nothing")
	})
}

func TestHeartbeat_keepsALongAttempt(t *testing.T) { // R21
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		slow := &outlet{name: notify.Email, answer: func(ctx context.Context, _ notify.Delivery) error {
			select {
			case <-time.After(50 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		first, second := newEngine(t, store, slow), newEngine(t, store, slow)
		defer running(t, first)()
		defer running(t, second)()
		send(t, first, note("long"))
		time.Sleep(5 * time.Minute)
		assert.Len(t, slow.deliveries(), 1)
	})
}

func TestUnserved_taskWaitsForItsChannel(t *testing.T) { // R38
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		mail := &outlet{name: notify.Email}
		web := newEngine(t, store, mail)
		send(t, web, note("mail"))
		bare, err := notify.New(store, nil)
		require.NoError(t, err)
		stop := running(t, bare)
		time.Sleep(time.Minute)
		health, err := bare.Health(t.Context())
		require.NoError(t, err)
		assert.Len(t, health.Unserved, 1)
		stop()
		require.NoError(t, web.Drain(t.Context()))
		assert.Len(t, mail.deliveries(), 1)
	})
}

func TestUnserved_fanOutWaitsForItsProviderAndAudience(t *testing.T) { // R38
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		open := func(o notify.Options) *notify.Notifier {
			n, err := notify.New(store, &o)
			require.NoError(t, err)
			return n
		}
		all := map[string]notify.Audience{"all": list{"ada"}}
		sender := open(notify.Options{Audiences: all})
		send(t, sender, notify.Notification{Provider: "billing", Audience: "all", Title: "hello"})
		for name, other := range map[string]*notify.Notifier{
			"audience": open(notify.Options{Providers: notify.Providers{{ID: "billing"}}}),
			"provider": open(notify.Options{Providers: notify.Providers{{ID: "chats"}}, Audiences: all}),
		} {
			require.NoError(t, other.Drain(t.Context()))
			assert.Zero(t, unread(t, sender, "ada"), name)
			health, err := other.Health(t.Context())
			require.NoError(t, err)
			if assert.Len(t, health.Unserved, 1, name) {
				assert.Equal(t, "billing", health.Unserved[0].Provider)
			}
		}
		require.NoError(t, sender.Drain(t.Context()))
		assert.Equal(t, 1, unread(t, sender, "ada"))
	})
}

func TestFairness_aFloodLeavesRoomForOthers(t *testing.T) { // R26
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(ctx context.Context, d notify.Delivery) error {
			if d.Item.Notification.Provider == "billing" {
				<-ctx.Done() // as slow as may be
				return ctx.Err()
			}
			return nil
		}}
		n := center(t, mail, nil)
		defer running(t, n)()
		for i := range 200 {
			send(t, n, note(fmt.Sprint("flood", i)))
		}
		time.Sleep(5 * time.Second)
		other := note("other")
		other.Provider = "chats"
		send(t, n, other)
		urgent := note("urgent")
		urgent.Provider, urgent.Priority = "security", notify.High
		send(t, n, urgent)
		time.Sleep(5 * time.Second)
		assert.Contains(t, sentTitles(mail), "other")
		assert.Contains(t, sentTitles(mail), "urgent")
	})
}

func TestQueue_holdsNoMoreThanItHasRoomFor(t *testing.T) { // R26, R28
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(ctx context.Context, _ notify.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		n := center(t, mail, nil)
		defer running(t, n)()
		for i := range 300 {
			send(t, n, note(fmt.Sprint(i)))
			time.Sleep(10 * time.Millisecond) // until what made room for others is given back
			health, err := n.Health(t.Context())
			require.NoError(t, err)
			for _, q := range health.Stats.Queues {
				require.LessOrEqual(t, q.Leased, 16+4*16, "those that run, and four for each slot")
			}
		}
	})
}

func TestDigest_afterDowntimeOneLetter(t *testing.T) { // R15
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, nil)
		save(t, n, daily)
		send(t, n, note("monday"))
		time.Sleep(24 * time.Hour)
		send(t, n, note("tuesday"))
		time.Sleep(20 * time.Hour) // two cuts were missed, the later one two hours ago
		require.NoError(t, n.Drain(t.Context()))
		require.Len(t, mail.letters(), 1)
		assert.Equal(t, []string{"tuesday", "monday"}, titles(mail.letters()[0].Items))
	})
}

func TestDigest_ofAMachineThatIsAlwaysOffAtItsTime(t *testing.T) { // R15
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily) // at 18:00
		sentOn := map[string][]int{}
		for day := range 8 {
			time.Sleep(9 * time.Hour)
			stop := running(t, n)
			send(t, n, note(fmt.Sprint("item of day ", day)))
			time.Sleep(8 * time.Hour)
			stop()
			for _, letter := range mail.letters() {
				for _, title := range titles(letter.Items) {
					if len(sentOn[title]) == 0 || sentOn[title][0] != day {
						sentOn[title] = append(sentOn[title], day)
					}
				}
			}
			mail.recorder.Reset()
			time.Sleep(7 * time.Hour)
		}
		for day := range 6 {
			on := sentOn[fmt.Sprint("item of day ", day)]
			if assert.Len(t, on, 1, "each item is in one letter, day %d", day) {
				assert.LessOrEqual(t, on[0], day+2, "put off once at most, day %d", day)
			}
		}
	})
}

func TestDigest_changedTimeMovesThePlannedCut(t *testing.T) { // R14
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		send(t, n, note("one"))
		save(t, n, func(p *notify.Preferences) { p.DigestAt, p.TimeZone = "09:00", "Asia/Tokyo" }) // 00:00 UTC
		settings, err := n.Settings(t.Context(), ada)
		require.NoError(t, err)
		assert.Equal(t, "Asia/Tokyo", settings.TimeZone)
		next := settings.Channels[0].NextDigest
		assert.Equal(t, 24*time.Hour, next.Sub(time.Now().Truncate(24*time.Hour)))
		time.Sleep(24*time.Hour + time.Minute)
		assert.Len(t, mail.letters(), 1)
	})
}

func TestDigest_snoozedWaitsForAnother(t *testing.T) { // R31
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		id := send(t, n, note("snoozed"), note("plain"))[0].ID
		_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpSnooze, IDs: []notify.ID{id}, Until: time.Now().Add(20 * time.Hour)})
		require.NoError(t, err)
		time.Sleep(19 * time.Hour)
		require.Len(t, mail.letters(), 1)
		assert.Equal(t, []string{"plain"}, titles(mail.letters()[0].Items))
		time.Sleep(24 * time.Hour)
		require.Len(t, mail.letters(), 2)
		assert.Equal(t, []string{"snoozed"}, titles(mail.letters()[1].Items))
	})
}

func TestPreviewDigest_showsWhatIsPending(t *testing.T) {
	n := center(t, &outlet{name: notify.Email}, nil)
	save(t, n, daily)
	for i := range 6 {
		send(t, n, note(fmt.Sprint(i)))
	}
	digest, err := n.PreviewDigest(t.Context(), ada)
	require.NoError(t, err)
	assert.Len(t, digest.Items, 5)
	assert.Equal(t, 6, digest.Total)
}

func TestChannel_thatEndsItsGoroutineHurtsOnlyItself(t *testing.T) { // R23
	synctest.Test(t, func(t *testing.T) {
		var exits atomic.Int32
		mail := &outlet{name: notify.Email, answer: func(_ context.Context, d notify.Delivery) error {
			if d.Item.Notification.Title == "exit" && exits.Add(1) == 1 {
				runtime.Goexit()
			}
			return nil
		}}
		n := center(t, mail, unhurried)
		stop := running(t, n)
		send(t, n, note("exit"), note("fine"))
		time.Sleep(12 * time.Hour)
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status, r.Reason)
		}
		stop()
	})
}

// failing is a store whose writes fail for a while.
type failing struct {
	*memory.Store
	down atomic.Bool
}

var errDown = errors.New("the database is away")

func (f *failing) Unwrap() notify.Store { return f.Store }

func (f *failing) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Store.Accept(ctx, batch)
}

func (f *failing) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Store.Claim(ctx, c)
}

func (f *failing) Settle(ctx context.Context, o []notify.Outcome) ([]notify.ID, error) {
	if f.down.Load() {
		return nil, errDown
	}
	return f.Store.Settle(ctx, o)
}

func TestStoreOutage_isSurvivedWithoutLossOrRestart(t *testing.T) { // R16
	synctest.Test(t, func(t *testing.T) {
		store := &failing{Store: memory.New(nil)}
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		defer running(t, n)()
		send(t, n, note("before"))
		store.down.Store(true)
		_, err := n.Send(t.Context(), note("refused"))
		require.ErrorIs(t, err, errDown)
		time.Sleep(10 * time.Second)
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		assert.False(t, health.OK)
		store.down.Store(false)
		time.Sleep(10 * time.Second)
		send(t, n, note("after"))
		time.Sleep(time.Second)
		assert.Equal(t, []string{"before", "after"}, sentTitles(mail))
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status)
		}
		health, err = n.Health(t.Context())
		require.NoError(t, err)
		assert.True(t, health.OK, health.Problems)
	})
}

func TestShutdown_givesBackWithoutBurningAttempts(t *testing.T) { // R27
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(ctx context.Context, _ notify.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		n := center(t, mail, nil)
		stop := running(t, n)
		for i := range 100 {
			send(t, n, note(fmt.Sprint(i)))
		}
		time.Sleep(2 * time.Second)
		stop()
		for _, r := range records(t, n) {
			assert.Contains(t, []notify.Status{notify.StatusPending, notify.StatusUnknown}, r.Status)
			assert.Zero(t, r.Attempts)
		}
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		for _, q := range health.Stats.Queues {
			assert.Zero(t, q.Leased)
		}
	})
}

func TestDirectory_thatEndsTheGoroutineBlocksNobody(t *testing.T) { // R23
	synctest.Test(t, func(t *testing.T) {
		var once atomic.Bool
		mail := &outlet{name: notify.Email}
		n := center(t, mail, func(o *notify.Options) {
			people := o.Directory.(notify.People)
			o.Directory = directoryFunc(func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
				if once.CompareAndSwap(false, true) {
					runtime.Goexit()
				}
				return people.Contacts(ctx, rs)
			})
		})
		stop := running(t, n)
		send(t, n, note("one"))
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"one"}, sentTitles(mail))
		stop()
	})
}
