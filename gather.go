package notify

import (
	"context"
	"fmt"
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
	maxGathered        = 512    // acceptances in one transaction
	maxGatheredFilings = 10_000 // recipients in one transaction
)

// submission is what one caller wants to have written.
type submission struct {
	ctx      context.Context
	batch    []Acceptance
	receipts []Receipt
	err      error
	lead     chan struct{} // closed when it is this caller's turn to write
	done     chan struct{} // closed when receipts and err are set
}

// submit has the batch written, alone or with others, and returns its receipts.
// Each caller returns only after the commit that holds its own batch.
func (g *gatherer) submit(ctx context.Context, to Acceptor, batch []Acceptance) ([]Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("notify: not sent: %w", err)
	}
	s := &submission{ctx: ctx, batch: batch}
	g.mu.Lock()
	if !g.leading {
		g.leading = true
		g.mu.Unlock()
		g.write(to, []*submission{s})
		return s.receipts, s.err
	}
	s.lead, s.done = make(chan struct{}), make(chan struct{})
	g.waiting = append(g.waiting, s)
	g.mu.Unlock()

	select {
	case <-s.done:
		return s.receipts, s.err
	case <-s.lead:
		g.write(to, g.take())
		return s.receipts, s.err
	case <-ctx.Done():
		return g.leave(s)
	}
}

// leave is for a caller that will not wait any longer.
func (g *gatherer) leave(s *submission) ([]Receipt, error) {
	cause := context.Cause(s.ctx)
	g.mu.Lock()
	i := slices.Index(g.waiting, s)
	if i < 0 {
		g.mu.Unlock()
		return nil, unknownOutcome(cause)
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	select {
	case <-s.lead: // it was this caller's turn: pass it on
		g.passOn()
	default:
	}
	g.mu.Unlock()
	return nil, fmt.Errorf("notify: not sent: %w", cause)
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
	taken, acceptances, filings := 0, 0, 0
	for _, s := range g.waiting {
		acceptances += len(s.batch)
		for i := range s.batch {
			filings += len(s.batch[i].Filings)
		}
		if taken > 0 && (acceptances > maxGathered || filings > maxGatheredFilings) {
			break
		}
		taken++
	}
	batch := slices.Clone(g.waiting[:taken])
	g.waiting = slices.Delete(g.waiting, 0, taken)
	return batch
}

// write writes the submissions in one transaction, tells their callers, and
// hands the lead over. It ends when the last of the callers has given up, or at
// the write deadline.
func (g *gatherer) write(to Acceptor, group []*submission) {
	ctx, cancel := groupContext(group)
	batch := group[0].batch
	if len(group) > 1 {
		batch = nil
		for _, s := range group {
			batch = append(batch, s.batch...)
		}
	}
	receipts, err := accept(ctx, to, batch)
	if err != nil && ctx.Err() != nil {
		err = unknownOutcome(err)
	}
	cancel()
	for _, s := range group {
		if err != nil {
			s.err = err
		} else {
			s.receipts, receipts = receipts[:len(s.batch):len(s.batch)], receipts[len(s.batch):]
		}
		if s.done != nil {
			close(s.done)
		}
	}
	g.mu.Lock()
	g.passOn()
	g.mu.Unlock()
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
