package notify

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// destinations remembers which destinations fail. One that keeps failing, or
// that asked for it, is left alone but for a probe now and then, and is taken up
// again slowly; a single channel or the whole center is never stopped by it. It
// is this process's own view.
type destinations struct {
	mu       sync.Mutex
	patience time.Duration // a call that takes longer is taken for lost
	troubled map[destination]*trouble
}

type destination struct{ channel, name string }

// DestinationState says how a destination that fails is treated.
type DestinationState string

// The states. Every other destination is simply used.
const (
	DestinationDown       DestinationState = "down"       // it keeps failing: one call at a time probes it, at most every 5 s
	DestinationWaiting    DestinationState = "waiting"    // it asked to be left alone until NextProbe
	DestinationRecovering DestinationState = "recovering" // it works again: few calls at a time, more with each success
)

// trouble is what is known about a destination that failed lately. Without a
// state it has not failed often enough to be treated otherwise.
type trouble struct {
	state    DestinationState
	failures int // in a row
	failure  string
	since    time.Time // the first of them
	latest   time.Time
	probe    time.Time              // no call before it
	limit    int                    // of calls at a time, while it recovers
	calls    map[*attempt]time.Time // under way, by when they began
}

const (
	failuresToDown = 5
	probeInterval  = 5 * time.Second
	longestHold    = 24 * time.Hour // that a destination can ask for
	firstCalls     = 2              // at a time, after a successful probe
	enoughCalls    = 16             // at a time: it has recovered
	maxTroubles    = 10_000
)

func (d *destinations) init(n *Notifier) {
	d.patience, d.troubled = n.attemptTimeout+abandonGrace, make(map[destination]*trouble)
}

// allow tells whether the destination may be called now, and if not, for how
// long a delivery should step back. Who is allowed has to report or leave.
func (d *destinations) allow(to destination, a *attempt) (wait time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, now := d.troubled[to], time.Now()
	if t == nil || t.state == "" {
		return 0, true
	}
	for other, begun := range t.calls {
		if now.Sub(begun) > d.patience {
			delete(t.calls, other)
		}
	}
	switch {
	case t.state == DestinationRecovering:
		if len(t.calls) >= t.limit {
			return minWait, false
		}
	case now.Before(t.probe):
		// The longer it lasts, the further what waits for it steps back.
		return max(t.probe.Sub(now), min(now.Sub(t.since)/4, 2*time.Minute)), false
	case len(t.calls) > 0:
		return probeInterval, false
	default:
		t.probe = now.Add(probeInterval)
	}
	if t.calls == nil {
		t.calls = make(map[*attempt]time.Time)
	}
	t.calls[a] = now
	return 0, true
}

// leave is for an attempt that learnt nothing about the destination.
func (d *destinations) leave(to destination, a *attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.troubled[to]; t != nil {
		delete(t.calls, a)
	}
}

// worked notes that the destination answered, and tells whether it came back
// with that.
func (d *destinations) worked(to destination, a *attempt) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.troubled[to]
	if t == nil {
		return false
	}
	_, allowed := t.calls[a]
	delete(t.calls, a)
	switch {
	case t.state == "":
		delete(d.troubled, to)
	case !allowed:
		// It began before the trouble and says nothing about now.
	case t.state == DestinationRecovering:
		if t.limit++; t.limit > enoughCalls {
			delete(d.troubled, to)
		}
	default:
		t.state, t.failures, t.limit = DestinationRecovering, 0, firstCalls
		return true
	}
	return false
}

// failed notes a failure, and tells whether the destination went down with it.
// With a hold it asked to be left alone for so long.
func (d *destinations) failed(to destination, a *attempt, failure string, hold time.Duration) (changed bool) {
	if to.name == "" {
		return false // a channel that is no Router: no breaker per channel
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, now := d.troubled[to], time.Now()
	if t == nil {
		if len(d.troubled) >= maxTroubles && !d.makeRoom() {
			return false
		}
		t = &trouble{since: now}
		d.troubled[to] = t
	}
	_, probed := t.calls[a]
	delete(t.calls, a)
	before := t.state
	t.failures, t.failure, t.latest = t.failures+1, failure, now
	switch {
	case hold > 0:
		t.state = DestinationWaiting
		if until := now.Add(min(hold, longestHold)); until.After(t.probe) {
			t.probe = until
		}
	case before == DestinationRecovering || before == "" && t.failures >= failuresToDown:
		t.state, t.probe = DestinationDown, now.Add(probeInterval)
	case before == DestinationWaiting && probed:
		t.state = DestinationDown // the wait is over and it does not work
	}
	return t.state != before
}

// makeRoom forgets a destination that has not failed often.
func (d *destinations) makeRoom() bool {
	var oldest *trouble
	var of destination
	for to, t := range d.troubled {
		if t.state == "" && (oldest == nil || t.latest.Before(oldest.latest)) {
			oldest, of = t, to
		}
	}
	delete(d.troubled, of)
	return oldest != nil
}

// list returns the destinations in trouble, for Health.
func (d *destinations) list() []DestinationHealth {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []DestinationHealth
	for to, t := range d.troubled {
		h := DestinationHealth{
			Channel: to.channel, Destination: to.name, State: t.state,
			Since: t.since, Failures: t.failures, LastError: t.failure,
		}
		switch t.state {
		case "":
			continue
		case DestinationRecovering:
			h.Calls = t.limit
		default:
			h.NextProbe, h.Calls = t.probe, 1
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b DestinationHealth) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Destination, b.Destination))
	})
	return all
}
