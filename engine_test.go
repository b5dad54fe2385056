package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/store/memory"
)

// outlet is a channel that keeps what it is given and answers as told.
type outlet struct {
	name   string
	answer func(ctx context.Context, d notify.Delivery) error

	recorder channeltest.Recorder
}

func (o *outlet) Name() string { return o.name }

func (o *outlet) Deliver(ctx context.Context, d notify.Delivery) error {
	o.recorder.Always(o.reply())
	return o.recorder.Deliver(ctx, d)
}

func (o *outlet) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	o.recorder.Always(o.reply())
	return o.recorder.DeliverDigest(ctx, d, digest)
}

func (o *outlet) reply() channeltest.Reply {
	if o.answer == nil {
		return nil
	}
	return func(ctx context.Context, c channeltest.Call) error { return o.answer(ctx, c.Delivery) }
}

func (o *outlet) deliveries() []notify.Delivery {
	var all []notify.Delivery
	for _, c := range o.recorder.Calls() {
		all = append(all, c.Delivery)
	}
	return all
}

func (o *outlet) letters() []notify.Digest {
	var all []notify.Digest
	for _, c := range o.recorder.Calls() {
		if c.Digest != nil {
			all = append(all, *c.Digest)
		}
	}
	return all
}

var ada = notify.User("ada")

// center is a Notifier on a memory store with one e-mail channel.
func center(t *testing.T, mail *outlet, change func(*notify.Options)) *notify.Notifier {
	t.Helper()
	opts := &notify.Options{
		Channels:  []notify.Channel{mail},
		Providers: notify.Providers{{ID: "billing"}, {ID: "chats"}, {ID: "security", Forced: []string{notify.Email}}},
		Directory: notify.People{
			ada:                {Addresses: []notify.Address{{Channel: notify.Email, Value: "ada@example.org"}}},
			notify.User("bob"): {Addresses: []notify.Address{{Channel: notify.Email, Value: "bob@example.org"}}},
		},
		Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
	}
	if change != nil {
		change(opts)
	}
	n, err := notify.New(memory.New(nil), opts)
	require.NoError(t, err)
	return n
}

// unhurried polls rarely, for tests that last days.
func unhurried(o *notify.Options) { o.PollInterval = 20 * time.Second }

// running runs the notifier until the test ends.
func running(t *testing.T, n *notify.Notifier) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func note(title string) notify.Notification {
	return notify.Notification{Provider: "billing", To: []notify.Recipient{ada}, Title: title}
}

func send(t *testing.T, n *notify.Notifier, notes ...notify.Notification) []notify.Receipt {
	t.Helper()
	receipts, err := n.Send(t.Context(), notes...)
	require.NoError(t, err)
	return receipts
}

func save(t *testing.T, n *notify.Notifier, change func(*notify.Preferences)) {
	t.Helper()
	p, err := n.Preferences(t.Context(), ada)
	require.NoError(t, err)
	change(&p)
	_, err = n.SavePreferences(t.Context(), ada, p)
	require.NoError(t, err)
}

func daily(p *notify.Preferences) { p.Channels = map[string]notify.Mode{notify.Email: notify.Daily} }

func records(t *testing.T, n *notify.Notifier) []notify.DeliveryRecord {
	t.Helper()
	all, err := n.Deliveries(t.Context(), notify.DeliveryQuery{})
	require.NoError(t, err)
	return all
}

func titles(items []notify.Item) []string {
	var all []string
	for _, it := range items {
		all = append(all, it.Notification.Title)
	}
	return all
}

func TestSend_isInTheInboxWhenItReturns(t *testing.T) { // R2
	n := center(t, &outlet{name: notify.Email}, nil)
	send(t, n, note("one"), note("two"))
	page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"one", "two"}, titles(page.Items))
	assert.Equal(t, notify.Counts{Unread: 2, Unseen: 2}, page.Counts)
}

func TestRun_deliversOnceAndStops(t *testing.T) { // R20, R27
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, nil)
		stop := running(t, n)
		require.ErrorIs(t, n.Run(t.Context()), notify.ErrRunning)
		for i := range 50 {
			send(t, n, note(fmt.Sprint("n", i)))
		}
		synctest.Wait()
		time.Sleep(5 * time.Second)
		assert.Len(t, mail.deliveries(), 50)
		stop()
		assert.Len(t, records(t, n), 50)
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status)
			assert.Equal(t, 1, r.Attempts)
		}
	})
}

