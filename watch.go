package notify

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// ChangeKind says what a [Change] is.
type ChangeKind string

// The kinds of changes.
const (
	ChangeItem      ChangeKind = "item"      // an item was filed, or moved up
	ChangeTransient ChangeKind = "transient" // a pop-up that is not stored
	ChangeResync    ChangeKind = "resync"    // something else changed: read the page anew
)

// Change is what a watcher is told.
type Change struct {
	Kind   ChangeKind
	Item   Item   // of the first two kinds
	Counts Counts // after the change
	Cursor string // resumes the watch behind this change; "" if nothing was ever filed
}

// Watch yields what changes in the inbox from the cursor on ("" is now), until
// ctx ends or the loop is left; an error ends it too. First comes a resync with
// the present counts. Each filed item comes at least once, also over a resume,
// and also if transactions commit out of order. Changes that other processes
// make are seen after a hint of the [Bus], or at the latest after
// [Options].PollInterval.
func (in Inbox) Watch(ctx context.Context, cursor string) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w, err := in.newWatcher(ctx, cursor)
		if err != nil {
			yield(Change{}, err)
			return
		}
		cancel, err := in.n.bus.Subscribe(in.recipient, w.signal)
		if err != nil {
			yield(Change{}, fmt.Errorf("notify: watch: %w", err))
			return
		}
		defer cancel()
		if !w.start(ctx, yield) {
			return
		}
		poll := time.NewTicker(in.n.pollInterval)
		defer poll.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case item := <-w.transient:
				if !yield(Change{Kind: ChangeTransient, Item: item, Counts: w.counts, Cursor: w.cursor()}, nil) {
					return
				}
				continue
			case <-w.hint:
			case <-poll.C:
			}
			if !w.look(ctx, yield) {
				return
			}
		}
	}
}

// watcher is the state of one Watch.
type watcher struct {
	in        Inbox
	hint      chan struct{}
	transient chan Item
	at        Position          // the newest that was yielded
	known     map[Position]bool // yielded within the write deadline before at
	counts    Counts
}

const transientBuffer = 16 // a watcher that lags further behind misses pop-ups

func (in Inbox) newWatcher(ctx context.Context, cursor string) (*watcher, error) {
	if err := checkRecipient(in.recipient); err != nil {
		return nil, err
	}
	at, err := decodeCursor("cursor", in.recipient, cursor)
	if err != nil {
		return nil, err
	}
	w := &watcher{
		in: in, at: at, known: make(map[Position]bool),
		hint: make(chan struct{}, 1), transient: make(chan Item, transientBuffer),
	}
	return w, ctx.Err()
}

// signal is called by the bus and never blocks.
func (w *watcher) signal(s Signal) {
	if s.Transient != nil {
		select {
		case w.transient <- *s.Transient:
		default:
		}
		return
	}
	select {
	case w.hint <- struct{}{}:
	default:
	}
}

// start yields the resync that opens a watch, and what was missed since the
// cursor. Without a cursor the present newest item is where it starts.
func (w *watcher) start(ctx context.Context, yield func(Change, error) bool) bool {
	if w.at.ID == "" {
		if err := w.skipToNow(ctx); err != nil {
			yield(Change{}, err)
			return false
		}
	}
	counts, err := w.in.Counts(ctx)
	if err != nil {
		yield(Change{}, err)
		return false
	}
	w.counts = counts
	if !yield(Change{Kind: ChangeResync, Counts: counts, Cursor: w.cursor()}, nil) {
		return false
	}
	return w.look(ctx, yield)
}

// skipToNow takes all that is visible as known.
func (w *watcher) skipToNow(ctx context.Context) error {
	newest, err := w.in.n.store.Items(ctx, w.in.recipient, ItemQuery{State: StateAll, Limit: 1})
	if err != nil {
		return fmt.Errorf("notify: watch: %w", err)
	}
	if len(newest) == 0 {
		return nil
	}
	w.at = newest[0].position()
	recent, err := w.in.n.store.Items(ctx, w.in.recipient, ItemQuery{State: StateAll, After: w.horizon()})
	if err != nil {
		return fmt.Errorf("notify: watch: %w", err)
	}
	for i := range recent {
		w.known[recent[i].position()] = true
		if recent[i].Filed.After(w.at.Filed) || recent[i].Filed.Equal(w.at.Filed) && recent[i].ID > w.at.ID {
			w.at = recent[i].position()
		}
	}
	return nil
}

// horizon is behind everything that a transaction may still commit: one that
// filed before it has ended by now.
func (w *watcher) horizon() Position {
	if w.at.ID == "" {
		return Position{}
	}
	return Position{Filed: w.at.Filed.Add(-writeDeadline)}
}

// watchBatch is how many items one look reads at a time.
const watchBatch = 200

// look yields the items that are new, then a resync if the counts have changed
// otherwise.
func (w *watcher) look(ctx context.Context, yield func(Change, error) bool) bool {
	from, yielded := w.horizon(), false
	for {
		items, err := w.in.n.store.Items(ctx, w.in.recipient, ItemQuery{
			State: StateAll, After: from, Ascending: true, Limit: watchBatch,
		})
		if err != nil {
			if ctx.Err() == nil {
				yield(Change{}, fmt.Errorf("notify: watch: %w", err))
			}
			return false
		}
		for i := range items {
			more, fresh := w.yieldItem(ctx, items[i], yield)
			if !more {
				return false
			}
			yielded = yielded || fresh
		}
		if len(items) < watchBatch {
			break
		}
		from = items[len(items)-1].position()
	}
	w.forget()
	counts, err := w.in.Counts(ctx)
	if err != nil {
		if ctx.Err() == nil {
			yield(Change{}, err)
		}
		return false
	}
	if counts == w.counts {
		return true
	}
	w.counts = counts
	return yielded || yield(Change{Kind: ChangeResync, Counts: counts, Cursor: w.cursor()}, nil)
}

// yieldItem yields an item unless it is known.
func (w *watcher) yieldItem(ctx context.Context, item Item, yield func(Change, error) bool) (more, fresh bool) {
	at := item.position()
	if w.known[at] {
		return true, false
	}
	counts, err := w.in.Counts(ctx)
	if err != nil {
		if ctx.Err() == nil {
			yield(Change{}, err)
		}
		return false, false
	}
	w.counts = counts
	w.known[at] = true
	if w.at.ID == "" || at.Filed.After(w.at.Filed) || at.Filed.Equal(w.at.Filed) && at.ID > w.at.ID {
		w.at = at
	}
	return yield(Change{Kind: ChangeItem, Item: w.in.n.present(item), Counts: counts, Cursor: w.cursor()}, nil), true
}

// forget drops from the known what no look reads again.
func (w *watcher) forget() {
	horizon := w.horizon().Filed
	for at := range w.known {
		if at.Filed.Before(horizon) {
			delete(w.known, at)
		}
	}
}

func (w *watcher) cursor() string { return encodeCursor(w.in.recipient, w.at) }
