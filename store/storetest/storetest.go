// Package storetest proves that a [notify.Store] keeps its contract. Whoever
// writes a store runs it against a fresh store per check, from a test with
// [Run] or from anywhere else, also inside a testing/synctest bubble, with
// [Check].
//
// What a store offers is found out, never declared: optional roles such as
// [notify.Pruner] and [notify.Eraser] through the store and its Unwrap method,
// transactions and durability by the functions of the [Harness].
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bellwether-go/notify"
)

// Harness is a fresh, empty store and what the checks need to put it into
// situations. Its functions are called from one goroutine at a time.
type Harness struct {
	Store notify.Store

	// Advance moves the store's clock on by d, which is positive. It is
	// required; the clock may also run by itself. In a synctest bubble it is
	// time.Sleep.
	Advance func(d time.Duration)

	// Reopen ends the store as a process would and returns one that works on
	// the same data with the same clock. Nil says that the store is volatile.
	Reopen func() (notify.Store, error)

	// Begin begins a transaction of the host. Nil says that the store cannot
	// take part in one.
	Begin func(ctx context.Context) (Tx, error)

	// Close releases what the harness holds, after the check. Nil is nothing.
	Close func()
}

// Tx is a transaction of the host with the store bound to it.
type Tx struct {
	Acceptor notify.Acceptor
	Commit   func() error
	Rollback func() error
}

// Failure is a check that a store did not pass.
type Failure struct {
	Check string // its name: "accept/a replay returns the first receipt"
	Err   error
}

// Error implements error.
func (f *Failure) Error() string { return f.Check + ": " + f.Err.Error() }

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }

// Run runs every check as a subtest, each with a store of its own from open,
// which may use t.Cleanup instead of [Harness].Close. Checks of what the store
// does not offer are skipped and say so.
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

// Check runs every check with a store of its own from open, and returns the
// failures joined: each of them is a [Failure]. Checks of what the store does
// not offer are left out.
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

// errNotOffered ends a check of an optional role that the store lacks.
var errNotOffered = errors.New("not offered by this store")

// check is one rule that a store has to keep.
type check struct {
	name string // role, slash, rule
	rule func(s *scene)
}

// checks lists all checks, by role.
func checks() []check {
	var all []check
	for _, role := range [][]check{
		acceptChecks, collapseChecks, inboxChecks, pageChecks, glanceChecks, markChecks, preferenceChecks, addressChecks,
		suppressionChecks, claimChecks, leaseChecks, settleChecks, fanOutChecks,
		planChecks, digestChecks, digestEndChecks,
		withdrawChecks, pauseChecks, logChecks, pruneChecks, eraseChecks, ingestKeyChecks,
		identifierChecks, valueChecks, transactionChecks, contextChecks, concurrencyChecks,
	} {
		all = append(all, role...)
	}
	return all
}

// run runs the check with a store from open. A panic of the store is an error.
func (c check) run(ctx context.Context, open func() (Harness, error)) (err error) {
	h, err := open()
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if h.Close != nil {
		defer h.Close()
	}
	if h.Store == nil || h.Advance == nil {
		return errors.New("open: a Harness needs a Store and Advance")
	}
	s := &scene{Harness: h, ctx: ctx, open: open}
	defer s.caught(&err)
	c.rule(s)
	return nil
}
