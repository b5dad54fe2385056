package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

func TestInbox_pagesAndAllGoThroughEverythingOnce(t *testing.T) { // R30
	n := center(t, &outlet{name: notify.Email}, nil)
	var want []string
	for i := range 250 {
		send(t, n, note(fmt.Sprint(i)))
		want = append(want, fmt.Sprint(i))
	}
	slices.Reverse(want)
	var paged []string
	q := notify.Query{Limit: 7}
	for {
		page, err := n.Inbox(ada).Page(t.Context(), q)
		require.NoError(t, err)
		paged = append(paged, titles(page.Items)...)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
		if len(paged) == 70 {
			send(t, n, note("comes in meanwhile"))
		}
	}
	assert.Equal(t, want, paged)
	var all []string
	for item, err := range n.Inbox(ada).All(t.Context(), notify.Query{}) {
		require.NoError(t, err)
		all = append(all, item.Notification.Title)
	}
	assert.Equal(t, append([]string{"comes in meanwhile"}, want...), all)
}

func TestCounts_stopAtTheLimitAndAnswerEveryMark(t *testing.T) { // R31
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) { o.CountLimit = 3 })
	for i := range 5 {
		send(t, n, note(fmt.Sprint(i)))
	}
	page, err := n.Inbox(ada).Page(t.Context(), notify.Query{Limit: 2})
	require.NoError(t, err)
	assert.Equal(t, notify.Counts{Unread: 3, Unseen: 3, AtLeast: true}, page.Counts)
	marked, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{page.Items[0].ID, page.Items[1].ID, page.Items[1].ID}})
	require.NoError(t, err)
	assert.Equal(t, notify.Marked{Changed: 2, Counts: notify.Counts{Unread: 3, Unseen: 3}}, marked)
	send(t, n, note("after the page was read"))
	marked, err = n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, UpTo: page.Head})
	require.NoError(t, err)
	assert.Equal(t, notify.Marked{Changed: 3, Counts: notify.Counts{Unread: 1, Unseen: 1}}, marked)
}

func TestWatch_aReaderWhoTakesNothingHoldsNoSenderUp(t *testing.T) { // R28, R30
	synctest.Test(t, func(t *testing.T) {
		n := center(t, &outlet{name: notify.Email}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		stuck := make(chan struct{})
		popups := 0
		go func() {
			for change := range n.Inbox(ada).Watch(ctx, "") {
				<-stuck
				if change.Kind == notify.ChangeTransient {
					popups++
				}
			}
		}()
		synctest.Wait()
		toast := note("pop-up")
		toast.Transient = true
		for range 200 {
			send(t, n, toast)
		}
		close(stuck)
		synctest.Wait()
		assert.Equal(t, 128, popups, "what a reader has not taken is bounded")
		cancel()
		synctest.Wait()
	})
}

// badged is a channel that shows a number.
type badged struct{ *outlet }

func (badged) WantsUnread() bool { return true }

func TestBadge_isTheUnreadCount(t *testing.T) {
	mobile := badged{&outlet{name: notify.Email}}
	n := center(t, mobile.outlet, func(o *notify.Options) { o.Channels = []notify.Channel{mobile} })
	send(t, n, note("one"), note("two"))
	require.NoError(t, n.Drain(t.Context()))
	for _, d := range mobile.deliveries() {
		assert.Equal(t, 2, d.Unread)
		assert.Equal(t, "https://example.org/inbox", d.Links.Inbox)
		assert.Empty(t, d.Contact.Addresses, "other addresses are no business of this call")
	}
	assert.Len(t, mobile.deliveries(), 2)
}

func TestRead_whileItWaitsForASlotIsNotMailed(t *testing.T) { // section 5.3
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			time.Sleep(10 * time.Second)
			return nil
		}}
		n := center(t, mail, func(o *notify.Options) { o.Workers = 1 })
		defer running(t, n)()
		send(t, n, note("first"))
		synctest.Wait()
		id := send(t, n, note("read meanwhile"))[0].ID
		archived := send(t, n, note("archived meanwhile"))[0].ID
		time.Sleep(5 * time.Second)
		_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
		require.NoError(t, err)
		_, err = n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpArchive, IDs: []notify.ID{archived}})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"first"}, sentTitles(mail))
	})
}

func TestHandOver_needsNoClaim(t *testing.T) { // section 5.3
	synctest.Test(t, func(t *testing.T) {
		store := &brittle{Store: memory.New(nil)}
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		defer running(t, n)()
		store.fail("Claim")
		send(t, n, note("handed over"))
		synctest.Wait()
		assert.Equal(t, []string{"handed over"}, sentTitles(mail))
		key := note("once")
		key.Key = "k"
		send(t, n, key, key)
		send(t, n, key)
		synctest.Wait()
		assert.Len(t, mail.deliveries(), 2, "a replay hands nothing over")
	})
}

