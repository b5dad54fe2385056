package email

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A relay sees a connection end after so much silence or so many letters. One
// that was silent for a while is asked first whether it still works.
const (
	maxIdle      = 30 * time.Second
	maxMails     = 100
	probeAfter   = 5 * time.Second
	probeTimeout = 5 * time.Second
)

// pool holds sessions between letters and bounds how many are in use. Whoever
// removes a session from it, be it a letter, the timer or Close, owns it.
type pool struct {
	places chan struct{} // one for each session in use
	limit  int           // of those that wait

	mu     sync.Mutex
	idle   []*session
	closed bool
}

func newPool(most, idle int) *pool {
	return &pool{places: make(chan struct{}, most), limit: idle}
}

// enter waits until a session may be used; leave says that it no longer is.
func (p *pool) enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pool) leave() { <-p.places }

// take removes the session used last, or returns nil.
func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	last := len(p.idle) - 1
	s := p.idle[last]
	p.idle = slices.Delete(p.idle, last, last+1)
	s.expiry.Stop()
	return s
}

// keep takes the session in, unless there are enough.
func (p *pool) keep(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.limit {
		return false
	}
	p.idle = append(p.idle, s)
	s.since = time.Now()
	s.expiry = time.AfterFunc(maxIdle, func() {
		if p.remove(s) {
			s.quit()
		}
	})
	return true
}

func (p *pool) remove(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, s)
	if i < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}

// close removes all sessions and lets none in any more.
func (p *pool) close() []*session {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle
	p.idle, p.closed = nil, true
	for _, s := range idle {
		s.expiry.Stop()
	}
	return idle
}
