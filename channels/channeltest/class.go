package channeltest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

var classChecks = []check{
	{"classes/a refusal for now is temporary", classOnly(Temporary, notify.Temporary)},
	{"classes/a refusal for good is permanent", classOnly(Permanent, notify.Permanent)},
	{"classes/a dead address is gone", classOnly(Gone, notify.Gone)},
	{"classes/a refused account is misconfigured", classOnly(Misconfigured, notify.Misconfigured)},
	{"classes/a missing answer is unknown", classUnknown},
	{"classes/silence, a reset and garbage prove nothing", classNoProof},
	{"classes/a flood of words is temporary", classOnly(Flood, notify.Temporary, notify.Unknown)},
	{"classes/a wish to be left alone is passed on", classRetryAfter},
	{"classes/hold for digests", classDigest},
}

// needsPeer ends the check as not offered if there is no peer that could
// refuse.
func (s *scene) needsPeer() {
	if s.Behave == nil {
		s.fail("a peer that can refuse: %w", errNotOffered)
	}
}

// cut calls do with a context that ends if the peer never lets the channel go by
// itself: after a moment, and with Hang once the peer has the message.
func (s *scene) cut(b Behavior, do func(ctx context.Context)) {
	if !slices.Contains(endless, b) {
		do(s.ctx)
		return
	}
	if b != Hang {
		ctx, cancel := context.WithTimeout(s.ctx, moment)
		defer cancel()
		do(ctx)
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	before := len(s.Received())
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		tick := time.NewTicker(moment / 10)
		defer tick.Stop()
		for len(s.Received()) == before {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	})
	do(ctx)
}

// attempt makes a delivery to a peer that behaves like b already.
func (s *scene) attempt(b Behavior) (err error) {
	s.cut(b, func(ctx context.Context) { err = s.deliver(ctx, s.delivery("Parcel 17")) })
	return err
}

// refused returns the error of a delivery to a peer that behaves like b.
func (s *scene) refused(b Behavior) error {
	s.behave(b)
	err := s.attempt(b)
	s.that(err != nil, "a peer that does %q, and the call says that it has accepted", string(b))
	return err
}

// isOf fails unless the class of err is one of those.
func (s *scene) isOf(err error, b Behavior, classes ...notify.Class) {
	class := classOf(err)
	s.that(slices.Contains(classes, class), "a peer that does %q makes the failure %s, want %s: %w", string(b), named(class), named(classes[0]), err)
}

// classOnly checks that a behavior makes one of the classes.
func classOnly(b Behavior, classes ...notify.Class) func(s *scene) {
	return func(s *scene) {
		s.isOf(s.refused(b), b, classes...)
		s.isOf(s.refused(b), b, classes...) // also over a connection that was kept
	}
}

// classUnknown: the peer may have accepted, and only the engine knows how to
// say so.
func classUnknown(s *scene) {
	s.isOf(s.refused(Hang), Hang, notify.Unknown)
	if s.can(Drop) {
		s.isOf(s.refused(Drop), Drop, notify.Unknown)
	}
}

// classNoProof: no address is removed and no message given up for them.
func classNoProof(s *scene) {
	s.needsPeer()
	found := false
	for _, b := range []Behavior{Silent, Reset, Garbage} {
		if !s.can(b) {
			continue
		}
		found = true
		class := classOf(s.refused(b))
		s.that(class != notify.Gone && class != notify.Permanent, "a peer that does %q makes the failure %s", string(b), named(class))
		s.that(class != notify.Misconfigured || b == Garbage, "a peer that does %q makes the failure misconfigured", string(b))
	}
	if !found {
		s.fail("a peer that does %q, %q or %q: %w", string(Silent), string(Reset), string(Garbage), errNotOffered)
	}
}

func classRetryAfter(s *scene) {
	err := s.refused(RetryAfter)
	s.isOf(err, RetryAfter, notify.Temporary)
	failure, ok := errors.AsType[*notify.DeliveryError](err)
	s.that(ok, "the error is no notify.DeliveryError: %w", err)
	s.that(failure.RetryAfter >= Wait && failure.RetryAfter <= 2*Wait, "the peer asked for %v, the error says %v", Wait, failure.RetryAfter)
}

func classDigest(s *scene) {
	c := upgrade[notify.DigestChannel](s, "notify.DigestChannel")
	s.needsPeer()
	for _, b := range []Behavior{Temporary, Permanent, Gone, Misconfigured, Hang} {
		if !s.can(b) {
			continue
		}
		d, letter := s.digest(5, 7)
		var err error
		s.cut(b, func(ctx context.Context) { err = s.deliverDigest(ctx, c, d, letter) })
		s.that(err != nil, "a peer that does %q, and DeliverDigest says that it has accepted", string(b))
		s.isOf(err, b, map[Behavior]notify.Class{
			Permanent: notify.Permanent, Gone: notify.Gone, Misconfigured: notify.Misconfigured, Hang: notify.Unknown,
		}[b]) // zero is Temporary
	}
}