func TestMute_keepsTheItemAndForcedMail(t *testing.T) { // R1, R2, rule 4
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	save(t, n, func(p *notify.Preferences) { p.Muted = true })
	forced := note("login")
	forced.Provider = "security"
	send(t, n, note("muted"), forced)
	require.NoError(t, n.Drain(t.Context()))
	require.Len(t, mail.deliveries(), 1)
	assert.Equal(t, "login", mail.deliveries()[0].Item.Notification.Title)
	counts, err := n.Inbox(ada).Counts(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, counts.Unread)
}

func TestInterface_cannotBeSwitchedOff(t *testing.T) { // R1
	n := center(t, &outlet{name: notify.Email}, nil)
	_, err := n.SavePreferences(t.Context(), ada, notify.Preferences{Channels: map[string]notify.Mode{notify.Interface: notify.Off}})
	require.ErrorIs(t, err, notify.ErrInvalid)
}

func TestOptOut_theLatestWinsForWhatIsPending(t *testing.T) { // R5
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	send(t, n, note("before"))
	off := func(p *notify.Preferences) {
		p.Choices = map[string]map[string]notify.Mode{"billing": {notify.Email: notify.Off}}
	}
	save(t, n, off)
	save(t, n, func(p *notify.Preferences) { p.Choices = nil })
	send(t, n, note("after"))
	require.NoError(t, n.Drain(t.Context()))
	require.Len(t, mail.deliveries(), 1)
	assert.Equal(t, "after", mail.deliveries()[0].Item.Notification.Title)
}

func TestSavePreferences_staleAndUnknown(t *testing.T) { // R5
	n := center(t, &outlet{name: notify.Email}, nil)
	save(t, n, daily)
	_, err := n.SavePreferences(t.Context(), ada, notify.Preferences{})
	require.ErrorIs(t, err, notify.ErrConflict)
	for name, p := range map[string]notify.Preferences{
		"Channels[fax]":          {Version: 1, Channels: map[string]notify.Mode{"fax": notify.Off}},
		"Choices[nobody][email]": {Version: 1, Choices: map[string]map[string]notify.Mode{"nobody": {notify.Email: notify.Off}}},
		"TimeZone":               {Version: 1, TimeZone: "Mars/Olympus"},
		"DigestAt":               {Version: 1, DigestAt: "24:61"},
		"Order[0]":               {Version: 1, Order: []string{"nobody"}},
	} {
		_, err := n.SavePreferences(t.Context(), ada, p)
		bad, ok := errors.AsType[*notify.InvalidError](err)
		if assert.True(t, ok, name) {
			assert.Equal(t, name, bad.Field)
		}
	}
}

func TestRead_makesPendingMailMoot(t *testing.T) { // section 5.5
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	id := send(t, n, note("read"))[0].ID
	_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
	require.NoError(t, err)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	assert.Equal(t, "read", records(t, n)[0].Reason)
}

func TestKey_replayAndConflict(t *testing.T) { // R18
	n := center(t, &outlet{name: notify.Email}, nil)
	first := note("one")
	first.Key = "k"
	id := send(t, n, first)[0].ID
	again := send(t, n, first)[0]
	assert.Equal(t, notify.Receipt{ID: id, Replayed: true}, again)
	other := note("two")
	other.Key = "k"
	receipts, err := n.Send(t.Context(), other, note("stands"))
	require.ErrorIs(t, err, notify.ErrConflict)
	require.ErrorIs(t, receipts[0].Err, notify.ErrConflict)
	assert.NoError(t, receipts[1].Err)
}

func TestWithdraw_removesAndStops(t *testing.T) { // R19
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	about := note("task due")
	about.Entity = "task/17"
	send(t, n, about)
	count, err := n.Withdraw(t.Context(), notify.Withdrawal{Entity: "task/17"})
	require.NoError(t, err)
	assert.Equal(t, 1, count)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	counts, err := n.Inbox(ada).Counts(t.Context())
	require.NoError(t, err)
	assert.Zero(t, counts)
}

func TestDigest_fiveOfSevenAtTheCut(t *testing.T) { // R6, R9
	synctest.Test(t, func(t *testing.T) { // the bubble's clock starts at midnight UTC
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		for i := range 7 {
			send(t, n, note(fmt.Sprint("n", i)))
			time.Sleep(time.Minute)
		}
		time.Sleep(17*time.Hour + 52*time.Minute)
		assert.Empty(t, mail.letters())
		time.Sleep(2 * time.Minute)
		require.Len(t, mail.letters(), 1)
		letter := mail.letters()[0]
		assert.Equal(t, []string{"n6", "n5", "n4", "n3", "n2"}, titles(letter.Items))
		assert.Equal(t, 7, letter.Total)
		assert.Equal(t, 18, letter.To.Hour())
		time.Sleep(72 * time.Hour)
		assert.Len(t, mail.letters(), 1, "R11: one letter per cut, none when nothing is new")
	})
}

