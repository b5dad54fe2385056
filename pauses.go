package notify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	firstPause = 30 * time.Second
	longPause  = 10 * time.Minute
)

// pauseBook is what this process knows of the pauses in the store.
type pauseBook struct {
	mu     sync.Mutex
	paused map[destination]localPause
}

type localPause struct {
	delay   time.Duration
	until   time.Time // by the clock of this process
	probing bool      // an attempt of this process tries the account
}

// refresh reads the pauses anew.
func (b *pauseBook) refresh(ctx context.Context, n *Notifier) error {
	ctx, cancel := context.WithTimeout(ctx, writeDeadline)
	defer cancel()
	pauses, err := n.store.Pauses(ctx)
	if err != nil {
		return fmt.Errorf("notify: pauses: %w", err)
	}
	var now time.Time
	if len(pauses) > 0 {
		if now, err = n.store.Now(ctx); err != nil {
			return fmt.Errorf("notify: clock: %w", err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.paused
	b.paused = make(map[destination]localPause, len(pauses))
	for _, p := range pauses {
		to := destination{p.Channel, p.Account}
		b.paused[to] = localPause{p.Delay, time.Now().Add(p.Until.Sub(now)), before[to].probing}
	}
	return nil
}

// blocks tells whether a channel as a whole is paused: then nothing is claimed
// for it until its probe is due.
func (b *pauseBook) blocks(channel string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.paused[destination{channel, ""}]
	return ok && time.Now().Before(p.until)
}

// gate tells whether an account may be tried: it is not paused, or this is its
// probe. Else it says how long to step back.
func (s *session) gate(ctx context.Context, to destination) (wait time.Duration, ok bool) {
	s.pauses.mu.Lock()
	p, paused := s.pauses.paused[to]
	s.pauses.mu.Unlock()
	if !paused {
		return 0, true
	}
	if left := time.Until(p.until); left > 0 {
		return stepBack(left), false
	}
	granted, err := s.n.store.Probe(ctx, to.channel, to.name, p.delay)
	if err != nil {
		s.n.emit(ctx, Event{Type: EventStoreFailed, Channel: to.channel, Reason: "probe", Err: err})
	}
	if granted {
		p.probing = true
		s.pauses.mu.Lock()
		s.pauses.paused[to] = p
		s.pauses.mu.Unlock()
		return 0, true
	}
	return stepBack(p.delay), false
}

// stepBack is a little more than the wait, so that those who waited together do
// not come back together.
func stepBack(wait time.Duration) time.Duration {
	return max(minWait, wait+time.Duration(rand.Float64()*float64(wait)/4))
}

// pause records that an account is misconfigured, and returns how long its
// deliveries step back. Several attempts that fail at the same time count as
// one.
func (s *session) pause(ctx context.Context, to destination, reason string) time.Duration {
	b := &s.pauses
	b.mu.Lock()
	p, paused := b.paused[to]
	if left := time.Until(p.until); paused && !p.probing && left > 0 {
		b.mu.Unlock()
		return stepBack(left)
	}
	delay := firstPause
	if paused {
		delay = min(2*p.delay, longPause)
	}
	if b.paused == nil {
		b.paused = make(map[destination]localPause)
	}
	b.paused[to] = localPause{delay: delay, until: time.Now().Add(delay)}
	b.mu.Unlock()
	err := s.n.store.SetPause(ctx, Pause{Channel: to.channel, Account: to.name, Reason: storable(reason)}, delay)
	if err != nil {
		s.n.emit(ctx, Event{Type: EventStoreFailed, Channel: to.channel, Reason: "pause", Err: err})
	}
	s.n.emit(ctx, Event{Type: EventPaused, Channel: to.channel, Destination: to.name, Reason: storable(reason), Duration: delay})
	return stepBack(delay)
}

// resume lifts a pause after a success.
func (s *session) resume(ctx context.Context, to destination) {
	b := &s.pauses
	b.mu.Lock()
	_, paused := b.paused[to]
	delete(b.paused, to)
	b.mu.Unlock()
	if !paused {
		return
	}
	if err := s.n.store.SetPause(ctx, Pause{Channel: to.channel, Account: to.name}, 0); err != nil {
		s.n.emit(ctx, Event{Type: EventStoreFailed, Channel: to.channel, Reason: "pause", Err: err})
		return
	}
	s.n.emit(ctx, Event{Type: EventResumed, Channel: to.channel, Destination: to.name})
}

// liftPauses is what a start of Run does: whoever restarts a process may have
// mended its configuration.
func (s *session) liftPauses(ctx context.Context) {
	if err := s.pauses.refresh(ctx, s.n); err != nil {
		s.n.emit(ctx, Event{Type: EventStoreFailed, Reason: "pause", Err: err})
		return
	}
	s.pauses.mu.Lock()
	var mine []destination
	for to := range s.pauses.paused {
		if s.n.channels[to.channel] != nil {
			mine = append(mine, to)
		}
	}
	s.pauses.mu.Unlock()
	for _, to := range mine {
		s.resume(ctx, to)
	}
}
