package channeltest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

// scene is the stage of one check: the channel and its peer, and short forms of
// the calls that end the check when they fail.
type scene struct {
	Harness
	ctx    context.Context
	serial atomic.Int64
}

const (
	// patience is how long a call to a friendly peer may take. It is far more
	// than any needs, so that a busy machine fails nobody.
	patience = time.Minute

	// grace is how long a call may go on after its context has ended.
	grace = 20 * time.Second

	// moment is how long a call gets that is meant to be cut.
	moment = 50 * time.Millisecond
)

// failed is the panic by which a scene ends its check; it never leaves the
// package, and never crosses a goroutine.
type failed struct{ err error }

// fail ends the check. As with a test's FailNow, nothing after it runs.
func (s *scene) fail(format string, args ...any) {
	panic(failed{fmt.Errorf(format, args...)})
}

// caught turns what ended a check into its error.
func (s *scene) caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case failed:
		*err = p.err
	default:
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// ok fails unless err is nil.
func (s *scene) ok(err error, call string) {
	if err != nil {
		s.fail("%s: %w", call, err)
	}
}

// that fails unless what is said holds.
func (s *scene) that(holds bool, format string, args ...any) {
	if !holds {
		s.fail(format, args...)
	}
}

// brief is a text that fits on a screen, in quotes.
func brief(text string) string {
	if len(text) > 300 {
		return fmt.Sprintf("%q...", text[:300])
	}
	return fmt.Sprintf("%q", text)
}

// id makes a UUID of version 7. Later ones are greater.
func (s *scene) id() notify.ID {
	n := s.serial.Add(1)
	ms := int64(1_750_000_000_000) + n
	return notify.ID(fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", ms>>16, ms&0xffff, n&0xfff, n>>12&0xfff, n))
}

// addressless tells whether the channel finds its own way.
func (s *scene) addressless() bool {
	a, ok := s.Channel.(notify.Addressless)
	return ok && a.Addressless()
}

// address is the i-th that the peer knows; zero if the channel needs none.
func (s *scene) address(i int) notify.Address {
	if s.addressless() {
		return notify.Address{}
	}
	a := s.Addresses[i%len(s.Addresses)]
	a.Meta = cloned(a.Meta)
	return a
}

// upgrade finds an optional interface of the channel, or ends the check as not
// offered.
func upgrade[T any](s *scene, name string) T {
	found, ok := s.Channel.(T)
	if !ok {
		s.fail("%s: %w", name, errNotOffered)
	}
	return found
}

// returned is what a call returned in time.
type returned struct{ err, panicked error }

// call runs do with ctx and fails if it panics or outlives ctx by more than the
// grace.
func (s *scene) call(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan returned, 1)
	go func() {
		var r returned
		defer func() { done <- r }()
		defer s.caught(&r.panicked)
		r.err = do(ctx)
	}()
	var r returned
	select {
	case r = <-done:
	case <-ctx.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case r = <-done:
		case <-late.C:
			s.fail("the call goes on although its context has ended")
		}
	}
	s.ok(r.panicked, "the call")
	return r.err
}

// deliver calls Deliver with ctx.
func (s *scene) deliver(ctx context.Context, d notify.Delivery) error {
	return s.call(ctx, func(ctx context.Context) error { return s.Channel.Deliver(ctx, d) })
}

// sent delivers d to a friendly peer and returns what arrived, which is one
// message.
func (s *scene) sent(d notify.Delivery) Message {
	return s.arrives(func() error { return s.deliver(s.ctx, d) })
}

// arrives returns the one message that comes of a call.
func (s *scene) arrives(do func() error) Message {
	before := len(s.Received())
	s.ok(do(), "a peer that accepts")
	news := s.Received()[before:]
	s.that(len(news) == 1, "when the call returned, %d messages had come of it, want 1", len(news))
	return news[0]
}

// classOf is what the engine takes err for.
func classOf(err error) notify.Class {
	if failure, ok := errors.AsType[*notify.DeliveryError](err); ok {
		return failure.Class
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return notify.Unknown
	}
	return notify.Temporary
}

// named is a class for people.
func named(c notify.Class) string {
	if c == notify.Temporary {
		return "temporary"
	}
	return string(c)
}
