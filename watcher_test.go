package notify_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// begin begins a watch of ada's inbox and takes the resync that opens it.
func begin(t *testing.T, n *notify.Notifier) *notify.Watcher {
	t.Helper()
	w, err := n.Inbox(ada).Watcher(t.Context(), "")
	require.NoError(t, err)
	change, err := w.Next(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Equal(t, notify.ChangeResync, change.Kind)
	change, err = w.Next(t.Context(), time.Time{})
	require.NoError(t, err)
	require.Nil(t, change)
	return w
}

func TestWatcher_waitsNotLongerThanItIsTold(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		store := memory.New(nil)
		here, elsewhere := newEngine(t, store, &outlet{name: notify.Email}), newEngine(t, store, &outlet{name: notify.Email})
		w := begin(t, here)
		defer w.Close()
		for _, wait := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 20 * time.Second, time.Minute, -time.Second, 3 * time.Millisecond} {
			begun := time.Now()
			change, err := w.Next(t.Context(), begun.Add(wait))
			require.NoError(t, err)
			assert.Nil(t, change)
			assert.Equal(t, max(wait, 0), time.Since(begun))
		}
		begun := time.Now()
		change, err := w.Next(t.Context(), time.Time{})
		require.NoError(t, err)
		assert.Nil(t, change)
		assert.Zero(t, time.Since(begun))

		send(t, elsewhere, note("from elsewhere"))
		change, err = w.Next(t.Context(), time.Now().Add(time.Minute))
		require.NoError(t, err)
		assert.Equal(t, "from elsewhere", change.Item.Notification.Title)
		assert.LessOrEqual(t, time.Since(begun), time.Second, "the poll")
	})
}

// lateItems finds items after a while.
type lateItems struct {
	notify.Store
	after time.Duration
}

func (s *lateItems) Items(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
	time.Sleep(s.after)
	return s.Store.Items(ctx, r, q)
}

func TestWatcher_keepsItsTimesWhileTheStoreIsSlow(t *testing.T) { // R30
	synctest.Test(t, func(t *testing.T) {
		store := &lateItems{Store: memory.New(nil)}
		n := newEngine(t, store, &outlet{name: notify.Email})
		w := begin(t, n)
		defer w.Close()
		store.after = 3 * time.Second // longer than from poll to poll
		time.AfterFunc(100*time.Millisecond, func() { send(t, n, note("news")) })
		begun := time.Now()
		change, err := w.Next(t.Context(), begun.Add(time.Minute))
		require.NoError(t, err)
		assert.Equal(t, "news", change.Item.Notification.Title)
		for change != nil {
			change, err = w.Next(t.Context(), begun.Add(time.Minute))
			require.NoError(t, err)
		}
		assert.Less(t, time.Since(begun), time.Minute+10*time.Second)
	})
}

func TestWatcher_hasAtOnceWhatIsThere(t *testing.T) { // R3, R30
	synctest.Test(t, func(t *testing.T) {
		n := newEngine(t, memory.New(nil), &outlet{name: notify.Email})
		w := begin(t, n)
		defer w.Close()
		toast := note("pop-up")
		toast.Transient = true
		send(t, n, toast)
		send(t, n, note("one"))
		send(t, n, note("two"))
		send(t, n, toast)
		var told []string
		for change, err := w.Next(t.Context(), time.Time{}); change != nil; change, err = w.Next(t.Context(), time.Time{}) {
			require.NoError(t, err)
			assert.Equal(t, ada, change.Item.Recipient)
			assert.Equal(t, notify.Counts{Unread: 2, Unseen: 2}, change.Counts)
			told = append(told, change.Item.Notification.Title)
		}
		assert.Equal(t, []string{"one", "two", "pop-up", "pop-up"}, told, "what is stored goes before what is not")
	})
}

func TestWatcher_canBeClosedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newEngine(t, memory.New(nil), &outlet{name: notify.Email})
		w, other := begin(t, n), begin(t, n)
		defer other.Close()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, err := w.Next(t.Context(), time.Now().Add(time.Hour))
			assert.Equal(t, io.EOF, err)
		})
		synctest.Wait()
		w.Close()
		waiting.Wait()
		w.Close()
		send(t, n, note("news"))
		_, err := w.Next(t.Context(), time.Now().Add(time.Hour))
		assert.Equal(t, io.EOF, err)
		change, err := other.Next(t.Context(), time.Time{})
		require.NoError(t, err)
		require.NotNil(t, change, "another watch of the same inbox goes on")
		assert.Equal(t, "news", change.Item.Notification.Title)
	})
}

func TestWatcher_endsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newEngine(t, memory.New(nil), &outlet{name: notify.Email})
		ctx, cancel := context.WithCancel(t.Context())
		w := begin(t, n)
		defer w.Close()
		time.AfterFunc(time.Minute, cancel)
		begun := time.Now()
		_, err := w.Next(ctx, begun.Add(time.Hour))
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Minute, time.Since(begun))
		_, err = n.Inbox(ada).Watcher(ctx, "")
		require.ErrorIs(t, err, context.Canceled)
		_, err = n.Inbox(ada).Watcher(t.Context(), "rubbish")
		require.ErrorIs(t, err, notify.ErrInvalid)
		_, err = n.Inbox(notify.Recipient{}).Watcher(t.Context(), "")
		require.ErrorIs(t, err, notify.ErrInvalid)
	})
}

// Signals from many goroutines, while the watcher comes and goes: none that is
// told after it fell asleep leaves it sleeping.
func TestWatcher_overhearsNothing(t *testing.T) { // R30
	n, err := notify.New(memory.New(nil), &notify.Options{PollInterval: time.Minute})
	require.NoError(t, err)
	w := begin(t, n)
	defer w.Close()
	const senders, each = 4, 50
	var sending sync.WaitGroup
	for i := range senders {
		sending.Go(func() {
			for k := range each {
				send(t, n, note(fmt.Sprint(i, " ", k)))
			}
		})
	}
	told := map[string]bool{}
	for len(told) < senders*each {
		change, err := w.Next(t.Context(), time.Now().Add(8*time.Second))
		require.NoError(t, err)
		require.NotNil(t, change, "%d came, and no look of its own accord was due", len(told))
		if change.Kind == notify.ChangeItem {
			told[change.Item.Notification.Title] = true
		}
	}
	sending.Wait()
}
