//go:build linux

package storm

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/bellwether-go/notify"
)

// A watcher is somebody who looks at an inbox in a process that does no work,
// and whose stream breaks off again and again and is resumed.
type watcher struct {
	recipient notify.Recipient
	mu        sync.Mutex
	seen      map[notify.ID]bool // notifications
	resumed   int
	problem   error
}

// watch lets people watch until the test or the returned function ends it.
func watch(t *testing.T, center *notify.Notifier, recipients ...notify.Recipient) (all []*watcher, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, r := range recipients {
		w := &watcher{recipient: r, seen: make(map[notify.ID]bool)}
		all = append(all, w)
		group.Go(func() { w.watch(ctx, center) })
	}
	stop = func() {
		cancel()
		group.Wait()
	}
	t.Cleanup(stop)
	return all, stop
}

func (w *watcher) watch(ctx context.Context, center *notify.Notifier) {
	cursor := ""
	for ctx.Err() == nil && w.failure() == nil {
		some, cancel := context.WithTimeout(ctx, time.Second+rand.N(2*time.Second))
		for change, err := range center.Inbox(w.recipient).Watch(some, cursor) {
			if err != nil {
				if some.Err() == nil {
					w.mu.Lock()
					w.problem = err
					w.mu.Unlock()
				}
				break
			}
			if change.Kind == notify.ChangeItem {
				w.see(change.Item)
			} else if cursor == "" && w.resumed > 0 {
				w.readAnew(some, center) // nothing was there to resume from
			}
			cursor = change.Cursor
		}
		cancel()
		w.mu.Lock()
		w.resumed++
		w.mu.Unlock()
	}
}

func (w *watcher) see(item notify.Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[item.NotificationID] = true
}

// readAnew is what a reader does at a resync.
func (w *watcher) readAnew(ctx context.Context, center *notify.Notifier) {
	for item, err := range center.Inbox(w.recipient).All(ctx, notify.Query{State: notify.StateAll}) {
		if err != nil {
			return // the stream ends as well
		}
		w.see(item)
	}
}

func (w *watcher) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problem
}

// count is how many notifications were seen.
func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

// missing are what is in the inbox and was never shown.
func (w *watcher) missing(t testing.TB, center *notify.Notifier) (missing []string) {
	t.Helper()
	for item, err := range center.Inbox(w.recipient).All(t.Context(), notify.Query{State: notify.StateAll, Limit: 200}) {
		if !assert.NoError(t, err) {
			return nil
		}
		w.mu.Lock()
		if !w.seen[item.NotificationID] {
			missing = append(missing, item.Notification.Title)
		}
		w.mu.Unlock()
	}
	return missing
}

// checkWatched: each of them has seen all that is in the inbox now, also what
// was committed out of order, and what other processes have filed.
func (c *crew) checkWatched(center *notify.Notifier, watchers []*watcher) {
	c.t.Helper()
	for _, w := range watchers {
		c.eventually(w.recipient.ID+" has seen everything", func() bool { return len(w.missing(c.t, center)) == 0 })
		assert.NoError(c.t, w.failure(), w.recipient.ID)
		w.mu.Lock()
		c.t.Logf("%s has seen %d notifications, with the stream resumed %d times", w.recipient.ID, len(w.seen), w.resumed)
		w.mu.Unlock()
	}
}
