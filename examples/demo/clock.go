package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// clock is the time of a story: it stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func (c *clock) advance(d time.Duration) { c.set(c.now().Add(d)) }

// leap is the time of the web demo: that of the machine, and what was skipped.
type leap struct{ skipped atomic.Int64 }

func (l *leap) now() time.Time { return time.Now().Add(time.Duration(l.skipped.Load())) }

// to skips everything until an instant that has not come yet.
func (l *leap) to(at time.Time) { l.skipped.Add(int64(max(0, at.Sub(l.now())))) }
