package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

// process is one life of a host's process: a Notifier at work, cut off from the
// store and the peers the moment it crashes.
type process struct {
	w        *world
	name     string
	notifier *notify.Notifier
	dead     chan struct{}
	stop     context.CancelFunc // of Run, gracefully

	mu     sync.Mutex
	thaw   time.Time                   // frozen until then
	loads  map[notify.ID]moment        // when the facts of each delivery were last asked for
	looks  map[notify.ID]moment        // and the entries of each digest
	asked  map[context.Context]moment  // when a Send asked for profiles
	first  map[notify.Recipient]moment // and of whom, since a chunk was filed for them
	handed map[notify.ID]bool          // filed here and not asked for since
}

// start begins a process in a slot and returns when it is over, though what a
// crash leaves behind may still be ending.
func (w *world) start(slot, life int) {
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	p := &process{
		w: w, name: fmt.Sprintf("process %d.%d", slot, life), dead: make(chan struct{}), stop: stop,
		loads: make(map[notify.ID]moment), looks: make(map[notify.ID]moment),
		asked: make(map[context.Context]moment), first: make(map[notify.Recipient]moment), handed: make(map[notify.ID]bool),
	}
	p.notifier = w.newNotifier(p)
	w.slots[slot].Store(p)
	defer w.slots[slot].Store(nil)
	over := make(chan struct{})
	w.running.Go(func() {
		defer close(over)
		if err := p.notifier.Run(ctx); err != nil {
			w.violated("%s: Run: %v", p.name, err)
		}
	})
	select {
	case <-over:
	case <-p.dead:
	}
}

// decides notes when profiles were first asked for under a context, and for whom.
// A Send files what it decides by them under the same one.
func (p *process) decides(ctx context.Context, rs []notify.Recipient) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.w.ledger.moment()
	if _, known := p.asked[ctx]; !known {
		p.asked[ctx] = at
	}
	for _, r := range rs {
		if _, known := p.first[r]; !known {
			p.first[r] = at
		}
	}
}

// forget ends a Send.
func (p *process) forget(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asked, ctx)
}

// files notes that what is filed may be delivered without another look, by what
// was known when it was decided.
func (p *process) files(batch []notify.Acceptance, decided func(notify.Recipient) moment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range batch {
		for _, f := range a.Filings {
			for _, t := range f.Tasks {
				if t.Lease > 0 {
					p.loads[t.ID], p.handed[t.ID] = decided(f.Recipient), true
				}
			}
		}
	}
}

// expands notes it for a chunk, whose profiles were not asked for before the
// last one for the same recipients was filed.
func (p *process) expands(c notify.Chunk) {
	p.files([]notify.Acceptance{{Filings: c.Filings}}, func(r notify.Recipient) moment {
		at := p.first[r]
		delete(p.first, r)
		return at
	})
}

// crash ends the process where it is: nothing it does has an effect any more.
func (p *process) crash(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.dead:
		return
	default:
	}
	close(p.dead)
	p.stop()
	p.w.trace("%s crashes: %s", p.name, why)
}

func (p *process) crashed() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// freeze stops the process for so long, as SIGSTOP does: what it calls waits.
func (p *process) freeze(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thaw = time.Now().Add(d)
	p.w.trace("%s freezes for %s", p.name, d)
}

func (p *process) awaitThaw() {
	p.mu.Lock()
	wait := time.Until(p.thaw)
	p.mu.Unlock()
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.dead:
	}
}

// pause lets the process wait unless it crashes; obeying its context or not.
func (p *process) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-p.dead:
	}
}

// pass lets a process go through a point where something can go wrong: do has
// the effect, and what pass returns is what the process learns of it.
func pass[T any](ctx context.Context, p *process, point string, do func(context.Context) (T, error)) (T, error) {
	var nothing T
	p.awaitThaw()
	if p.crashed() {
		return nothing, errCrashed
	}
	kind := p.w.faults.next(point)
	switch kind {
	case failBefore:
		return nothing, fmt.Errorf("%w before %s", errInjected, point)
	case crashBefore:
		p.crash("before " + point)
	case stallBefore:
		p.pause(ctx, stall)
	case freezeBefore:
		p.freeze(away)
	}
	p.awaitThaw()
	if p.crashed() {
		return nothing, errCrashed
	}
	result, err := do(ctx)
	switch kind {
	case failAfter:
		return nothing, errors.Join(fmt.Errorf("%w after %s", errInjected, point), err)
	case crashAfter:
		p.crash("after " + point)
	case stallAfter:
		p.pause(ctx, stall)
		if ctx.Err() != nil {
			return nothing, ctx.Err()
		}
	case freezeAfter:
		p.freeze(away)
		p.awaitThaw()
	}
	if p.crashed() {
		return nothing, errCrashed
	}
	return result, err
}

const (
	stall = 7 * time.Second                       // longer than a hiccup, shorter than any deadline of the engine
	away  = lease + pollInterval + 10*time.Second // somebody else has taken over by then
)
