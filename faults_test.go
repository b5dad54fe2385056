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

func TestPoison_isChargedBeforeItRunsAgain(t *testing.T) { // R21
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		var attempts []int
		mail := &outlet{name: notify.Email}
		mail.answer = func(_ context.Context, d notify.Delivery) error {
			record, err := store.Deliveries(t.Context(), notify.DeliveryQuery{IDs: []notify.ID{d.ID}})
			if err == nil {
				attempts = append(attempts, record[0].Attempts) // what is stored while the channel runs
			}
			return nil
		}
		n := newEngine(t, store, mail)
		send(t, n, note("poison"))
		_, err := store.Claim(t.Context(), notify.Claim{Lease: 30 * time.Second, Channels: map[string]int{notify.Email: 1}})
		require.NoError(t, err)
		time.Sleep(31 * time.Second) // its process died
		require.NoError(t, n.Drain(t.Context()))
		assert.Equal(t, []int{1}, attempts)
		assert.Equal(t, 1, records(t, n)[0].Attempts, "and not twice")
	})
}

func TestRetryAfter_isALowerBound(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			return &notify.DeliveryError{RetryAfter: 5 * time.Hour, Err: errors.New("452")}
		}}
		n := center(t, mail, nil)
		defer running(t, n)()
		send(t, n, note("later"))
		time.Sleep(5*time.Hour - time.Second)
		assert.Len(t, mail.deliveries(), 1)
		time.Sleep(time.Minute)
		assert.Len(t, mail.deliveries(), 2)
	})
}

func TestRetryAfter_beyondThePolicyEndsTheDelivery(t *testing.T) { // R22, R28
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			return &notify.DeliveryError{RetryAfter: 100 * 365 * 24 * time.Hour, Err: errors.New("452")}
		}}
		n := center(t, mail, nil)
		send(t, n, note("never"))
		require.NoError(t, n.Drain(t.Context()))
		assert.Equal(t, notify.StatusDead, records(t, n)[0].Status)
		assert.Equal(t, "asked to wait too long", records(t, n)[0].Reason)
	})
}

func TestAttemptTimeout_leavesAnUnknownOutcome(t *testing.T) { // R20, R23
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(ctx context.Context, _ notify.Delivery) error {
			<-ctx.Done()
			return fmt.Errorf("reading the answer: %w", ctx.Err())
		}}
		n := center(t, mail, func(o *notify.Options) { o.AttemptTimeout = 2 * time.Second })
		send(t, n, note("hangs"))
		begun := time.Now()
		require.NoError(t, n.Drain(t.Context()))
		assert.Equal(t, 2*time.Second, time.Since(begun))
		assert.Equal(t, notify.StatusUnknown, records(t, n)[0].Status, "the channel cannot tell how far it came")
		assert.Equal(t, 1, records(t, n)[0].Attempts)
	})
}

func TestPermanent_isDeadAtOnce(t *testing.T) { // R22
	mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
		return &notify.DeliveryError{Class: notify.Permanent, Err: errors.New("554")}
	}}
	n := center(t, mail, nil)
	send(t, n, note("never"))
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, notify.StatusDead, records(t, n)[0].Status)
}

func TestRedeliver_beginsAnew(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		var answer atomic.Pointer[notify.DeliveryError]
		answer.Store(&notify.DeliveryError{Class: notify.Permanent, Err: errors.New("552 too large")})
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			if e := answer.Load(); e != nil {
				return e
			}
			return nil
		}}
		n := center(t, mail, unhurried)
		defer running(t, n)()
		send(t, n, note("large"))
		time.Sleep(3 * 24 * time.Hour) // longer than the policy tries at all
		record := records(t, n)[0]
		require.Equal(t, notify.StatusDead, record.Status)
		answer.Store(&notify.DeliveryError{Class: notify.Misconfigured, Err: errors.New("535")})
		redeliver := func() {
			count, err := n.Redeliver(t.Context(), record.ID)
			require.NoError(t, err)
			require.Equal(t, 1, count)
		}
		redeliver()
		time.Sleep(time.Minute)
		require.Greater(t, len(mail.deliveries()), 1, "who refused is asked again")
		assert.Equal(t, notify.StatusPending, records(t, n)[0].Status, "and three days do not count against it")
		answer.Store(&notify.DeliveryError{Err: errors.New("451")})
		time.Sleep(30 * time.Minute)
		assert.Equal(t, notify.StatusPending, records(t, n)[0].Status, "nor does a temporary failure end it")
		answer.Store(nil)
		time.Sleep(12 * time.Hour)
		assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status)
		sent := mail.deliveries()
		assert.Equal(t, sent[0].Identity(), sent[len(sent)-1].Identity())
	})
}

