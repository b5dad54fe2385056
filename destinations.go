package notify

import (
	"sync"
	"time"
)

// destinations remembers which destinations keep failing. Such a one is left
// alone but for a probe now and then; a single channel or the whole center is
// never stopped by it. It is this process's own view.
type destinations struct {
	mu   sync.Mutex
	n    *Notifier
	down map[destination]*trouble
}

type destination struct{ channel, name string }

type trouble struct {
	failures int
	since    time.Time
	probe    time.Time // when the next one is allowed
}

const (
	failuresToDown = 5
	probeInterval  = 5 * time.Second
	maxTroubles    = 10_000
)

func (d *destinations) init(n *Notifier) { d.n, d.down = n, make(map[destination]*trouble) }

// allow tells whether the destination may be tried now, and if not, for how
// long a delivery should step back.
func (d *destinations) allow(to destination) (wait time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.down[to]
	if t == nil || t.failures < failuresToDown {
		return 0, true
	}
	now := time.Now()
	if now.Before(t.probe) {
		// The longer it lasts, the further what waits for it steps back.
		return max(t.probe.Sub(now), min(now.Sub(t.since)/4, 2*time.Minute)), false
	}
	t.probe = now.Add(probeInterval)
	return 0, true
}

// report notes an answer of the destination and tells whether it went down or
// came back with it.
func (d *destinations) report(to destination, worked bool) (changed bool) {
	if to.name == "" {
		return false // a channel that is no Router: no breaker per channel
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.down[to]
	if worked {
		delete(d.down, to)
		return t != nil && t.failures >= failuresToDown
	}
	if t == nil {
		if len(d.down) >= maxTroubles {
			return false
		}
		t = &trouble{since: time.Now()}
		d.down[to] = t
	}
	t.failures++
	if t.failures >= failuresToDown {
		t.probe = time.Now().Add(probeInterval)
	}
	return t.failures == failuresToDown
}

// list returns the destinations that are down, for Health.
func (d *destinations) list() []DestinationHealth {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []DestinationHealth
	for to, t := range d.down {
		if t.failures >= failuresToDown {
			all = append(all, DestinationHealth{Channel: to.channel, Destination: to.name, Since: t.since, Failures: t.failures})
		}
	}
	return all
}
