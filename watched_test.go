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

// counted is a store that counts how often inboxes are read, and whose looks
// at many of them can fail.
type counted struct {
	*memory.Store
	reads, glances atomic.Int64
	failing        atomic.Bool
}

func (c *counted) Items(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
	c.reads.Add(1)
	return c.Store.Items(ctx, r, q)
}

func (c *counted) Counts(ctx context.Context, r notify.Recipient, limit int) (notify.Counts, error) {
	c.reads.Add(1)
	return c.Store.Counts(ctx, r, limit)
}

func (c *counted) Glance(ctx context.Context, rs []notify.Recipient, limit int) (map[notify.Recipient]notify.Glimpse, error) {
	c.glances.Add(1)
	if c.failing.Load() {
		return nil, errors.New("the database is away")
	}
	return c.Store.Glance(ctx, rs, limit)
}

// plain is a store without optional roles.
type plain struct{ notify.Store }

// reader is somebody who watches an inbox.
type reader struct {
	mu    sync.Mutex
	told  []string // kinds, and titles of items
	count notify.Counts
	err   error
}

func watch(ctx context.Context, n *notify.Notifier, r notify.Recipient) *reader {
	me := &reader{}
	go func() {
		for change, err := range n.Inbox(r).Watch(ctx, "") {
			me.mu.Lock()
			text := string(change.Kind)
			if change.Kind == notify.ChangeItem {
				text = change.Item.Notification.Title
			}
			me.told, me.count, me.err = append(me.told, text), change.Counts, err
			me.mu.Unlock()
		}
	}()
	synctest.Wait()
	return me
}

func (r *reader) news() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	told := r.told
	r.told = nil
	return told
}

func TestWatch_thousandsOfReadersAreLookedAtTogether(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		store := &counted{Store: memory.New(nil)}
		here, elsewhere := newEngine(t, store, &outlet{name: notify.Email}), newEngine(t, store, &outlet{name: notify.Email})
		ctx, cancel := context.WithCancel(t.Context())
		readers := make([]*reader, 1200)
		for i := range readers {
			readers[i] = watch(ctx, here, notify.User(fmt.Sprint(i)))
		}
		full := note("something there")
		full.To = []notify.Recipient{notify.User("9")}
		send(t, here, full)
		time.Sleep(time.Minute)
		store.reads.Store(0)
		store.glances.Store(0)
		time.Sleep(time.Minute)
		assert.Zero(t, store.reads.Load(), "nobody looks alone while nothing happens")
		assert.InDelta(t, 60*3, store.glances.Load(), 3, "three queries for all of them, once a second")

		for _, i := range []int{7, 1199} {
			readers[i].news()
			to := note("news")
			to.To = []notify.Recipient{notify.User(fmt.Sprint(i))}
			send(t, elsewhere, to)
		}
		time.Sleep(time.Second)
		assert.Equal(t, []string{"news"}, readers[7].news(), "what another process sends")
		assert.Equal(t, []string{"news"}, readers[1199].news())
		assert.Equal(t, []string{"resync"}, readers[8].news(), "and nobody else is told")
		page, err := elsewhere.Inbox(notify.User("7")).Page(t.Context(), notify.Query{})
		require.NoError(t, err)
		_, err = elsewhere.Inbox(notify.User("7")).Mark(t.Context(), notify.Mark{Op: notify.OpSnooze, UpTo: page.Head, IDs: nil, Until: time.Now().Add(time.Minute)})
		require.NoError(t, err)
		time.Sleep(time.Second)
		assert.Equal(t, []string{"resync"}, readers[7].news(), "what another process marks")
		assert.Zero(t, readers[7].count)
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"resync"}, readers[7].news(), "what time does: the snooze has ended")
		assert.Equal(t, notify.Counts{Unread: 1, Unseen: 1}, readers[7].count)
		cancel()
		synctest.Wait()
	})
}

func TestWatch_whoLeavesOrIsSlowHoldsNobodyUp(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		here, elsewhere := newEngine(t, store, &outlet{name: notify.Email}), newEngine(t, store, &outlet{name: notify.Email})
		gone, leave := context.WithCancel(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		watch(gone, here, ada)
		stuck := make(chan struct{})
		go func() {
			for range here.Inbox(ada).Watch(ctx, "") {
				<-stuck // a reader who takes nothing more
			}
		}()
		quick := watch(ctx, here, ada)
		leave()
		quick.news()
		for i := range 3 {
			time.Sleep(10 * time.Second)
			title := fmt.Sprint(i)
			send(t, elsewhere, note(title))
			time.Sleep(time.Second + time.Millisecond)
			assert.Equal(t, []string{title}, quick.news())
		}
		cancel()
		close(stuck)
		synctest.Wait()
	})
}