func TestDigest_itemAtTheCutIsTomorrows(t *testing.T) { // R6
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, nil)
		save(t, n, daily)
		send(t, n, note("early"))
		cut := time.Now().Truncate(24 * time.Hour).Add(18 * time.Hour)
		time.Sleep(time.Until(cut) - time.Microsecond)
		send(t, n, note("just before"))
		time.Sleep(time.Until(cut))
		send(t, n, note("at the cut"))
		require.NoError(t, n.Drain(t.Context()))
		require.Len(t, mail.letters(), 1)
		assert.Equal(t, []string{"just before", "early"}, titles(mail.letters()[0].Items))
		time.Sleep(24 * time.Hour)
		require.NoError(t, n.Drain(t.Context()))
		require.Len(t, mail.letters(), 2)
		assert.Equal(t, []string{"at the cut"}, titles(mail.letters()[1].Items))
		assert.Equal(t, cut.UTC(), mail.letters()[1].From)
	})
}

func TestDigest_nothingUnreadSendsNothing(t *testing.T) { // R8, R10
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		id := send(t, n, note("read in time"))[0].ID
		_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
		require.NoError(t, err)
		time.Sleep(25 * time.Hour)
		assert.Empty(t, mail.letters())
	})
}

func TestDigest_retryKeepsIdentityAndDropsWhatWasRead(t *testing.T) { // R8, R20
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Bool
		fail.Store(true)
		mail := &outlet{name: notify.Email}
		mail.answer = func(context.Context, notify.Delivery) error {
			if fail.Load() {
				return errors.New("relay is away")
			}
			return nil
		}
		n := center(t, mail, unhurried)
		save(t, n, daily)
		defer running(t, n)()
		id := send(t, n, note("read meanwhile"), note("stays"))[0].ID
		time.Sleep(18*time.Hour + 500*time.Millisecond)
		require.NotEmpty(t, mail.letters())
		fail.Store(false)
		_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
		require.NoError(t, err)
		time.Sleep(3 * time.Hour)
		letters, sent := mail.letters(), mail.deliveries()
		assert.Equal(t, []string{"stays"}, titles(letters[len(letters)-1].Items))
		assert.Equal(t, sent[0].Identity(), sent[len(sent)-1].Identity())
	})
}

func TestRetry_backsOffThenGoesDeadAndCanBeRedelivered(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Bool
		fail.Store(true)
		mail := &outlet{name: notify.Email}
		mail.answer = func(context.Context, notify.Delivery) error {
			if fail.Load() {
				return errors.New("busy")
			}
			return nil
		}
		n := center(t, mail, unhurried)
		defer running(t, n)()
		send(t, n, note("hard"))
		time.Sleep(48 * time.Hour)
		record := records(t, n)[0]
		assert.Equal(t, notify.StatusDead, record.Status)
		assert.Equal(t, 8, record.Attempts)
		assert.Len(t, mail.deliveries(), 8)
		fail.Store(false)
		count, err := n.Redeliver(t.Context(), record.ID)
		require.NoError(t, err)
		assert.Equal(t, 1, count)
		time.Sleep(5 * time.Second)
		sent := mail.deliveries()
		assert.Equal(t, sent[0].Identity(), sent[len(sent)-1].Identity())
		assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status)
	})
}

func TestMisconfigured_pausesWithoutBurningAttempts(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		mail := &outlet{name: notify.Email}
		mail.answer = func(context.Context, notify.Delivery) error {
			if broken.Load() {
				return &notify.DeliveryError{Class: notify.Misconfigured, Err: errors.New("535")}
			}
			return nil
		}
		n := center(t, mail, nil)
		defer running(t, n)()
		for i := range 20 {
			send(t, n, note(fmt.Sprint(i)))
		}
		time.Sleep(20 * time.Second)
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		assert.False(t, health.OK)
		require.Len(t, health.Paused, 1)
		for _, r := range records(t, n) {
			assert.Zero(t, r.Attempts)
		}
		broken.Store(false)
		time.Sleep(time.Hour)
		for _, r := range records(t, n) {
			assert.Equal(t, notify.StatusDelivered, r.Status)
		}
		health, err = n.Health(t.Context())
		require.NoError(t, err)
		assert.Empty(t, health.Paused)
	})
}

