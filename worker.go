package notify

import (
	"maps"
	"slices"
	"time"
)

// worker does one task after the other until its queue has nothing for it.
func (s *session) worker(q *queue) {
	var w *work
	defer func() { s.retire(q, w) }() // also when a channel ends the goroutine
	for {
		var raw []*work
		s.mu.Lock()
		w, raw = q.next()
		s.mu.Unlock()
		switch {
		case w != nil:
			s.run(q, w)
			if s.isAbandoned(w) {
				return
			}
		case raw != nil:
			s.look(q, raw)
		default:
			return
		}
	}
}

// retire counts a worker out. The slot of one that was abandoned has been given
// to another already.
func (s *session) retire(q *queue, w *work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w != nil && w.abandoned {
		s.n.health.unstuck()
		if w.slotLost {
			q.active--
			q.staff()
		}
		return
	}
	q.active--
	q.staff()
	s.workerLeft()
}

// workerLeft is called with the mutex held.
func (s *session) workerLeft() {
	s.workers--
	if s.workers == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// look prepares raw work and puts what is to be done in line.
func (s *session) look(q *queue, raw []*work) {
	returned := false
	defer func() {
		if returned {
			return
		}
		// A callback of the host ended this goroutine.
		s.mu.Lock()
		q.seen()
		s.mu.Unlock()
		s.giveBack(raw, "not prepared")
	}()
	kept := s.prepare(q, slices.Clone(raw))
	returned = true
	var unwanted []*work
	s.mu.Lock()
	q.seen()
	for _, w := range kept {
		if !s.accepting {
			unwanted = append(unwanted, w)
			continue
		}
		q.enter(w)
	}
	q.staff()
	s.mu.Unlock()
	s.giveBack(unwanted, "shutdown")
}

// giveBack returns tasks that were not begun; no attempt is charged.
func (s *session) giveBack(works []*work, reason string) {
	for _, w := range works {
		s.settler.add(w, Outcome{Status: w.pendingStatus(), Reason: reason, Accepted: w.task.Accepted})
	}
}

// run does one task and has its outcome stored.
func (s *session) run(q *queue, w *work) {
	attempt := &attempt{session: s, work: w, channel: s.n.channels[q.channel]}
	defer func() {
		if attempt.finished {
			return
		}
		// The channel ended this goroutine: all that can still be done is to
		// note it and to let the worker be replaced.
		s.finish(q, w, attempt.conclude())
	}()
	outcome, ok := s.secure(w)
	switch {
	case !ok:
	case w.task.Kind == KindFanOut:
		outcome = s.expand(w)
	case w.task.Kind == KindSweep:
		outcome = s.sweepTask(w)
	default:
		outcome = attempt.perform()
	}
	attempt.finished = true
	s.finish(q, w, outcome)
}

func (s *session) finish(q *queue, w *work, outcome Outcome) {
	s.mu.Lock()
	if w.abandoned {
		s.mu.Unlock()
		return
	}
	q.release(w)
	done := outcome.Status == ""
	s.mu.Unlock()
	if done {
		s.drop(w)
		return
	}
	s.settler.add(w, outcome)
}

func (s *session) isAbandoned(w *work) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return w.abandoned
}

// abandonGrace is how long a channel may take to return after its context
// ended.
const abandonGrace = 5 * time.Second

// abandon gives up on calls whose channel ignores its context: the slot goes to
// another worker, and the outcome is unknown.
func (s *session) abandon(overdue func(*work) bool) {
	s.mu.Lock()
	var stuck []*work
	for _, w := range slices.AppendSeq(slices.Clone(s.replaced), maps.Values(s.held)) {
		if w.running && !w.abandoned && w.calling && overdue(w) {
			w.abandoned = true
			stuck = append(stuck, w)
		}
	}
	for _, w := range stuck {
		q := s.queues[w.task.Channel]
		q.release(w)
		s.workerLeft()
		if s.n.health.stuck() > maxStuck {
			w.slotLost = true
			continue
		}
		q.active--
		q.staff()
	}
	s.mu.Unlock()
	for _, w := range stuck {
		s.n.emit(s.ctx, Event{
			Type: EventAbandoned, Recipient: w.task.Recipient, Delivery: w.task.ID, Notification: w.task.Notification,
			Provider: w.task.Provider, Channel: w.task.Channel, Count: s.n.health.stuckNow(),
		})
		s.mu.Lock()
		a := &attempt{session: s, work: w, accepted: w.accepted, started: true}
		s.mu.Unlock()
		s.settler.add(w, a.conclude())
	}
}

// maxStuck is how many abandoned calls are replaced by new workers. Beyond it a
// channel that never returns loses its slots, and Health is red.
const maxStuck = 1000
