// Package simulation proves the engine by running it in a world that goes
// wrong. It holds tests only.
//
// A world is a memory store, two processes at work on it, channels with peers,
// and people who send, read, choose, withdraw and erase, all at once and in
// virtual time. A seed decides what goes wrong: every method of the store and
// every call of a channel can fail before its effect or after it, take its
// process down with it, or stall; processes crash, freeze beyond their leases
// and are replaced; the clock of the store jumps. Then everything heals, and
// within bounded virtual time all work has to come to rest.
//
// What really happened is written down below the faults, where an effect and
// the answer that its caller got can be told apart. The verdict compares that
// ledger with the rules of docs/semantics.md.
//
// A seed decides the plan: which call of which method meets which fault, and
// what people do when. How goroutines of the same virtual instant interleave
// is the scheduler's, so that a run is close to, but not always exactly, the
// same again; a failure prints its seed, and the trace of what it is about.
package simulation
