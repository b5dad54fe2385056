package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errAttemptTimeout is the cause of contexts of attempts that took too long.
var errAttemptTimeout = errors.New("notify: attempt timed out")

// attempt is one try of a task: one call of its channel per address.
type attempt struct {
	session  *session
	work     *work
	channel  Channel
	digest   *Digest
	finished bool // every call came back

	accepted  []string // identities, of this and earlier attempts
	addresses []AddressOutcome
	started   bool // the channel was called
	retry     bool // an address may accept later
	unknown   bool
	wait      time.Duration // lower bound for the retry
	paused    time.Duration // longest step back from a paused account
	held      time.Duration // longest step back from a destination that is down
	gone      bool
	cut       bool // this process itself ended the last call
	failure   error
}

// perform tries every address and sums up.
func (a *attempt) perform() Outcome {
	s, w := a.session, a.work
	a.accepted = slices.Clone(w.task.Accepted)
	s.mu.Lock()
	w.accepted = a.accepted
	s.mu.Unlock()
	if w.task.Recovered && !w.charged {
		if _, again := s.n.nextTry(s.ctx, w.task.Attempts, 0); w.task.Attempts > 0 && !again {
			return s.planned(w, Outcome{
				Status: StatusDead, Reason: "no attempts left", Accepted: w.task.Accepted,
				Error: "each attempt ended with the process that made it",
			})
		}
		// A process may have died of this very task: charge it before it can
		// happen again.
		lease := w.lease()
		lease.Charge = true
		ctx, cancel := context.WithTimeout(s.ctx, writeDeadline)
		lost, err := s.n.store.Renew(ctx, []Lease{lease}, s.n.lease)
		cancel()
		if err != nil {
			s.trouble(err)
			return s.setBack(w, stepBack(s.n.pollInterval), "not charged", err.Error())
		}
		if len(lost) > 0 {
			s.leaseLost(w)
			return Outcome{}
		}
		w.charged = true
		w.task.Attempts++
	}
	if w.task.Kind == KindDigest {
		var skip string
		err := guarded(func() (err error) {
			skip, err = a.buildDigest()
			return err
		})
		if err != nil {
			s.trouble(err)
			s.n.emit(s.ctx, Event{Type: EventStoreFailed, Channel: w.task.Channel, Reason: "digest", Err: err})
			return s.setBack(w, stepBack(s.n.pollInterval), "not prepared", err.Error())
		}
		if skip != "" {
			return s.skip(w, skip)
		}
	}
	for _, t := range w.targets {
		if s.ctx.Err() != nil || s.isOthers(w) || !s.holds(w) {
			a.retry = true
			break
		}
		a.try(t)
	}
	a.finished = true
	return a.conclude()
}

// try calls the channel for one address, if its account and destination may be
// tried now.
func (a *attempt) try(t target) {
	s, w := a.session, a.work
	to := destination{w.task.Channel, t.destination}
	if wait, ok := s.gate(s.ctx, to); !ok {
		a.paused = max(a.paused, wait)
		return
	}
	if wait, ok := s.destinations.allow(to, a); !ok {
		a.held = max(a.held, stepBack(wait))
		return
	}
	a.started = true
	begun := time.Now()
	err := a.call(t)
	s.reportAttempt(w, t, err, time.Since(begun))
	a.note(t, to, err)
	s.mu.Lock()
	w.accepted = slices.Clone(a.accepted)
	s.mu.Unlock()
}

// note records the answer of one address.
func (a *attempt) note(t target, to destination, err error) {
	s := a.session
	if err == nil {
		a.accepted = append(a.accepted, t.identity)
		a.learn(t, AddressOutcome{})
		s.resume(s.ctx, to)
		a.answered(to)
		return
	}
	a.failure = err
	answer := classify(err)
	if answer.Class == Temporary && interrupted(err) {
		answer.Class = Unknown // the channel cannot tell how far it came
	}
	a.wait = max(a.wait, answer.RetryAfter)
	switch answer.Class {
	case Gone:
		a.gone = true
		a.accepted = append(a.accepted, refused+t.identity)
		a.learn(t, AddressOutcome{Error: storable(err.Error()), Gone: true, Since: t.registered})
		a.suppress(t, err)
		a.answered(to)
	case Permanent:
		a.accepted = append(a.accepted, refused+t.identity)
		a.learn(t, AddressOutcome{Error: storable(err.Error())})
		a.answered(to)
	case Misconfigured:
		a.paused = max(a.paused, s.pause(s.ctx, to, err.Error()), answer.RetryAfter)
		s.destinations.leave(to, a)
	default:
		a.retry, a.unknown = true, a.unknown || answer.Class == Unknown
		a.learn(t, AddressOutcome{Error: storable(err.Error())})
		if answer.Reached {
			a.answered(to)
			return
		}
		a.silent(to, answer)
	}
}

