package simulation

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"sync"
)

// fault is what goes wrong at a point. Before and after are meant to the
// effect: after it, the caller gets an error for what has happened.
type fault int

const (
	none fault = iota
	failBefore
	failAfter
	crashBefore
	crashAfter
	stallBefore
	stallAfter
	freezeBefore
	freezeAfter
	faultKinds
)

func (f fault) String() string {
	return [...]string{"none", "fail before", "fail after", "crash before", "crash after", "stall before", "stall after", "freeze before", "freeze after"}[f]
}

var (
	errInjected = errors.New("injected")
	errCrashed  = errors.New("the process is gone")
)

// points are where something can go wrong: each method of the store, each way
// to a peer, and the host's own callbacks.
var points = []string{
	"Accept", "Withdraw", "Items", "Counts", "Mark", "Profiles", "SaveProfile",
	"Register", "Unregister", "Addresses", "Suppress", "Unsuppress", "Suppressed", "Suppressions",
	"Claim", "Renew", "Load", "Settle", "FanOut", "Sweep",
	"DuePlans", "OpenDigests", "DigestEntries", "Pauses", "SetPause", "Probe",
	"Deliveries", "Redeliver", "Stats", "Now", "Prune", "Erase", "Restore",
	"Deliver", "DeliverDigest", "Contacts", "Members",
}

// occurrence is a fault at a point.
type occurrence struct {
	point string
	fault fault
}

// faults decides what goes wrong: by the seed, the point, and how many times
// the point was passed before, so that one more call elsewhere changes nothing.
type faults struct {
	seed   uint64
	forced map[string]map[int]fault

	mu     sync.Mutex
	healed bool
	calls  map[string]int
	fired  map[occurrence]int
}

// newFaults plans the faults of one of several seeds. Those of a set share out
// all faults at all points between them, so that each fires at least once.
func newFaults(seed uint64, index, of int) *faults {
	f := &faults{seed: seed, forced: make(map[string]map[int]fault), calls: make(map[string]int), fired: make(map[occurrence]int)}
	i := 0
	for _, point := range points {
		f.forced[point] = make(map[int]fault)
		for kind := failBefore; kind < faultKinds; kind++ {
			if of > 0 && i%of == index {
				f.forced[point][len(f.forced[point])] = kind
			}
			i++
		}
	}
	return f
}

// next tells what goes wrong this time.
func (f *faults) next(point string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls[point]
	f.calls[point]++
	if f.healed {
		return none
	}
	kind, planned := f.forced[point][n]
	if !planned {
		kind = f.draw(point, n)
	}
	if kind != none {
		f.fired[occurrence{point, kind}]++
	}
	return kind
}

// draw lets much go wrong at first, so that what is seldom called meets its
// faults too, and on the way to peers.
func (f *faults) draw(point string, n int) fault {
	rng := chance(f.seed, point, uint64(n))
	rate := 1.0
	if n < 8 || point == "Deliver" || point == "DeliverDigest" {
		rate = 4
	}
	x := rng.Float64() / rate
	for _, step := range []struct {
		fault       fault
		probability float64
	}{
		{failBefore, 0.02}, {failAfter, 0.02}, {crashBefore, 0.002}, {crashAfter, 0.003}, {stallBefore, 0.005}, {stallAfter, 0.005},
		{freezeBefore, 0.001}, {freezeAfter, 0.001},
	} {
		if x < step.probability {
			return step.fault
		}
		x -= step.probability
	}
	return none
}

func (f *faults) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.healed = true
}

// chance is a source of numbers that only the seed, a name and a number decide.
func chance(seed uint64, name string, n uint64) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(seed, h.Sum64()+n*0x9e3779b97f4a7c15))
}

func (f *faults) isHealed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.healed
}
