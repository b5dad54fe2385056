package notify

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Health is how the center is doing. OK is what a health check should answer
// by; the rest says why.
type Health struct {
	OK       bool
	Problems []string // in words, without any address

	Running      bool // Run is at work in this process
	Stats        Stats
	Paused       []Pause             // misconfigured accounts
	Destinations []DestinationHealth // that fail or recover, as this process sees it
	Unserved     []QueueStats        // due work for channels, providers or audiences that this process does not have
	Stuck        int                 // calls that a channel never returned from, in this process
	LastError    string              // of the store, when it last failed Run; "" if it works
}

// DestinationHealth is a destination that is not used as others are. Times are
// by the clock of this process.
type DestinationHealth struct {
	Channel     string
	Destination string
	State       DestinationState
	Since       time.Time // it has been failing
	Failures    int       // in a row
	NextProbe   time.Time // no call before it; zero while it recovers
	Calls       int       // so many at a time are made
	LastError   string
}

// lateAfter is how long due work may wait before Health is red.
const lateAfter = 5 * time.Minute

// Health looks at the store and at this process.
func (n *Notifier) Health(ctx context.Context) (Health, error) {
	stats, err := n.store.Stats(ctx)
	if err != nil {
		return Health{}, fmt.Errorf("notify: health: %w", err)
	}
	pauses, err := n.store.Pauses(ctx)
	if err != nil {
		return Health{}, fmt.Errorf("notify: health: %w", err)
	}
	h := Health{Stats: stats, Paused: pauses, Stuck: n.health.stuckNow(), LastError: n.health.lastError()}
	if s := n.active.Load(); s != nil {
		h.Running = s.running
		h.Destinations = s.destinations.list()
	}
	for _, q := range stats.Queues {
		if q.Due > 0 && !n.serves(q) {
			h.Unserved = append(h.Unserved, q)
		}
	}
	h.Problems = h.problems()
	h.OK = len(h.Problems) == 0
	return h, nil
}

// serves tells whether this process can work on a queue.
func (n *Notifier) serves(q QueueStats) bool {
	switch q.Kind {
	case KindSweep:
		return true
	case KindFanOut:
		return n.accepts(q.Provider) && (q.Channel == "" || n.audiences[q.Channel] != nil)
	}
	return n.channels[q.Channel] != nil
}

// accepts tells whether this process expands fan-outs of a provider.
func (n *Notifier) accepts(provider string) bool {
	static, ok := n.providers.(Providers)
	if !ok {
		return true // a dynamic catalog is asked when it comes to it
	}
	_, known := findProvider(static, provider)
	return known
}

func (h *Health) problems() []string {
	var all []string
	for _, p := range h.Paused {
		all = append(all, fmt.Sprintf("channel %s is misconfigured and paused", p.Channel))
	}
	for _, q := range h.Stats.Queues {
		if q.Due > 0 && h.Stats.Now.Sub(q.OldestDue) > lateAfter {
			all = append(all, fmt.Sprintf("%s %s: %d due, the oldest for %s", q.Kind, q.Channel, q.Due, h.Stats.Now.Sub(q.OldestDue).Round(time.Second)))
		}
	}
	for _, d := range h.Destinations {
		if d.State == DestinationDown {
			all = append(all, fmt.Sprintf("channel %s: a destination keeps failing", d.Channel))
		}
	}
	if h.Stuck > 0 {
		all = append(all, fmt.Sprintf("%d calls of channels never returned", h.Stuck))
	}
	if h.LastError != "" {
		all = append(all, "the store fails")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// healthBook is what a process remembers about itself.
type healthBook struct {
	mu         sync.Mutex
	stuckCalls int
	lastErr    string
}

func (b *healthBook) claimed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastErr = ""
	if err != nil {
		b.lastErr = storable(err.Error())
	}
}

func (b *healthBook) lastError() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lastErr
}

func (b *healthBook) stuck() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stuckCalls++
	return b.stuckCalls
}

func (b *healthBook) unstuck() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stuckCalls--
}

func (b *healthBook) stuckNow() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stuckCalls
}
