package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// writeDeadline bounds every transaction of the engine. Windows and the live
// stream rely on it: what is not visible after it will never be.
const writeDeadline = 10 * time.Second

// gatherer turns concurrent Sends into few transactions. Whoever comes first
// writes at once; those who come while it writes wait together, and the first
// of them then writes for all. There is no goroutine and no timer: alone, a
// Send costs nothing more.
type gatherer struct {
	mu      sync.Mutex
	leading bool
	waiting []*submission
}

const (
	maxGathered           = 512    // notifications in one transaction
	maxGatheredRecipients = 10_000 // recipients in one transaction
)

// submission is what one caller wants to have written.
type submission struct {
	ctx      context.Context
	begun    time.Time      // before anything of it was leased
	notes    []Notification // valid, none transient
	batch    []Acceptance
	filer    *filer // that decided what is in the batch
	receipts []Receipt
	err      error
	answered bool
	left     bool          // its caller has gone: the leader does what follows from it
	lead     chan struct{} // closed when it is this caller's turn to write
	done     chan struct{} // closed when receipts and err are set
}

// submit has the notifications written, alone or with others. Each caller
// returns only after the commit that holds its own.
func (g *gatherer) submit(ctx context.Context, n *Notifier, notes []Notification) *submission {
	s := &submission{ctx: ctx, notes: notes, begun: time.Now()}
	if err := ctx.Err(); err != nil {
		s.err = fmt.Errorf("notify: not sent: %w", err)
		return s
	}
	g.mu.Lock()
	if !g.leading {
		g.leading = true
		g.mu.Unlock()
		g.write(n, []*submission{s})
		return s
	}
	s.lead, s.done = make(chan struct{}), make(chan struct{})
	g.waiting = append(g.waiting, s)
	g.mu.Unlock()

	select {
	case <-s.done:
	case <-s.lead:
		runtime.Gosched() // whoever was answered just now may have more to send
		g.write(n, g.take())
	case <-ctx.Done():
		return g.leave(s)
	}
	return s
}

// leave is for a caller that will not wait any longer. Its submission may still
// be written by another, so it is answered by one of its own.
func (g *gatherer) leave(s *submission) *submission {
	cause := context.Cause(s.ctx)
	g.mu.Lock()
	i := slices.Index(g.waiting, s)
	if i < 0 {
		defer g.mu.Unlock()
		select {
		case <-s.done:
			return s
		default:
			s.left = true
			return &submission{err: unknownOutcome(cause)}
		}
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	select {
	case <-s.lead: // it was this caller's turn: pass it on
		g.passOn()
	default:
	}
	g.mu.Unlock()
	return &submission{err: fmt.Errorf("notify: not sent: %w", cause)}
}

// passOn gives the lead to the first of those who wait; mu is held.
func (g *gatherer) passOn() {
	if len(g.waiting) == 0 {
		g.leading = false
		return
	}
	close(g.waiting[0].lead)
}

// take removes from the queue what goes into the next transaction. The leader
// itself is the first of the queue.
func (g *gatherer) take() []*submission {
	g.mu.Lock()
	defer g.mu.Unlock()
	taken, notes, recipients := 0, 0, 0
	for _, s := range g.waiting {
		notes += len(s.notes)
		for i := range s.notes {
			recipients += len(s.notes[i].To)
		}
		if taken > 0 && (notes > maxGathered || recipients > maxGatheredRecipients) {
			break
		}
		taken++
	}
	group := slices.Clone(g.waiting[:taken])
	g.waiting = slices.Delete(g.waiting, 0, taken)
	return group
}

// write resolves and writes the submissions, in one transaction, tells their
// callers, and hands the lead over, also if a callback of the host panics. It
// ends when the last of the callers has given up, or at the write deadline.
func (g *gatherer) write(n *Notifier, group []*submission) {
	ctx, cancel := groupContext(group)
	defer func() {
		cancel()
		g.mu.Lock()
		for _, s := range group {
			if !s.answered {
				s.err = unknownOutcome(errPanicked)
				n.unreserve(s.batch)
			}
			if s.done != nil {
				close(s.done)
			}
		}
		g.passOn()
		g.mu.Unlock()
		for _, s := range group {
			if s.left && s.err == nil {
				n.accepted(context.WithoutCancel(s.ctx), s)
			}
		}
	}()
	batch := n.resolve(ctx, group)
	var receipts []Receipt
	var err error
	if len(batch) > 0 {
		receipts, err = accept(ctx, n.store, batch)
		if err != nil && ctx.Err() != nil {
			err = unknownOutcome(err)
		}
	}
	for _, s := range group {
		s.answered = true
		switch {
		case s.err != nil:
		case err != nil:
			s.err = endedBy(s.ctx, err)
			n.unreserve(s.batch)
		default:
			s.receipts, receipts = receipts[:len(s.batch):len(s.batch)], receipts[len(s.batch):]
		}
	}
}

// endedBy tells a caller whose context has ended why, where the write was called
// off because all of them had left.
func endedBy(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

var errPanicked = errors.New("a callback of the host panicked in another call")

// resolve prepares what the submissions want stored, having read the
// preferences of all their recipients at once. One that fails fails alone.
func (n *Notifier) resolve(ctx context.Context, group []*submission) []Acceptance {
	f := n.newFiler()
	if err := f.learn(ctx, n.inlineRecipients(group)); err != nil {
		for _, s := range group {
			s.err = err
		}
		return nil
	}
	var batch []Acceptance
	for _, s := range group {
		s.filer = f
		if s.batch, s.err = n.acceptances(ctx, f, s.notes); s.err != nil {
			continue
		}
		if len(group) == 1 {
			return s.batch
		}
		batch = append(batch, s.batch...)
	}
	return batch
}

// inlineRecipients are those whom Send files itself.
func (n *Notifier) inlineRecipients(group []*submission) []Recipient {
	var all []Recipient
	for _, s := range group {
		for _, note := range s.notes {
			if n.inline(note) {
				all = append(all, note.To...)
			}
		}
	}
	slices.SortFunc(all, compareRecipients)
	return slices.Compact(all)
}

func accept(ctx context.Context, to Acceptor, batch []Acceptance) ([]Receipt, error) {
	receipts, err := to.Accept(ctx, batch)
	if err != nil {
		return nil, fmt.Errorf("notify: send: %w", err)
	}
	if len(receipts) != len(batch) {
		return nil, fmt.Errorf("notify: send: the store answered %d receipts for %d notifications", len(receipts), len(batch))
	}
	return receipts, nil
}

// groupContext is ended by the write deadline, or when all callers have left.
func groupContext(group []*submission) (context.Context, context.CancelFunc) {
	if len(group) == 1 {
		return context.WithTimeout(group[0].ctx, writeDeadline)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(group[0].ctx), writeDeadline)
	var left atomic.Int64
	left.Store(int64(len(group)))
	stops := make([]func() bool, 0, len(group))
	for _, s := range group {
		stops = append(stops, context.AfterFunc(s.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

// unknownOutcome tells the caller that a commit may or may not have happened.
func unknownOutcome(err error) error {
	return fmt.Errorf("notify: send: outcome unknown, safe to repeat with the same Key: %w", err)
}
