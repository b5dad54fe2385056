package notify

import (
	"context"
	"fmt"
	"time"
)

// start queues the resync that opens a watch, and has what was missed since the
// cursor looked for. Without a cursor the present newest item is where it starts.
func (w *Watcher) start(ctx context.Context) error {
	if w.at.ID == "" {
		if err := w.skipToNow(ctx); err != nil {
			return err
		}
	}
	if err := w.count(ctx); err != nil {
		return err
	}
	w.resync()
	w.signal(Signal{})
	return nil
}

// skipToNow takes all that is visible as known.
func (w *Watcher) skipToNow(ctx context.Context) error {
	newest, err := w.in.n.store.Items(ctx, w.in.recipient, ItemQuery{State: StateAll, Limit: 1})
	if err != nil {
		return fmt.Errorf("notify: watch: %w", err)
	}
	if len(newest) == 0 {
		return nil
	}
	w.know(newest[0].position())
	for from := w.horizon(); from != (Position{}); {
		var recent []Item
		if recent, from, err = w.read(ctx, from); err != nil {
			return err
		}
		for i := range recent {
			w.know(recent[i].position())
		}
	}
	return nil
}

// know notes that an item needs no telling any more.
func (w *Watcher) know(at Position) {
	if w.known == nil {
		w.known = make(map[Position]bool)
	}
	w.known[at] = true
	if at.after(w.at) {
		w.at, w.cursor = at, encodeCursor(w.in.recipient, at)
	}
}

// horizon is behind everything that a transaction may still commit: one that
// filed before it has ended by now.
func (w *Watcher) horizon() Position {
	if w.at.ID == "" {
		return Position{}
	}
	return Position{Filed: w.at.Filed.Add(-writeDeadline)}
}

// watchBatch is how many items one look reads.
const watchBatch = 200

// read reads a batch of the items behind a position, oldest first, and tells
// behind which the next one begins; that is zero if there is none.
func (w *Watcher) read(ctx context.Context, from Position) (items []Item, next Position, err error) {
	items, err = w.in.n.store.Items(ctx, w.in.recipient, ItemQuery{
		State: StateAll, After: from, Ascending: true, Limit: watchBatch,
	})
	if err != nil {
		return nil, Position{}, fmt.Errorf("notify: watch: %w", err)
	}
	if len(items) == watchBatch {
		next = items[watchBatch-1].position()
	}
	return items, next, nil
}

// look queues the items that are new, a batch of them, and a resync if a hint
// told of something else, or the counts do.
func (w *Watcher) look(ctx context.Context) error {
	w.mu.Lock()
	changed := w.changed
	w.changed = false
	w.mu.Unlock()
	from := w.from
	if from == (Position{}) {
		from = w.horizon()
	}
	items, next, err := w.read(ctx, from)
	if err != nil {
		return err
	}
	before, newest := w.counts, w.at
	if err := w.count(ctx); err != nil {
		return err
	}
	w.queue(items)
	if w.at != newest {
		w.settle = time.Now().Add(writeDeadline)
	}
	if w.from = next; next != (Position{}) {
		w.signal(Signal{Changed: changed}) // to go on
		return nil
	}
	w.forget()
	w.in.n.watched.saw(w)
	if changed || len(w.pending) == 0 && w.counts != before {
		w.resync()
	}
	return nil
}

// queue has the items told that were not yet.
func (w *Watcher) queue(items []Item) {
	w.pending = nil
	for i := range items {
		if at := items[i].position(); !w.known[at] {
			w.know(at)
			w.pending = append(w.pending, Change{Kind: ChangeItem, Item: w.in.n.present(items[i]), Counts: w.counts, Cursor: w.cursor})
		}
	}
}

func (w *Watcher) resync() {
	w.pending = append(w.pending, Change{Kind: ChangeResync, Counts: w.counts, Cursor: w.cursor})
}

// count reads the counts anew.
func (w *Watcher) count(ctx context.Context) (err error) {
	w.counts, err = w.in.Counts(ctx)
	return err
}

// forget drops from the known what no look reads again.
func (w *Watcher) forget() {
	horizon := w.horizon().Filed
	for at := range w.known {
		if at.Filed.Before(horizon) {
			delete(w.known, at)
		}
	}
}