func TestHealth_isRedWhenDueWorkWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := center(t, &outlet{name: notify.Email}, nil)
		send(t, n, note("nobody works"))
		time.Sleep(4 * time.Minute)
		health, err := n.Health(t.Context())
		require.NoError(t, err)
		assert.True(t, health.OK, health.Problems)
		assert.False(t, health.Running)
		time.Sleep(2 * time.Minute)
		health, err = n.Health(t.Context())
		require.NoError(t, err)
		assert.False(t, health.OK)
		assert.Contains(t, fmt.Sprint(health.Problems), "1 due")
		require.NoError(t, n.Drain(t.Context()))
		health, err = n.Health(t.Context())
		require.NoError(t, err)
		assert.True(t, health.OK, health.Problems)
	})
}

func TestWithdraw_forcedMailTooAndFromManyInboxes(t *testing.T) { // R19
	mail := &outlet{name: notify.Email}
	var crowd list
	for i := range 1200 {
		crowd = append(crowd, fmt.Sprintf("u%04d", i))
	}
	n := center(t, mail, func(o *notify.Options) { o.Audiences = map[string]notify.Audience{"all": crowd} })
	forced := note("login")
	forced.Provider, forced.Key = "security", "k"
	send(t, n, forced)
	announced := toAll("party")
	announced.Entity = "party"
	send(t, n, announced)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, n.Drain(ctx))
	_, err := n.Withdraw(t.Context(), notify.Withdrawal{Key: "k"})
	require.ErrorIs(t, err, notify.ErrInvalid, "a key is one of a provider")
	count, err := n.Withdraw(t.Context(), notify.Withdrawal{Provider: "security", Key: "k"})
	require.NoError(t, err)
	assert.Equal(t, 1, count)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	assert.Equal(t, 1, unread(t, n, "u1199"))
	count, err = n.Withdraw(t.Context(), notify.Withdrawal{Entity: "party"})
	require.NoError(t, err)
	assert.Equal(t, 1, count)
	for _, id := range []string{"u0000", "u0600", "u1199"} {
		assert.Zero(t, unread(t, n, id), "when it returns the items are gone")
	}
}

func TestWithdrawTx_stopsWhatIsForcedBeforeItsItemIsSwept(t *testing.T) { // R19
	store := memory.New(nil)
	mail := &outlet{name: notify.Email}
	n, err := notify.New(store, &notify.Options{
		Channels: []notify.Channel{mail}, Providers: notify.Providers{{ID: "security", Forced: []string{notify.Email}}},
		Directory: notify.People{ada: {Addresses: []notify.Address{{Channel: notify.Email, Value: "ada@example.org"}}}},
		Links:     notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
	})
	require.NoError(t, err)
	forced := note("login")
	forced.Provider, forced.Entity = "security", "session/1"
	send(t, n, forced)
	_, err = n.WithdrawTx(t.Context(), store, notify.Withdrawal{Entity: "session/1"})
	require.NoError(t, err)
	tasks, err := store.Claim(t.Context(), notify.Claim{Lease: time.Hour, FanOuts: 1}) // the sweep is held up elsewhere
	require.NoError(t, err)
	require.Len(t, tasks, 1)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
	assert.Equal(t, "withdrawn", records(t, n)[0].Reason)
}

func TestDirectory_thatIsAwayIsNotAskedAboutEachAlone(t *testing.T) {
	asked := 0
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) {
		o.Directory = directoryFunc(func(context.Context, []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
			asked++
			return nil, errors.New("the directory is away")
		})
	})
	everybody := note("to many")
	for i := range 60 {
		everybody.To = append(everybody.To, notify.User(fmt.Sprint(i)))
	}
	send(t, n, everybody)
	require.ErrorContains(t, n.Drain(t.Context()), "away")
	assert.LessOrEqual(t, asked, 10)
}

func TestCollapse_aReadOneGivesTheKeyUp(t *testing.T) { // R19
	n := center(t, &outlet{name: notify.Email}, nil)
	chat := note("1 message")
	chat.CollapseKey = "chat/7"
	id := send(t, n, chat)[0].ID
	_, err := n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
	require.NoError(t, err)
	_, err = n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpUnread, IDs: []notify.ID{id}})
	require.NoError(t, err)
	chat.Title = "another"
	send(t, n, chat)
	page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
	require.NoError(t, err)
	assert.Equal(t, []string{"another", "1 message"}, titles(page.Items), "for good, also when it is unread again")
}

func TestProvider_underAFormerIdIsServed(t *testing.T) { // R38
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) {
		o.Providers = notify.Providers{{ID: "invoices", Aliases: []string{"billing"}}}
		o.InlineFanOut = 1
	})
	many := note("under the former id")
	many.To = append(many.To, notify.User("bob"))
	send(t, n, many)
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, 1, unread(t, n, "bob"))
}
