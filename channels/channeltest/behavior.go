package channeltest

import (
	"errors"
	"slices"
	"time"
)

// Behavior is how a peer treats messages. What it says while it refuses is its
// own affair; a peer that repeats the address and the credentials in its
// answers proves the most.
type Behavior string

// What a peer can do. See [Harness].Behave.
const (
	Accept        Behavior = ""              // takes every message
	Temporary     Behavior = "temporary"     // refuses for now
	RetryAfter    Behavior = "retry after"   // refuses for now, and asks to be left alone for [Wait]
	Permanent     Behavior = "permanent"     // refuses this message for good
	Gone          Behavior = "gone"          // says that the address is dead
	Misconfigured Behavior = "misconfigured" // refuses the channel's own account
	Silent        Behavior = "silent"        // lets the channel in and never says a word
	Reset         Behavior = "reset"         // ends each connection at once
	Hang          Behavior = "hang"          // takes the message whole and never answers, until the channel goes
	Drop          Behavior = "drop"          // takes the message whole and ends the connection without an answer
	Garbage       Behavior = "garbage"       // answers something that is no answer
	Flood         Behavior = "flood"         // refuses for now, in words that never end, until the channel goes
	Ramble        Behavior = "ramble"        // takes the message and says so, in words that never end
)

// Wait is how long a peer asks to be left alone with [RetryAfter].
const Wait = 90 * time.Second

// refusals are the behaviors that no message comes through.
var refusals = []Behavior{
	Temporary, RetryAfter, Permanent, Gone, Misconfigured, Silent, Reset, Hang, Drop, Garbage, Flood,
}

// required are what every peer can do.
var required = []Behavior{Temporary, Permanent, Hang}

// can makes the peer behave like b, and reports whether it does that at all.
func (s *scene) can(b Behavior) bool {
	if s.Behave == nil {
		return b == Accept
	}
	err := s.Behave(b)
	if errors.Is(err, errors.ErrUnsupported) {
		s.that(!slices.Contains(required, b) && b != Accept, "the peer of a Harness has to do %q", string(b))
		return false
	}
	s.ok(err, "Behave "+string(b))
	return true
}

// behave makes the peer behave like b, or ends the check as not offered.
func (s *scene) behave(b Behavior) {
	if !s.can(b) {
		s.fail("a peer that does %q: %w", string(b), errNotOffered)
	}
}
