package notify

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Watcher is a [Inbox.Watch] that is asked: for those who do more than wait for
// changes, such as writing all that are there already in one go.
type Watcher struct {
	in          Inbox
	unsubscribe func()
	wake        chan struct{}

	mu      sync.Mutex // of what others tell; pop-ups belong to all watchers
	popUps  []*Item
	shown   int // of them
	hinted  bool
	changed bool // a hint was about something besides new items
	closed  bool
	roused  bool // by a token that is in wake, or was

	pending []Change          // found, and not told yet
	popUp   *Change           // the last one that was told
	at      Position          // the newest that was found
	cursor  string            // of it
	known   map[Position]bool // found within the write deadline before it
	counts  Counts
	from    Position // where the next look goes on; zero: at the horizon

	timer  *time.Timer
	rang   atomic.Bool
	rings  time.Time // zero: it has rung
	poll   time.Time
	settle time.Time // what was filed before the newest item is visible by then; zero: it is

	seen Glimpse // for watched
}

// maxPopUps is how many pop-ups wait for a watcher that does something else. One
// that lags further behind misses some.
const maxPopUps = 128

// Watcher begins a watch from the cursor on ("" is now). It has to be closed.
func (in Inbox) Watcher(ctx context.Context, cursor string) (*Watcher, error) {
	if err := checkRecipient(in.recipient); err != nil {
		return nil, err
	}
	at, err := decodeCursor("cursor", in.recipient, cursor)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := time.Now()
	w := &Watcher{
		in: in, at: at, cursor: cursor, wake: make(chan struct{}, 1),
		poll: now.Add(in.n.pollInterval), settle: now.Add(writeDeadline),
	}
	w.timer, w.rings = time.AfterFunc(in.n.pollInterval, w.ring), w.poll
	if w.unsubscribe, err = in.n.bus.Subscribe(in.recipient, w.signal); err != nil {
		return nil, fmt.Errorf("notify: watch: %w", err)
	}
	in.n.watched.add(w)
	if err := w.start(ctx); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// Close ends the watch: Next returns [io.EOF] from then on, also one that is
// waiting. Close can be called from any goroutine, and more than once.
func (w *Watcher) Close() {
	w.mu.Lock()
	closed := w.closed
	w.closed = true
	w.rouse()
	w.mu.Unlock()
	w.timer.Stop()
	if !closed {
		w.in.n.watched.remove(w)
		w.unsubscribe()
	}
}

// signal is called by the bus and never blocks.
func (w *Watcher) signal(s Signal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case s.Transient == nil:
		w.hinted, w.changed = true, w.changed || s.Changed
	case len(w.popUps) < maxPopUps:
		w.popUps = append(w.popUps, s.Transient)
	}
	w.rouse()
}

// rouse lets sleep return, if nothing else has; mu is held.
func (w *Watcher) rouse() {
	if !w.roused {
		w.roused = true
		w.wake <- struct{}{}
	}
}

// Next returns the next change, in the order of [Inbox.Watch]; it is valid until
// Next is called again. If there is none it waits for one until that time, and
// then returns nil; the zero time does not wait. After an error the watch is over.
//
// Next is called by one goroutine at a time.
func (w *Watcher) Next(ctx context.Context, until time.Time) (*Change, error) {
	if w.popUp != nil {
		*w.popUp = Change{}
		spareChanges.Put(w.popUp)
		w.popUp = nil
	}
	for late := until.IsZero(); ; {
		change, err := w.ready(ctx)
		if change != nil || err != nil || late {
			return change, err
		}
		if late, err = w.sleep(ctx, until); err != nil {
			return nil, err
		}
	}
}

// spareChanges keep pop-ups while they are told: the same few for thousands of
// watchers, which are told one after the other.
var spareChanges = sync.Pool{New: func() any { return new(Change) }}

// ready returns a change that need not be waited for.
func (w *Watcher) ready(ctx context.Context) (*Change, error) {
	for {
		if len(w.pending) > 0 {
			change := &w.pending[0]
			w.pending = w.pending[1:]
			return change, nil
		}
		popUp, hinted, err := w.told()
		switch {
		case err != nil:
			return nil, err
		case popUp != nil:
			w.popUp = spareChanges.Get().(*Change)
			*w.popUp = Change{Kind: ChangeTransient, Item: *popUp, Counts: w.counts, Cursor: w.cursor}
			w.popUp.Item.Recipient = w.in.recipient
			return w.popUp, nil
		case !hinted:
			return nil, nil
		}
		if err := w.look(ctx); err != nil {
			return nil, err
		}
	}
}

// told is what others have told. If it is nothing, sleep will not return before
// they tell something.
func (w *Watcher) told() (popUp *Item, hinted bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return nil, false, io.EOF
	case w.hinted:
		hinted, w.hinted = true, false
	case w.shown < len(w.popUps):
		popUp = w.popUps[w.shown]
		if w.shown++; w.shown == len(w.popUps) {
			clear(w.popUps)
			w.popUps, w.shown = w.popUps[:0], 0
		}
	case w.roused:
		select {
		case <-w.wake:
		default: // sleep has returned by it
		}
		w.roused = false
	}
	return popUp, hinted, nil
}

// sleep returns when something may be ready, or else at that time: it is late
// then.
func (w *Watcher) sleep(ctx context.Context, until time.Time) (late bool, err error) {
	w.setTimer(until)
	if !w.rang.Load() { // else it rang while something was looked at, and its token is gone
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-w.wake:
		}
	}
	if !w.rang.Swap(false) {
		return false, nil
	}
	w.rings = time.Time{}
	now := time.Now()
	w.onTime(ctx, now)
	return !now.Before(until), nil
}

// setTimer lets the timer ring when there is something to do. One that rings
// earlier is left alone: setting it anew for each change would cost more.
func (w *Watcher) setTimer(next time.Time) {
	if w.poll.Before(next) {
		next = w.poll
	}
	if !w.settle.IsZero() && w.settle.Before(next) {
		next = w.settle
	}
	if w.rings.IsZero() || next.Before(w.rings) {
		w.timer.Reset(time.Until(next))
		w.rings = next
	}
}

// ring is called by the timer.
func (w *Watcher) ring() {
	w.rang.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rouse()
}

// onTime has the inbox looked at if it is time to.
func (w *Watcher) onTime(ctx context.Context, now time.Time) {
	if !w.settle.IsZero() && !now.Before(w.settle) {
		w.settle = time.Time{}
		w.signal(Signal{})
	}
	if now.Before(w.poll) {
		return
	}
	wait, looked := w.in.n.watched.look(ctx, w.in.n)
	w.poll = time.Now().Add(wait)
	if !looked { // else there is a hint if this inbox has changed
		w.signal(Signal{})
	}
}
