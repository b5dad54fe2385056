package notify_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

func TestErase_waitsForAttemptsAndNothingIsSentAfter(t *testing.T) { // R32
	synctest.Test(t, func(t *testing.T) {
		var lastCall time.Time
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			time.Sleep(20 * time.Second)
			lastCall = time.Now()
			return nil
		}}
		n := center(t, mail, func(o *notify.Options) { o.Workers = 1 })
		defer running(t, n)()
		for i := range 3 {
			send(t, n, note(fmt.Sprint(i)))
		}
		later := note("later")
		later.NotBefore = time.Now().Add(time.Hour)
		send(t, n, later)
		synctest.Wait()
		me := watch(t.Context(), n, ada)
		me.news()
		time.Sleep(time.Second)
		require.NoError(t, n.Erase(t.Context(), ada))
		erased := time.Now()
		assert.False(t, lastCall.IsZero(), "it waited for the attempt")
		assert.LessOrEqual(t, time.Since(lastCall), time.Second)
		assert.Contains(t, me.news(), "resync", "who watches is told")
		assert.Len(t, mail.deliveries(), 1, "what had not begun does not begin")
		send(t, n, note("after"))
		time.Sleep(3 * time.Hour)
		assert.Len(t, mail.deliveries(), 1)
		assert.False(t, lastCall.After(erased))
		assert.Empty(t, records(t, n))
		assert.Zero(t, unread(t, n, "ada"))
	})
}

func TestErase_endsWithItsContext(t *testing.T) { // R32
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			time.Sleep(50 * time.Second)
			return nil
		}}
		n := center(t, mail, nil)
		defer running(t, n)()
		send(t, n, note("slow"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, n.Erase(ctx, ada), context.DeadlineExceeded)
		require.NoError(t, n.Erase(t.Context(), ada), "and can be repeated")
	})
}

func TestExport_isComplete(t *testing.T) { // R32
	store := memory.New(nil)
	n := newEngine(t, store, &outlet{name: notify.Email})
	for i := range 1100 {
		send(t, n, note(fmt.Sprint(i)))
	}
	save(t, n, func(p *notify.Preferences) { p.Muted = true })
	_, err := n.Register(t.Context(), ada, notify.Registration{Address: notify.Address{Channel: notify.Email, Value: "second@example.org"}})
	require.NoError(t, err)
	for _, value := range []string{"ada@example.org", "second@example.org", "bob@example.org"} {
		require.NoError(t, n.Suppress(t.Context(), notify.Suppression{Address: notify.Address{Channel: notify.Email, Value: value}}))
	}
	export, err := n.Export(t.Context(), ada)
	require.NoError(t, err)
	assert.Len(t, export.Items, 1100)
	assert.Len(t, export.Deliveries, 1100)
	assert.Len(t, export.Addresses, 1)
	assert.Len(t, export.Suppression, 2)
	assert.True(t, export.Profile.Preferences.Muted)
	assert.Len(t, export.Profile.OptOuts, 1)
}

func TestPrune_worksInBatchesUntilNothingIsLeft(t *testing.T) { // R33
	synctest.Test(t, func(t *testing.T) {
		n := newEngine(t, memory.New(nil), &outlet{name: notify.Email})
		for i := range 700 {
			send(t, n, note(fmt.Sprint(i)))
		}
		page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
		require.NoError(t, err)
		send(t, n, note("unread"))
		require.NoError(t, n.Drain(t.Context()))
		_, err = n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, UpTo: page.Head})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		removed, err := n.Prune(t.Context(), notify.Prune{ReadBefore: time.Now(), DeliveriesBefore: time.Now()})
		require.NoError(t, err)
		assert.Equal(t, 700+700+701, removed, "items, notifications and records")
		assert.Equal(t, 1, unread(t, n, "ada"), "never what is unread")
		_, err = notifierOf(t, plain{memory.New(nil)}).Prune(t.Context(), notify.Prune{})
		require.ErrorContains(t, err, "unsupported")
	})
}

func notifierOf(t *testing.T, store notify.Store) *notify.Notifier {
	t.Helper()
	n, err := notify.New(store, nil)
	require.NoError(t, err)
	return n
}
