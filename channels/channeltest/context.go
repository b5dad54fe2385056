package channeltest

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

var contextChecks = []check{
	{"context/one that has ended sends nothing", contextEnded},
	{"context/a deadline ends a call", contextDeadline},
	{"context/a cancellation ends a call", contextCancel},
	{"context/ends the call of a digest", contextDigest},
	{"context/ends an acceptance without end", contextRamble},
}

// pause waits for d.
func (s *scene) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		s.ok(context.Cause(s.ctx), "the check")
	}
}

func contextEnded(s *scene) {
	cancelled, cancel := context.WithCancel(s.ctx)
	cancel()
	late, cancel := context.WithDeadline(s.ctx, time.Unix(0, 0))
	defer cancel()
	for name, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": late} {
		before := len(s.Received())
		err := s.deliver(ctx, s.delivery("Parcel 17"))
		s.that(err != nil, "a context %s, and the call says that the peer has accepted", name)
		s.notBlamed(err)
		s.that(len(s.Received()) == before, "a context %s, and a message was sent", name)
	}
	s.sent(s.delivery("Parcel 18"))
}

// notBlamed fails if a call that was cut short blames address, message or
// account.
func (s *scene) notBlamed(err error) {
	switch class := classOf(err); class {
	case notify.Permanent, notify.Gone, notify.Misconfigured:
		s.fail("a call that was cut short makes the failure %s: %w", named(class), err)
	}
}

// endless are the behaviors that only a context ends.
var endless = []Behavior{Silent, Hang, Flood}

func contextDeadline(s *scene) {
	s.needsPeer()
	for _, b := range endless {
		if !s.can(b) {
			continue
		}
		ctx, cancel := context.WithTimeout(s.ctx, moment)
		err := s.deliver(ctx, s.delivery("Parcel 17"))
		cancel()
		s.that(err != nil, "a peer that does %q, and the call says that it has accepted", string(b))
		s.notBlamed(err)
	}
}

func contextCancel(s *scene) {
	s.needsPeer()
	for _, b := range endless {
		if !s.can(b) {
			continue
		}
		ctx, cancel := context.WithCancel(s.ctx)
		timer := time.AfterFunc(moment, cancel)
		err := s.deliver(ctx, s.delivery("Parcel 17"))
		timer.Stop()
		cancel()
		s.that(err != nil, "a peer that does %q, and the call says that it has accepted", string(b))
		s.notBlamed(err)
	}
}

func contextDigest(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	s.behave(Hang)
	ctx, cancel := context.WithTimeout(s.ctx, moment)
	defer cancel()
	d, letter := s.digest(5, 7)
	err := s.deliverDigest(ctx, c, d, letter)
	s.that(err != nil, "a peer that does %q, and DeliverDigest says that it has accepted", string(Hang))
	s.notBlamed(err)
}

// contextRamble: the peer has accepted, and the rest of what it says is of no
// interest. The channel may also say that it does not know.
func contextRamble(s *scene) {
	s.behave(Ramble)
	ctx, cancel := context.WithTimeout(s.ctx, moment)
	defer cancel()
	before := len(s.Received())
	if err := s.deliver(ctx, s.delivery("Parcel 17")); err != nil {
		s.notBlamed(err)
	}
	s.that(len(s.Received()) <= before+1, "one call sent %d messages", len(s.Received())-before)
	s.behave(Accept)
	s.sent(s.delivery("Parcel 18"))
}
