// Package channeltest proves that a [notify.Channel] keeps its contract, and
// has a [Recorder] for tests of what uses channels.
//
// Whoever writes a channel runs the kit against a peer of its own making, from
// a test with [Run] or from anywhere else, also inside a testing/synctest
// bubble, with [Check]. What a channel offers is found out, never declared:
// [notify.DigestChannel], [notify.AddressChecker], [notify.Addressless],
// [notify.Badger] and [notify.Router] by type assertion.
package channeltest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/bellwether-go/notify"
)

// Harness is a channel that was never used, the peer that it sends to, and what
// the checks need to know of the two. Its functions are called from one
// goroutine at a time.
type Harness struct {
	Channel notify.Channel

	// Addresses are what the peer takes messages for. One is required, unless
	// the channel is [notify.Addressless]; with two it is also checked that
	// they are kept apart.
	Addresses []notify.Address

	// Behave makes the peer treat every message like that from now on, also on
	// connections that are open. It begins with [Accept]. An error that wraps
	// [errors.ErrUnsupported] says that this peer never does that; only
	// Temporary, Permanent and Hang are required of all. Nil says that there is
	// no peer that could refuse, as with a file.
	Behave func(Behavior) error

	// Received returns the messages that the peer has taken in whole, oldest
	// first: those that it accepted, and those of [Hang], [Drop] and [Ramble].
	Received func() []Message

	// Secrets are texts that must not be in errors, nor in the channel when it
	// is printed: passwords, keys, tokens.
	Secrets []string

	// Close releases what the harness holds, after the check. Nil is nothing.
	Close func()
}

// Message is what arrived at the peer.
type Message struct {
	// To is the Value of the address that it came for; "" if that cannot be told.
	To string

	// Identity is what lets the peer drop a duplicate: a Message-ID, a topic, a
	// webhook id. "" says that the protocol has no place for one.
	Identity string

	// Text is all that a reader gets to see, decoded: subject, body, links.
	Text string

	// Bytes are the message as the channel promises to repeat it. Nil says that
	// each attempt has bytes of its own, as with encryption.
	Bytes []byte
}

// Failure is a check that a channel did not pass.
type Failure struct {
	Check string // its name: "classes/a dead address is gone"
	Err   error
}

// Error implements error.
func (f *Failure) Error() string { return f.Check + ": " + f.Err.Error() }

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }

// Run runs every check as a subtest, each with a harness of its own from open,
// which may use t.Cleanup instead of [Harness].Close. Checks of what the
// channel or its peer does not offer are skipped and say so. One of them counts
// goroutines, so nothing else should run at the same time.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(t.Context(), func() (Harness, error) { return open(t), nil })
			if errors.Is(err, errNotOffered) {
				t.Skip(err)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Check runs every check with a harness of its own from open, and returns the
// failures joined: each of them is a [Failure]. Checks of what the channel or
// its peer does not offer are left out.
func Check(ctx context.Context, open func() (Harness, error)) error {
	var failures []error
	for _, c := range checks() {
		err := c.run(ctx, open)
		if err != nil && !errors.Is(err, errNotOffered) {
			failures = append(failures, &Failure{Check: c.name, Err: err})
		}
	}
	return errors.Join(failures...)
}

// errNotOffered ends a check of what the channel or its peer lacks.
var errNotOffered = errors.New("not offered")

// check is one rule that a channel has to keep.
type check struct {
	name string // topic, slash, rule
	rule func(s *scene)
}

// checks lists all checks, by topic.
func checks() []check {
	var all []check
	for _, topic := range [][]check{
		nameChecks, deliverChecks, givenChecks, hostileChecks, identityChecks, classChecks,
		contextChecks, errorChecks, digestChecks, upgradeChecks, concurrencyChecks,
	} {
		all = append(all, topic...)
	}
	return all
}

// run runs the check with a harness from open. A panic of the channel is an
// error.
func (c check) run(ctx context.Context, open func() (Harness, error)) (err error) {
	h, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if h.Close != nil {
		defer h.Close()
	}
	if h.Channel == nil || h.Received == nil {
		return errors.New("open: a Harness needs a Channel and Received")
	}
	s := &scene{Harness: h, ctx: ctx}
	defer s.caught(&err)
	if !s.addressless() && len(h.Addresses) == 0 {
		return errors.New("open: a Harness needs an address, unless the channel is Addressless")
	}
	c.rule(s)
	return nil
}
