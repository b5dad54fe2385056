package notifytest

import (
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/bellwether-go/notify"
)

// step is how time moves outside a bubble while work waits: what falls due within
// one is done at its end.
const step = time.Minute

// clock stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// start sets the clock.
func (c *Center) start(at time.Time) {
	c.t.Helper()
	if inBubble() {
		if wait := time.Until(at); wait > 0 {
			time.Sleep(wait)
		} else if !at.IsZero() && wait < 0 {
			c.t.Fatalf("notifytest: Options.Start: the bubble is at %v already", time.Now().UTC())
		}
		return
	}
	if at.IsZero() {
		at = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	c.clock = &clock{now: at}
	for _, r := range c.recorders() {
		r.Now = c.clock.Now
	}
}

// inBubble tells whether time is virtual. Outside a bubble Wait panics.
func inBubble() (yes bool) {
	defer func() { yes = recover() == nil }()
	synctest.Wait()
	return true
}

// Now is the instant by the clock of the center, in UTC.
func (c *Center) Now() time.Time {
	if c.clock == nil {
		return time.Now().UTC()
	}
	return c.clock.Now().UTC()
}

// Settle does everything that is due now, and what follows from it. A channel
// that takes its time holds up nobody in a bubble.
func (c *Center) Settle() {
	c.t.Helper()
	if c.clock == nil {
		c.Wake()
		synctest.Wait()
		return
	}
	if err := c.Drain(c.context()); err != nil {
		c.t.Fatalf("notifytest: Drain: %v", err)
	}
}

// Advance moves on by d, and does everything that falls due meanwhile: in a
// bubble within a PollInterval, and elsewhere at the end of its minute.
func (c *Center) Advance(d time.Duration) {
	c.t.Helper()
	c.AdvanceTo(c.Now().Add(d))
}

// AdvanceTo is Advance to an instant that has not passed.
func (c *Center) AdvanceTo(t time.Time) {
	c.t.Helper()
	c.Settle()
	if t.Before(c.Now()) {
		c.t.Fatalf("notifytest: %v has passed: it is %v", t, c.Now())
	}
	if c.clock == nil {
		time.Sleep(time.Until(t))
		c.Settle()
		return
	}
	for c.clock.Now().Before(t) {
		next := c.next()
		if next.IsZero() || next.After(t) {
			next = t
		}
		c.clock.set(next)
		c.Settle()
	}
}

// next is when there may be something to do: in a step if any work waits, and
// else at the next cut. Zero is never.
func (c *Center) next() time.Time {
	c.t.Helper()
	stats, err := c.Store.Stats(c.context())
	if err != nil {
		c.t.Fatalf("notifytest: Stats: %v", err)
	}
	now := c.clock.Now()
	waits := slices.ContainsFunc(stats.Queues, func(q notify.QueueStats) bool { return q.Pending+q.Leased > 0 })
	if waits || !stats.NextCut.IsZero() && !stats.NextCut.After(now) {
		return now.Add(step)
	}
	return stats.NextCut
}

// AdvanceToClock is Advance to the next time that a clock in the recipient's
// zone shows "18:00", or what at says, and returns that instant. It is the
// first moment after a gap in which that time does not exist.
func (c *Center) AdvanceToClock(r notify.Recipient, at string) time.Time {
	c.t.Helper()
	if _, err := time.Parse("15:04", at); err != nil {
		c.t.Fatalf("notifytest: %q is no time of day, such as 18:00", at)
	}
	zone, err := time.LoadLocation(c.settings(r).TimeZone)
	if err != nil {
		c.t.Fatalf("notifytest: the zone of %s: %v", r.ID, err)
	}
	next := notify.DailyAt(at).Next(c.Now(), time.Time{}, "", zone)
	c.AdvanceTo(next)
	return next.In(zone)
}

// AdvanceToDigest is Advance to the next digest of the recipient on a channel,
// and returns its instant in the recipient's zone.
func (c *Center) AdvanceToDigest(r notify.Recipient, channel string) time.Time {
	c.t.Helper()
	c.Settle()
	settings := c.settings(r)
	for _, ch := range settings.Channels {
		if ch.Name != channel || ch.NextDigest.IsZero() {
			continue
		}
		c.AdvanceTo(ch.NextDigest)
		if zone, err := time.LoadLocation(settings.TimeZone); err == nil {
			return ch.NextDigest.In(zone)
		}
		return ch.NextDigest
	}
	c.t.Fatalf("notifytest: %s gets no digest on %s\n%s", r.ID, channel, c.story(r))
	return time.Time{}
}

func (c *Center) settings(r notify.Recipient) notify.Settings {
	c.t.Helper()
	settings, err := c.Settings(c.context(), r)
	if err != nil {
		c.t.Fatalf("notifytest: Settings: %v", err)
	}
	return settings
}