func TestUnknown_isRetriedWithTheSameIdentityAndSaysSo(t *testing.T) { // R20, R22
	synctest.Test(t, func(t *testing.T) {
		var once atomic.Bool
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			if once.CompareAndSwap(false, true) {
				return &notify.DeliveryError{Class: notify.Unknown, Err: errors.New("connection lost after the dot")}
			}
			return nil
		}}
		n := center(t, mail, nil)
		send(t, n, note("maybe"))
		require.NoError(t, n.Drain(t.Context()))
		assert.Equal(t, notify.StatusUnknown, records(t, n)[0].Status)
		time.Sleep(time.Hour)
		require.NoError(t, n.Drain(t.Context()))
		sent := mail.deliveries()
		require.Len(t, sent, 2)
		assert.Equal(t, sent[0].Identity(), sent[1].Identity())
		assert.Equal(t, []int{1, 2}, []int{sent[0].Attempt, sent[1].Attempt})
	})
}

func TestPanic_isAnUnknownOutcome(t *testing.T) { // R20, R23
	mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error { panic("after the dot?") }}
	n := center(t, mail, nil)
	send(t, n, note("maybe"))
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, notify.StatusUnknown, records(t, n)[0].Status)
}

func TestError_isBoundedAndClean(t *testing.T) { // R28
	mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
		return &notify.DeliveryError{Class: notify.Permanent, Err: fmt.Errorf("bad\r\nnews\x00\xff %0*d", 10_000_000, 1)}
	}}
	n := center(t, mail, nil)
	send(t, n, note("huge"))
	require.NoError(t, n.Drain(t.Context()))
	text := records(t, n)[0].Error
	assert.LessOrEqual(t, len(text), 4096)
	assert.NotContains(t, text, "\n")
	assert.Contains(t, text, "bad")
}

func TestPreferences_hiddenCellsAndOrderAreKept(t *testing.T) { // R5
	store := memory.New(nil)
	open := func(providers notify.Catalog) *notify.Notifier {
		n, err := notify.New(store, &notify.Options{
			Channels: []notify.Channel{&outlet{name: notify.Email}}, Providers: providers,
			Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org" }},
		})
		require.NoError(t, err)
		return n
	}
	both := open(notify.Providers{{ID: "billing"}, {ID: "crm"}, {ID: "chats"}})
	_, err := both.SavePreferences(t.Context(), ada, notify.Preferences{
		Order:   []string{"chats", "crm", "billing"},
		Choices: map[string]map[string]notify.Mode{"crm": {notify.Email: notify.Off}, "billing": {notify.Email: notify.Daily}},
	})
	require.NoError(t, err)
	one := open(notify.Providers{{ID: "billing"}, {ID: "chats"}})
	shown, err := one.Preferences(t.Context(), ada)
	require.NoError(t, err)
	assert.Equal(t, []string{"chats", "billing"}, shown.Order)
	assert.NotContains(t, shown.Choices, "crm")
	shown.Order = []string{"billing", "chats"}
	shown.Choices = nil
	_, err = one.SavePreferences(t.Context(), ada, shown)
	require.NoError(t, err)
	back, err := both.Preferences(t.Context(), ada)
	require.NoError(t, err)
	assert.Equal(t, []string{"billing", "crm", "chats"}, back.Order)
	assert.Equal(t, map[string]map[string]notify.Mode{"crm": {notify.Email: notify.Off}}, back.Choices)
}

func TestOptOut_ofAChannelSparesWhatWasKeptOn(t *testing.T) { // R5
	mail := &outlet{name: notify.Email}
	n := center(t, mail, nil)
	save(t, n, func(p *notify.Preferences) {
		p.Choices = map[string]map[string]notify.Mode{"chats": {notify.Email: notify.Immediate}}
	})
	chat := note("kept")
	chat.Provider = "chats"
	send(t, n, note("off"), chat)
	save(t, n, func(p *notify.Preferences) { p.Channels = map[string]notify.Mode{notify.Email: notify.Off} })
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, []string{"kept"}, sentTitles(mail))
}