// answered notes that the destination works, whatever it said.
func (a *attempt) answered(to destination) {
	s := a.session
	if s.destinations.worked(to, a) {
		s.n.emit(s.ctx, Event{Type: EventDestination, Channel: to.channel, Destination: to.name})
	}
}

// silent notes that the destination does not work. An attempt that this process
// itself cut short says nothing about it.
func (a *attempt) silent(to destination, answer DeliveryError) {
	s := a.session
	if a.cut {
		s.destinations.leave(to, a)
		return
	}
	hold := time.Duration(0)
	if answer.Overloaded {
		hold = max(answer.RetryAfter, probeInterval)
	}
	if s.destinations.failed(to, a, storable(a.failure.Error()), hold) {
		s.n.emit(s.ctx, Event{Type: EventDestination, Channel: to.channel, Destination: to.name, Err: a.failure})
	}
}

// learn keeps what the attempt showed about a registered address.
func (a *attempt) learn(t target, o AddressOutcome) {
	if t.registration != "" {
		o.Registration = t.registration
		a.addresses = append(a.addresses, o)
	}
}

// suppress notes a dead address of the directory, which is not ours to remove.
func (a *attempt) suppress(t target, err error) {
	if t.registration != "" || t.address.Value == "" {
		return
	}
	s := a.session
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), writeDeadline)
	defer cancel()
	entry := Suppression{
		Tenant:  a.work.task.Recipient.Tenant,
		Address: Address{Channel: t.address.Channel, Value: t.address.Value},
		Proof:   storable(err.Error()),
	}
	if err := s.n.store.Suppress(ctx, entry); err != nil {
		s.n.emit(ctx, Event{Type: EventStoreFailed, Channel: t.address.Channel, Reason: "suppress", Err: err})
	}
}

// call calls the channel with a deadline and a guard against panics.
func (a *attempt) call(t target) (err error) {
	s, w := a.session, a.work
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, s.n.attemptTimeout, errAttemptTimeout)
	defer stop()
	s.mu.Lock()
	w.cancel, w.calling, w.deadline = cancel, true, time.Now().Add(s.n.attemptTimeout)
	lost := w.lost
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		w.cancel, w.calling = nil, false
		s.mu.Unlock()
		cause := context.Cause(ctx)
		a.cut = lost || cause != nil && !errors.Is(cause, errAttemptTimeout)
		if p := recover(); p != nil {
			// Nobody knows how far it came.
			err = &DeliveryError{Class: Unknown, Err: fmt.Errorf("notify: the channel panicked: %.1000s", fmt.Sprint(p))}
		}
	}()
	if lost {
		return ErrLeaseLost
	}
	d := Delivery{
		ID: w.task.ID, Attempt: w.attemptNumber(), Recipient: w.task.Recipient, Contact: w.contact,
		Address: t.address, Registered: t.registered, Unread: w.facts.Unread, Links: s.n.links.of(w.task.Recipient),
	}
	d.Contact.Addresses = nil // others are no business of this call
	if a.digest != nil {
		channel, ok := a.channel.(DigestChannel)
		if !ok {
			return &DeliveryError{Class: Permanent, Err: errors.New("the channel has no digests any more")}
		}
		return channel.DeliverDigest(ctx, d, *a.digest)
	}
	d.Item = s.n.present(w.facts.Item)
	return a.channel.Deliver(ctx, d)
}

// attemptNumber is 1 for the first attempt.
func (w *work) attemptNumber() int {
	if w.charged {
		return w.task.Attempts
	}
	return w.task.Attempts + 1
}

// isOthers tells whether somebody else may be at the task by now: its lease is
// lost, or a call took so long that the task was put back.
func (s *session) isOthers(w *work) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return w.lost || w.abandoned
}

// interrupted tells whether an error is that of a context that ended.
func interrupted(err error) bool {
	_, classified := errors.AsType[*DeliveryError](err)
	return !classified && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, errAttemptTimeout) || errors.Is(err, errShutdown) || errors.Is(err, errNotRenewed))
}

func (s *session) reportAttempt(w *work, t target, err error, took time.Duration) {
	e := Event{
		Type: EventAttempt, Recipient: w.task.Recipient, Notification: w.task.Notification, Delivery: w.task.ID,
		Provider: w.task.Provider, Channel: w.task.Channel, Destination: t.destination,
		Attempt: w.attemptNumber(), Duration: took, Err: err, Age: w.now.Sub(w.task.Filed),
	}
	if err != nil {
		e.Class = classify(err).Class
	}
	s.n.emit(s.ctx, e)
}