func TestGone_suppressesTheDirectorysAddress(t *testing.T) { // R22
	mail := &outlet{name: notify.Email}
	mail.answer = func(context.Context, notify.Delivery) error {
		return &notify.DeliveryError{Class: notify.Gone, Err: errors.New("550 5.1.1")}
	}
	n := center(t, mail, nil)
	send(t, n, note("one"))
	require.NoError(t, n.Drain(t.Context()))
	send(t, n, note("two"))
	require.NoError(t, n.Drain(t.Context()))
	assert.Len(t, mail.deliveries(), 1)
	list, err := n.Suppressions(t.Context(), "", notify.Address{}, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, "ada@example.org", list[0].Address.Value)
}

func TestChannel_thatPanicsHangsOrExitsHurtsOnlyItself(t *testing.T) { // R23, R27
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		mail := &outlet{name: notify.Email}
		mail.answer = func(ctx context.Context, d notify.Delivery) error {
			switch d.Item.Notification.Title {
			case "panic":
				panic("at the disco")
			case "hang":
				<-release // ignores its context
			}
			return nil
		}
		n := center(t, mail, nil)
		stop := running(t, n)
		send(t, n, note("panic"), note("hang"), note("fine"))
		time.Sleep(3 * time.Second)
		byStatus := map[notify.Status]int{}
		for _, r := range records(t, n) {
			byStatus[r.Status]++
		}
		assert.Equal(t, 1, byStatus[notify.StatusDelivered])
		time.Sleep(2 * time.Minute)
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		assert.Positive(t, health.Stuck)
		stop()
		close(release)
		synctest.Wait()
	})
}

// list is the audience of everybody on a list.
type list []string

func (l list) Members(_ context.Context, _, after string, limit int) ([]string, error) {
	i, found := slices.BinarySearch(l, after)
	if found {
		i++
	}
	return slices.Clone(l[i:min(len(l), i+limit)]), nil
}

func TestAudience_reachesEverybodyOnce(t *testing.T) { // R2, section 5.2
	var everybody list
	for i := range 2500 {
		everybody = append(everybody, fmt.Sprintf("u%05d", i))
	}
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) {
		o.Audiences = map[string]notify.Audience{"all": everybody}
	})
	send(t, n, notify.Notification{Provider: "billing", Audience: "all", Title: "hello"})
	require.NoError(t, n.Drain(t.Context()))
	for _, id := range everybody {
		counts, err := n.Inbox(notify.User(id)).Counts(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, counts.Unread, id)
	}
}

func TestErase_forgetsAndRestores(t *testing.T) { // R32
	n := center(t, &outlet{name: notify.Email}, nil)
	send(t, n, note("secret"))
	require.NoError(t, n.Erase(t.Context(), ada))
	export, err := n.Export(t.Context(), ada)
	require.NoError(t, err)
	assert.Empty(t, export.Items)
	assert.Empty(t, export.Deliveries)
	send(t, n, note("dropped"))
	page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	require.NoError(t, n.Restore(t.Context(), ada))
	send(t, n, note("again"))
	counts, err := n.Inbox(ada).Counts(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, counts.Unread)
}

func TestInbox_foreignIdsAndCursors(t *testing.T) { // R29
	n := center(t, &outlet{name: notify.Email}, nil)
	id := send(t, n, note("ada's"))[0].ID
	bob := n.Inbox(notify.User("bob"))
	_, err := bob.Get(t.Context(), id)
	require.ErrorIs(t, err, notify.ErrNotFound)
	_, err = bob.Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
	require.ErrorIs(t, err, notify.ErrNotFound)
	page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
	require.NoError(t, err)
	_, err = bob.Page(t.Context(), notify.Query{Cursor: page.Head})
	require.ErrorIs(t, err, notify.ErrInvalid)
}

func TestWatch_itemsTransientsAndOtherChanges(t *testing.T) { // R3, R30
	synctest.Test(t, func(t *testing.T) {
		n := center(t, &outlet{name: notify.Email}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var kinds []notify.ChangeKind
		done := make(chan struct{})
		go func() {
			defer close(done)
			for change, err := range n.Inbox(ada).Watch(ctx, "") {
				if assert.NoError(t, err) {
					kinds = append(kinds, change.Kind)
				}
			}
		}()
		synctest.Wait()
		id := send(t, n, note("stored"))[0].ID
		synctest.Wait()
		toast := note("pop-up")
		toast.Transient = true
		send(t, n, toast)
		synctest.Wait()
		_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
		require.NoError(t, err)
		synctest.Wait()
		cancel()
		<-done
		assert.Equal(t, []notify.ChangeKind{notify.ChangeResync, notify.ChangeItem, notify.ChangeTransient, notify.ChangeResync}, kinds)
	})
}