func TestOptOut_byClearingAChoiceCounts(t *testing.T) { // R5
	mail := &outlet{name: notify.Email}
	n := center(t, mail, func(o *notify.Options) { o.Defaults = map[string]notify.Mode{notify.Email: notify.Off} })
	on := func(p *notify.Preferences) {
		p.Choices = map[string]map[string]notify.Mode{"billing": {notify.Email: notify.Immediate}}
	}
	save(t, n, on)
	send(t, n, note("before"))
	save(t, n, func(p *notify.Preferences) { p.Choices = nil })
	save(t, n, on)
	require.NoError(t, n.Drain(t.Context()))
	assert.Empty(t, mail.deliveries())
}

func TestOptOut_byClearingCountsWithoutACatalogToo(t *testing.T) { // R5
	for name, choose := range map[string]func(p *notify.Preferences, mode notify.Mode){
		"a cell": func(p *notify.Preferences, m notify.Mode) {
			p.Choices = map[string]map[string]notify.Mode{"billing": {notify.Email: m}}
		},
		"a channel": func(p *notify.Preferences, m notify.Mode) { p.Channels = map[string]notify.Mode{notify.Email: m} },
	} {
		mail := &outlet{name: notify.Email}
		n := center(t, mail, func(o *notify.Options) {
			o.Providers, o.Defaults = nil, map[string]notify.Mode{notify.Email: notify.Off}
		})
		save(t, n, func(p *notify.Preferences) {
			choose(p, notify.Immediate)
			keepChats(p)
		})
		kept := note("kept")
		kept.Provider = "chats"
		send(t, n, note("before"), kept)
		save(t, n, func(p *notify.Preferences) { choose(p, notify.Default); keepChats(p) })
		save(t, n, func(p *notify.Preferences) { choose(p, notify.Immediate); keepChats(p) })
		require.NoError(t, n.Drain(t.Context()))
		assert.Equal(t, []string{"kept"}, sentTitles(mail), name)
	}
}

func keepChats(p *notify.Preferences) {
	if p.Choices == nil {
		p.Choices = map[string]map[string]notify.Mode{}
	}
	p.Choices["chats"] = map[string]notify.Mode{notify.Email: notify.Immediate}
}

func TestSettings_showsLocksReasonsAndOrder(t *testing.T) {
	n := center(t, &outlet{name: notify.Email}, nil)
	save(t, n, func(p *notify.Preferences) { p.Order, p.Muted = []string{"security", "chats"}, true })
	settings, err := n.Settings(t.Context(), ada)
	require.NoError(t, err)
	var order []string
	for _, p := range settings.Providers {
		order = append(order, p.Provider.ID)
	}
	assert.Equal(t, []string{"security", "chats", "billing"}, order)
	assert.Equal(t, []notify.Cell{
		{Channel: notify.Interface, Mode: notify.Immediate, Unmuted: notify.Immediate, Rule: notify.RuleInterface, Locked: true},
		{Channel: notify.Email, Mode: notify.Immediate, Unmuted: notify.Immediate, Rule: notify.RuleForced, Locked: true},
	}, settings.Providers[0].Cells)
	assert.Equal(t, notify.Cell{Channel: notify.Email, Mode: notify.Off, Unmuted: notify.Immediate, Rule: notify.RuleMuted}, settings.Providers[1].Cells[1])
	assert.True(t, settings.Channels[0].Reachable)
}

func TestWatch_lateCommitIsSeen(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		var back atomic.Int64 // how far the instant of the next filing lies back
		store := memory.New(&memory.Options{Now: func() time.Time { return now.Add(time.Since(now)).Add(-time.Duration(back.Load())) }})
		n := newEngine(t, store, &outlet{name: notify.Email})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var seen []string
		go func() {
			for change, err := range n.Inbox(ada).Watch(ctx, "") {
				if err == nil && change.Kind == notify.ChangeItem {
					seen = append(seen, change.Item.Notification.Title)
				}
			}
		}()
		synctest.Wait()
		time.Sleep(time.Minute)
		send(t, n, note("first"))
		synctest.Wait()
		back.Store(int64(5 * time.Second)) // filed before, committed after
		send(t, n, note("late"))
		synctest.Wait()
		assert.Equal(t, []string{"first", "late"}, seen)
	})
}
