package channeltest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

// Recorder is a channel that keeps what it is given and answers as it is told.
// It is a [notify.DigestChannel] and a [notify.Badger], takes any address, and
// needs no network, so that it also works in a testing/synctest bubble. The
// zero value accepts everything; its methods may be called from several
// goroutines. The fields must not change once it is in use.
//
// Where a channel without digests is wanted, hide them:
//
//	struct{ notify.Channel }{recorder}
type Recorder struct {
	As        string // its name; "" is "recorder"
	NoAddress bool   // makes it [notify.Addressless]

	// Now is the clock of [Call].At; nil is [time.Now].
	Now func() time.Time

	mu      sync.Mutex
	next    []Reply
	always  Reply
	calls   []*Call
	changed chan struct{} // closed when a call begins or ends
}

// Call is one attempt that a [Recorder] saw.
type Call struct {
	notify.Delivery
	Digest   *notify.Digest // nil for a notification
	At       time.Time      // when the call began
	Finished bool           // false while it hangs
	Err      error          // what the recorder answered
}

// Accepted tells whether the call ended well.
func (c Call) Accepted() bool { return c.Finished && c.Err == nil }

// Titles are what the call shows: the title of the notification, or those of a
// digest, newest first.
func (c Call) Titles() []string {
	if c.Digest == nil {
		return []string{c.Item.Notification.Title}
	}
	titles := make([]string, len(c.Digest.Items))
	for i, item := range c.Digest.Items {
		titles[i] = item.Notification.Title
	}
	return titles
}

// Reply is what a [Recorder] does with a call, and what it answers. A nil Reply
// accepts.
type Reply func(ctx context.Context, c Call) error

// Fail refuses with err. An error that is no [notify.DeliveryError] is temporary.
func Fail(err error) Reply {
	return func(context.Context, Call) error { return err }
}

// Refuse refuses with a [notify.DeliveryError] of that class.
func Refuse(class notify.Class) Reply {
	return Fail(&notify.DeliveryError{Class: class, Err: errors.New("refused by the test's script")})
}

// Stall never answers: the call ends with its context.
func Stall() Reply {
	return func(ctx context.Context, _ Call) error {
		<-ctx.Done()
		return ctx.Err()
	}
}

// Delay waits before it does the same as then.
func Delay(d time.Duration, then Reply) Reply {
	return func(ctx context.Context, c Call) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		if then == nil {
			return nil
		}
		return then(ctx, c)
	}
}

// errPanicked is what a call ended with whose reply did not return.
var errPanicked = errors.New("the reply panicked")

var (
	_ notify.DigestChannel = (*Recorder)(nil)
	_ notify.Addressless   = (*Recorder)(nil)
	_ notify.Badger        = (*Recorder)(nil)
)

// Name implements [notify.Channel].
func (r *Recorder) Name() string { return cmp.Or(r.As, "recorder") }

// Addressless implements [notify.Addressless].
func (r *Recorder) Addressless() bool { return r.NoAddress }

// WantsUnread implements [notify.Badger]: a recorder always does.
func (r *Recorder) WantsUnread() bool { return true }

// Deliver implements [notify.Channel].
func (r *Recorder) Deliver(ctx context.Context, d notify.Delivery) error {
	return r.answer(ctx, Call{Delivery: d})
}

// DeliverDigest implements [notify.DigestChannel].
func (r *Recorder) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	return r.answer(ctx, Call{Delivery: d, Digest: &digest})
}

// Next answers the coming calls with one reply each, in the order in which they
// come. What was there already comes first.
func (r *Recorder) Next(replies ...Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = append(r.next, replies...)
}

// Always answers every call for which Next has nothing. Nil accepts.
func (r *Recorder) Always(reply Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.always = reply
}

// Calls returns all attempts in the order in which they began.
func (r *Recorder) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := make([]Call, len(r.calls))
	for i, c := range r.calls {
		calls[i] = c.copied()
	}
	return calls
}

// Sent returns the calls that were accepted, in the order in which they began.
func (r *Recorder) Sent() []Call {
	return slices.DeleteFunc(r.Calls(), func(c Call) bool { return !c.Accepted() })
}

// Wait returns the accepted calls once there are at least n. If ctx ends first,
// it returns those that there are and the error of ctx.
func (r *Recorder) Wait(ctx context.Context, n int) ([]Call, error) {
	for {
		changed := r.change()
		if sent := r.Sent(); len(sent) >= n {
			return sent, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return r.Sent(), ctx.Err()
		}
	}
}

// Reset forgets the calls that have ended. Replies that were not used stay.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = slices.DeleteFunc(r.calls, func(c *Call) bool { return c.Finished })
}

// answer records a call and does what the script says.
func (r *Recorder) answer(ctx context.Context, c Call) (err error) {
	recorded := c.copied()
	recorded.At = r.now()
	r.mu.Lock()
	reply := r.always
	if len(r.next) > 0 {
		reply, r.next = r.next[0], r.next[1:]
	}
	r.calls = append(r.calls, &recorded)
	r.announce()
	seen := recorded.copied()
	r.mu.Unlock()

	err = errPanicked // until the reply returns
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		recorded.Finished, recorded.Err = true, err
		r.announce()
	}()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case reply == nil:
		err = nil
	default:
		err = reply(ctx, seen)
	}
	return err
}

func (r *Recorder) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// change returns a channel that is closed at the next change.
func (r *Recorder) change() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

// announce tells a change; the lock is held.
func (r *Recorder) announce() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// copied is c with slices of its own.
func (c Call) copied() Call {
	c.Delivery = copied(c.Delivery)
	if c.Digest != nil {
		digest := copiedDigest(*c.Digest)
		c.Digest = &digest
	}
	return c
}