func TestWatch_newsBeyondTheCountLimitAreSeen(t *testing.T) { // R30, R31
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		here, err := notify.New(store, &notify.Options{CountLimit: 2})
		require.NoError(t, err)
		elsewhere := newEngine(t, store, &outlet{name: notify.Email})
		for i := range 5 {
			send(t, elsewhere, note(fmt.Sprint(i)))
		}
		ctx, cancel := context.WithCancel(t.Context())
		me := watch(ctx, here, ada)
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"resync"}, me.news())
		assert.Equal(t, notify.Counts{Unread: 2, Unseen: 2, AtLeast: true}, me.count)
		send(t, elsewhere, note("the counts stay as they are"))
		time.Sleep(time.Second)
		assert.Equal(t, []string{"the counts stay as they are"}, me.news())
		cancel()
		synctest.Wait()
	})
}

func TestWatch_aFailingLookEndsNoWatch(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		store := &counted{Store: memory.New(nil)}
		here, elsewhere := newEngine(t, store, &outlet{name: notify.Email}), newEngine(t, store, &outlet{name: notify.Email})
		ctx, cancel := context.WithCancel(t.Context())
		me := watch(ctx, here, ada)
		time.Sleep(time.Minute)
		store.failing.Store(true)
		send(t, elsewhere, note("during an outage"))
		time.Sleep(5 * time.Second)
		assert.Equal(t, []string{"resync"}, me.news())
		store.failing.Store(false)
		time.Sleep(2 * time.Second)
		assert.Equal(t, []string{"during an outage"}, me.news())
		cancel()
		synctest.Wait()
	})
}

func TestWatch_withoutTheRoleEachLooksAlone(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		store := plain{memory.New(nil)}
		here, elsewhere := newEngine(t, store, &outlet{name: notify.Email}), newEngine(t, store, &outlet{name: notify.Email})
		ctx, cancel := context.WithCancel(t.Context())
		me := watch(ctx, here, ada)
		me.news()
		send(t, elsewhere, note("news"))
		time.Sleep(time.Second + time.Millisecond)
		assert.Equal(t, []string{"news"}, me.news())
		cancel()
		synctest.Wait()
	})
}

func TestWatch_aLateCommitThatCountsDoNotShowIsSeen(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		start, back := time.Now(), atomic.Int64{} // how far the instant of the next filing lies back
		store := memory.New(&memory.Options{Now: func() time.Time {
			return start.Add(time.Since(start)).Add(-time.Duration(back.Load()))
		}})
		here, elsewhere := newEngine(t, store, &outlet{name: notify.Email}), newEngine(t, store, &outlet{name: notify.Email})
		ctx, cancel := context.WithCancel(t.Context())
		me := watch(ctx, here, ada)
		time.Sleep(time.Minute)
		id := send(t, elsewhere, note("first"))[0].ID
		time.Sleep(2 * time.Second)
		assert.Equal(t, []string{"resync", "first"}, me.news())
		back.Store(int64(5 * time.Second)) // filed before the first, committed after it
		send(t, elsewhere, note("late"))
		back.Store(0)
		_, err := elsewhere.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		assert.Equal(t, []string{"late"}, me.news())
		cancel()
		synctest.Wait()
	})
}

func TestWatch_aLongAbsenceIsMadeUpForInBatches(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		store := &counted{Store: memory.New(nil)}
		n := newEngine(t, store, &outlet{name: notify.Email})
		send(t, n, note("known"))
		page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		for i := range 1000 {
			send(t, n, note(fmt.Sprint(i)))
		}
		store.reads.Store(0)
		var told []string
		for change, err := range n.Inbox(ada).Watch(t.Context(), page.Head) {
			require.NoError(t, err)
			if change.Kind == notify.ChangeItem {
				told = append(told, change.Item.Notification.Title)
			}
			if len(told) == 1001 {
				break
			}
		}
		assert.Equal(t, "known", told[0], "the write deadline before the cursor is told again")
		assert.Equal(t, "999", told[1000])
		assert.Less(t, store.reads.Load(), int64(20), "not a query for each of them")
	})
}

// An item that is archived after it was read, or preferences that are saved,
// change no count: another page of the same recipient must be told all the same.
func TestWatch_whatLeavesTheCountsIsTold(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		n, err := notify.New(memory.New(nil), nil)
		require.NoError(t, err)
		ann := notify.User("ann")
		_, err = n.Send(t.Context(), notify.Notification{Provider: "billing", To: []notify.Recipient{ann}, Title: "one"})
		require.NoError(t, err)
		page, err := n.Inbox(ann).Page(t.Context(), notify.Query{})
		require.NoError(t, err)
		_, err = n.Inbox(ann).Mark(t.Context(), notify.Mark{Op: notify.OpRead, UpTo: page.Head})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		me := watch(ctx, n, ann)
		synctest.Wait()
		for i, change := range []func() error{
			func() error {
				_, err := n.Inbox(ann).Mark(t.Context(), notify.Mark{Op: notify.OpArchive, UpTo: page.Head})
				return err
			},
			func() error {
				_, err := n.SavePreferences(t.Context(), ann, notify.Preferences{Muted: true})
				return err
			},
		} {
			require.NoError(t, change())
			synctest.Wait()
			me.mu.Lock()
			assert.Len(t, me.told, 2+i, "the first one, and one for each change")
			me.mu.Unlock()
		}
	})
}
