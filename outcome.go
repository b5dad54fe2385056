package notify

import (
	"slices"
	"strings"
	"time"
)

// conclude sums up what the addresses answered.
func (a *attempt) conclude() Outcome {
	s, w := a.session, a.work
	if !a.finished && a.started && a.failure == nil && !a.complete() {
		// The call did not come back: nobody knows how far it came.
		a.retry, a.unknown = true, true
	}
	o := Outcome{Accepted: a.accepted, Addresses: a.addresses, Charge: a.started && !w.charged}
	if a.failure != nil {
		o.Error = storable(a.failure.Error())
	}
	switch {
	case a.retry && s.ctx.Err() != nil:
		// Interrupted by the end of Run: no attempt is burnt.
		o.Status, o.Reason, o.Charge = w.pendingStatus(), "shutdown", false
		if a.unknown {
			o.Status = StatusUnknown
		}
	case a.retry:
		a.again(&o)
	case a.paused > 0:
		o.Status, o.Reason, o.RetryIn, o.Charge = w.pendingStatus(), "paused", a.paused, false
		s.tooOld(w, &o)
	case a.held > 0:
		o.Status, o.Reason, o.RetryIn, o.Charge = w.pendingStatus(), "destination down", a.held, false
		s.tooOld(w, &o)
	case anyAccepted(a.accepted):
		o.Status = StatusDelivered
	case a.gone:
		o.Status, o.Reason = StatusSkipped, "gone"
	default:
		o.Status, o.Reason = StatusDead, "refused"
	}
	return s.planned(w, o)
}

// anyAccepted tells whether an address has accepted, among those that are done.
func anyAccepted(done []string) bool {
	return slices.ContainsFunc(done, func(id string) bool { return !strings.HasPrefix(id, refused) })
}

// complete tells whether every address has answered.
func (a *attempt) complete() bool {
	return !slices.ContainsFunc(a.work.targets, func(t target) bool {
		return !slices.Contains(a.accepted, t.identity) && !slices.Contains(a.accepted, refused+t.identity)
	})
}

// again puts a delivery back for another attempt, or gives it up.
func (a *attempt) again(o *Outcome) {
	s, w := a.session, a.work
	o.Status, o.Reason = StatusPending, "retry"
	if a.unknown || w.task.Unknown {
		o.Status = StatusUnknown
	}
	age := w.now.Sub(w.task.Filed)
	wait, again := s.n.nextTry(s.ctx, w.attemptNumber(), age)
	if !again {
		o.Status, o.Reason = StatusDead, "no attempts left"
		return
	}
	if a.wait > wait {
		if _, again = s.n.nextTry(s.ctx, w.attemptNumber(), age+a.wait); !again {
			o.Status, o.Reason = StatusDead, "asked to wait too long"
			return
		}
	}
	o.RetryIn = max(wait, a.wait, a.paused, a.held, minWait)
}

// tooOld gives up what was put back without an attempt for as long as the
// policy allows at all.
func (s *session) tooOld(w *work, o *Outcome) {
	if _, again := s.n.nextTry(s.ctx, max(1, w.task.Attempts), w.now.Sub(w.task.Filed)); !again {
		o.Status, o.Reason, o.RetryIn = StatusDead, "too old: "+o.Reason, 0
	}
}

// setBack puts a task back that could not be attempted.
func (s *session) setBack(w *work, wait time.Duration, reason, problem string) Outcome {
	o := Outcome{
		Status: w.pendingStatus(), Reason: reason, Error: problem, RetryIn: max(wait, minWait),
		Accepted: w.task.Accepted,
	}
	if !w.now.IsZero() && w.task.Kind != KindFanOut && w.task.Kind != KindSweep {
		s.tooOld(w, &o)
	}
	return s.planned(w, o)
}

// skip ends a delivery that need not or must not be made, or not any further:
// it counts as delivered if an address has accepted it before.
func (s *session) skip(w *work, reason string) Outcome {
	o := Outcome{Status: StatusSkipped, Reason: reason, Accepted: w.task.Accepted}
	if anyAccepted(o.Accepted) {
		o.Status, o.Reason = StatusDelivered, ""
	}
	return s.planned(w, o)
}

// planned makes an outcome fit a digest. One that an address has accepted counts
// as out: what is in it must not come again in the next one. A final one gets
// the next cut, for entries that it may set free.
func (s *session) planned(w *work, o Outcome) Outcome {
	if w.task.Kind != KindDigest {
		return o
	}
	if anyAccepted(o.Accepted) {
		switch o.Status {
		case StatusPending:
			o.Status = StatusUnknown
		case StatusDead:
			o.Status, o.Reason = StatusDelivered, ""
		}
	}
	if o.Status == StatusPending || o.Status == StatusUnknown {
		return o
	}
	prefs := w.facts.Profile.Preferences
	zone := s.n.zoneOf(s.ctx, w.task.Recipient, prefs, w.contact)
	last := findPlan(w.facts.Profile.Plans, w.task.Channel).LastCut
	if last.Before(w.task.Cut) {
		last = w.task.Cut
	}
	o.NextCut = s.n.cutAfter(s.ctx, w.task.Recipient, w.now, last, prefs.DigestAt, zone)
	return o
}
