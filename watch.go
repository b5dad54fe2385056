package notify

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
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
		in.n.watched.add(w)
		defer in.n.watched.remove(w)
		if !w.start(ctx, yield) {
			return
		}
		w.loop(ctx, yield)
	}
}

// loop looks at the inbox whenever something may have changed.
func (w *watcher) loop(ctx context.Context, yield func(Change, error) bool) {
	poll := time.NewTimer(w.in.n.pollInterval)
	defer poll.Stop()
	settled := time.NewTimer(writeDeadline)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case item := <-w.transient:
			if !yield(Change{Kind: ChangeTransient, Item: *item, Counts: w.counts, Cursor: w.cursor()}, nil) {
				return
			}
			continue
		case <-w.hint:
		case <-settled.C:
			// What was filed before the newest item is visible by now.
		case <-poll.C:
			wait, looked := w.in.n.watched.look(ctx, w.in.n)
			poll.Reset(wait)
			if looked {
				continue // there is a hint if this inbox has changed
			}
		}
		newest := w.at
		if !w.look(ctx, yield) {
			return
		}
		if w.at != newest {
			settled.Reset(writeDeadline)
		}
	}
}

// watcher is the state of one Watch.
type watcher struct {
	in        Inbox
	hint      chan struct{}
	changed   atomic.Bool       // a hint was about something besides new items
	transient chan *Item        // the same one for all watchers
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
		hint: make(chan struct{}, 1), transient: make(chan *Item, transientBuffer),
	}
	return w, ctx.Err()
}

// signal is called by the bus and never blocks.
func (w *watcher) signal(s Signal) {
	if s.Transient != nil {
		select {
		case w.transient <- s.Transient:
		default:
		}
		return
	}
	if s.Changed {
		w.changed.Store(true)
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
	if err := w.count(ctx); err != nil {
		yield(Change{}, err)
		return false
	}
	if !yield(Change{Kind: ChangeResync, Counts: w.counts, Cursor: w.cursor()}, nil) {
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
	return w.each(ctx, func(recent []Item) (bool, error) {
		for i := range recent {
			w.know(recent[i].position())
		}
		return true, nil
	})
}

// know notes that an item needs no telling any more.
func (w *watcher) know(at Position) {
	w.known[at] = true
	if at.after(w.at) {
		w.at = at
	}
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

// each reads the items behind the horizon, oldest first, and passes them on in
// batches, which may be changed, as long as it is told to.
func (w *watcher) each(ctx context.Context, pass func([]Item) (more bool, err error)) error {
	for from := w.horizon(); ; {
		items, err := w.in.n.store.Items(ctx, w.in.recipient, ItemQuery{
			State: StateAll, After: from, Ascending: true, Limit: watchBatch,
		})
		if err != nil {
			return fmt.Errorf("notify: watch: %w", err)
		}
		full := len(items) == watchBatch
		if full {
			from = items[watchBatch-1].position()
		}
		if more, err := pass(items); err != nil || !more || !full {
			return err
		}
	}
}

// look yields the items that are new, and a resync if a hint told of something
// else, or the counts do. It tells whether the watch goes on.
func (w *watcher) look(ctx context.Context, yield func(Change, error) bool) (more bool) {
	before, told, changed := w.counts, false, w.changed.Swap(false)
	more = true
	err := w.each(ctx, func(items []Item) (bool, error) {
		items = slices.DeleteFunc(items, func(it Item) bool { return w.known[it.position()] })
		if len(items) == 0 {
			return true, nil
		}
		told = true
		if err := w.count(ctx); err != nil {
			return false, err
		}
		for i := range items {
			w.know(items[i].position())
			if more = yield(Change{Kind: ChangeItem, Item: w.in.n.present(items[i]), Counts: w.counts, Cursor: w.cursor()}, nil); !more {
				return false, nil
			}
		}
		return true, nil
	})
	if !more {
		return false
	}
	if err == nil && !told {
		err = w.count(ctx)
	}
	if err != nil {
		if ctx.Err() == nil {
			yield(Change{}, err)
		}
		return false
	}
	w.forget()
	w.in.n.watched.saw(w)
	if !changed && (told || w.counts == before) {
		return true
	}
	return yield(Change{Kind: ChangeResync, Counts: w.counts, Cursor: w.cursor()}, nil)
}

// count reads the counts anew.
func (w *watcher) count(ctx context.Context) (err error) {
	w.counts, err = w.in.Counts(ctx)
	return err
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
