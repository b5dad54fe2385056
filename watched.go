package notify

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// watched are the inboxes that are watched in this process. All of them are
// looked at together, by whichever watcher finds that it is time to: thousands
// of connected readers cost a few queries per poll, and no goroutine.
type watched struct {
	mu       sync.Mutex
	watchers map[Recipient][]*Watcher
	due      time.Time // of the next look
	looking  bool
}

func (d *watched) add(w *Watcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watchers == nil {
		d.watchers = make(map[Recipient][]*Watcher)
	}
	d.watchers[w.in.recipient] = append(d.watchers[w.in.recipient], w)
}

func (d *watched) remove(w *Watcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := slices.DeleteFunc(d.watchers[w.in.recipient], func(other *Watcher) bool { return other == w })
	if d.watchers[w.in.recipient] = left; len(left) == 0 {
		delete(d.watchers, w.in.recipient)
	}
}

// saw notes what a watcher has found.
func (d *watched) saw(w *Watcher) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.seen = Glimpse{Counts: w.counts, Newest: w.at}
}

// look looks at all inboxes if it is time and nobody else does, and gives hints
// to the watchers of those that have changed. It returns when to call again,
// and false if the store is no Glancer: then each watcher looks for itself.
//
// A failure is reported and ends no watch: the next look makes up for it.
func (d *watched) look(ctx context.Context, n *Notifier) (wait time.Duration, looked bool) {
	glancer, ok := storeRole[Glancer](n.store)
	if !ok {
		return n.pollInterval, false
	}
	begun := time.Now()
	d.mu.Lock()
	if left := d.due.Sub(begun); d.looking || left > 0 {
		d.mu.Unlock()
		return max(left, n.pollInterval/10), true
	}
	d.looking, d.due = true, begun.Add(n.pollInterval)
	recipients := slices.Collect(maps.Keys(d.watchers))
	d.mu.Unlock()

	err := guarded(func() error { return d.glance(ctx, n, glancer, recipients) })
	if err != nil && ctx.Err() == nil {
		n.emit(ctx, Event{Type: EventStoreFailed, Reason: "watch", Err: err})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looking = false
	ended := time.Now()
	if rested := ended.Add(ended.Sub(begun)); d.due.Before(rested) {
		d.due = rested // looking takes at most half of the time
	}
	return d.due.Sub(ended), true
}

func (d *watched) glance(ctx context.Context, n *Notifier, glancer Glancer, recipients []Recipient) error {
	ctx, cancel := context.WithTimeout(ctx, writeDeadline)
	defer cancel()
	for chunk := range slices.Chunk(recipients, storeBatch) {
		glimpses, err := glancer.Glance(ctx, chunk, n.countLimit)
		if err != nil {
			return err
		}
		d.mu.Lock()
		for _, r := range chunk {
			for _, w := range d.watchers[r] {
				if glimpses[r].Counts != w.seen.Counts || glimpses[r].Newest.after(w.seen.Newest) {
					w.signal(Signal{})
				}
			}
		}
		d.mu.Unlock()
	}
	return nil
}
