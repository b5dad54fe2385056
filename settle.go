package notify

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	settleBatch   = 1000
	maxErrorBytes = 4096
	// settleLinger is how long an outcome may wait for others.
	settleLinger = 5 * time.Millisecond
)

// settler stores outcomes, as many at a time as have come together while the
// last were stored, or within a moment. Its goroutine lives only as long as there
// are some.
type settler struct {
	session *session

	mu     sync.Mutex
	queue  []settlement
	oldest time.Time     // when the first of the queue came
	enough chan struct{} // closed when nobody need wait for more; nil unless somebody does
	busy   bool
	failed error // of a Drain
}

type settlement struct {
	work    *work
	outcome Outcome
}

func (t *settler) add(w *work, o Outcome) {
	o.Task = w.lease()
	o.Error = storable(o.Error)
	held := t.session.holding()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		t.oldest = time.Now()
	}
	t.queue = append(t.queue, settlement{w, o})
	switch {
	case !t.busy:
		t.busy = true
		t.session.wg.Go(t.flush)
	case t.enough != nil && len(t.queue) >= min(t.session.n.workers, held):
		close(t.enough)
		t.enough = nil
	}
}

// linger waits for more outcomes to store together, if there is work of which they
// could come. No more of them wait than a channel has slots: a crash makes a
// process repeat what was in its slots, and about as much that it had not stored.
func (t *settler) linger() {
	s := t.session
	if !s.running || s.stopping() {
		return
	}
	held := s.holding()
	t.mu.Lock()
	wait := settleLinger - time.Since(t.oldest)
	if n := len(t.queue); n == 0 || n >= min(s.n.workers, held) || wait <= 0 {
		t.mu.Unlock()
		return
	}
	enough := make(chan struct{})
	t.enough = enough
	t.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-enough:
	}
}

// failure is why a Drain cannot go on.
func (t *settler) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *settler) take() []settlement {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := min(len(t.queue), settleBatch)
	batch := slices.Clone(t.queue[:count])
	t.queue = slices.Delete(t.queue, 0, count)
	t.busy, t.enough, t.oldest = count > 0, nil, time.Now()
	return batch
}

func (t *settler) flush() {
	for {
		t.linger()
		batch := t.take()
		if len(batch) == 0 {
			return
		}
		t.store(batch)
	}
}

// store writes a batch, as often as it takes: a Run waits for its store to come
// back. Writing twice is harmless, for the second time the leases are gone. What
// cannot be written is done again by whoever takes the leases over.
func (t *settler) store(batch []settlement) {
	s := t.session
	if batch = s.withoutLost(batch); len(batch) == 0 {
		return
	}
	outcomes := make([]Outcome, len(batch))
	for i := range batch {
		outcomes[i] = batch[i].outcome
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), writeDeadline)
		lost, err := s.n.store.Settle(ctx, outcomes)
		cancel()
		if err == nil {
			t.settled(batch, lost)
			return
		}
		s.n.emit(s.ctx, Event{Type: EventStoreFailed, Reason: "settle", Err: err})
		if !s.running || s.ctx.Err() != nil {
			t.mu.Lock()
			t.failed = err
			t.mu.Unlock()
			for _, b := range batch {
				s.drop(b.work)
			}
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
		}
	}
}

// withoutLost leaves out what the store would refuse, since the lease is lost. A
// task that was claimed anew may have a second outcome that counts.
func (s *session) withoutLost(batch []settlement) []settlement {
	var lost []*work
	s.mu.Lock()
	batch = slices.DeleteFunc(batch, func(b settlement) bool {
		if b.work.lost {
			lost = append(lost, b.work)
		}
		return b.work.lost
	})
	s.mu.Unlock()
	for _, w := range lost {
		s.leaseLost(w)
		s.drop(w)
	}
	return batch
}

func (t *settler) settled(batch []settlement, lost []ID) {
	s := t.session
	for _, b := range batch {
		task := b.work.task
		if slices.Contains(lost, task.ID) {
			s.leaseLost(b.work)
		} else if task.Kind == KindDelivery || task.Kind == KindDigest {
			e := Event{
				Type: EventSettled, Recipient: task.Recipient, Notification: task.Notification, Delivery: task.ID,
				Provider: task.Provider, Channel: task.Channel, Attempt: task.Attempts,
				Status: b.outcome.Status, Reason: b.outcome.Reason,
			}
			if !b.work.now.IsZero() && !task.Filed.IsZero() {
				e.Age = b.work.now.Sub(task.Filed)
			}
			s.n.emit(s.ctx, e)
		}
		s.drop(b.work)
	}
}

// storable bounds and cleans what a channel or a peer said before it is stored
// and shown.
func storable(text string) string {
	if len(text) > maxErrorBytes {
		text = text[:maxErrorBytes]
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.ContainsFunc(text, unicode.IsControl) {
		text = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, text)
	}
	for len(text) > maxErrorBytes {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
