package notify

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	digestGrace    = 12 * time.Hour // how late a missed cut is still made up for
	digestLookBack = 72 * time.Hour // what waits longer than that past its own cut is dropped
)

// nextCut asks a Schedule, which may be the host's own, and holds it to its
// contract. The cut is in UTC and whole microseconds, as stores keep it.
func nextCut(s Schedule, after, lastCut time.Time, at string, loc *time.Location) (time.Time, error) {
	cut := s.Next(after, lastCut, at, loc).UTC().Truncate(time.Microsecond)
	switch {
	case cut.IsZero():
		return time.Time{}, fmt.Errorf("notify: schedule: no cut after %s", instant(after))
	case !cut.After(after):
		return time.Time{}, fmt.Errorf("notify: schedule: cut %s is not after %s", instant(cut), instant(after))
	case cut.Year() > 9999:
		return time.Time{}, fmt.Errorf("notify: schedule: cut after %s is beyond the year 9999", instant(after))
	case !mayFollow(lastCut, cut, loc):
		return time.Time{}, fmt.Errorf("notify: schedule: cut %s is too close to the last one, %s", instant(cut), instant(lastCut))
	}
	return cut, nil
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// closeWindow decides what to do with a plan that is due, by the time and the
// zone that hold now. The planned cut only woke us: the cut is derived anew
// from the rule, so that a zone that was changed meanwhile counts.
//
// The window closes at the latest cut between the oldest pending entry (or the
// last cut) and now. If there was none, or only ones more than digestGrace ago,
// the plan moves on to the next cut and the entries stay pending. All of a
// downtime thus makes one letter. Entries are put off like this once: if the cut
// that was promised instead was missed as well, the latest one is made up for
// however late it is, or a machine that is always off after a cut would never
// send anything.
//
// The Opening lacks its Task only, and is to be applied in any case: with an
// error, which is a Schedule's fault and is to be reported, it puts the plan
// off, so that one recipient's trouble does not stand in the way of others.
func closeWindow(p Plan, now time.Time, s Schedule, at string, loc *time.Location) (Opening, error) {
	o, err := opening(p, now, s, at, loc)
	if err != nil {
		return Opening{Plan: p, NextCut: now.Add(minCutDistance)}, err
	}
	return o, nil
}

func opening(p Plan, now time.Time, s Schedule, at string, loc *time.Location) (Opening, error) {
	base := later(p.LastCut, p.First)
	// Next is strict, and a cut digestGrace ago is not too late.
	recent := later(base, now.Add(-digestGrace-time.Microsecond))
	cut, err := nextCut(s, recent, p.LastCut, at, loc)
	if err != nil {
		return Opening{}, err
	}
	own, err := nextCut(s, base, p.LastCut, at, loc)
	if err != nil {
		return Opening{}, err
	}
	if cut.After(now) {
		promised, err := putOffBefore(p, own, s, at, loc)
		if err != nil || !promised || own.After(now) {
			return Opening{Plan: p, NextCut: cut}, err
		}
		if cut, err = lateCut(base, p.LastCut, now, s, at, loc); err != nil {
			return Opening{}, err
		}
	}
	// One cut per local date, an hour apart: this ends after a step or two.
	next, err := nextCut(s, cut, cut, at, loc)
	for err == nil && !next.After(now) {
		cut = next
		next, err = nextCut(s, cut, cut, at, loc)
	}
	if err != nil {
		return Opening{}, err
	}

	oldest := cut.Add(-digestLookBack)
	start := oldest
	if own.Equal(cut) && base.Before(oldest) {
		// No cut was missed: a schedule with long windows looks back as far
		// as its windows are long, and past that for what was filed before and
		// committed when the last one had been closed.
		start, oldest = base, base.Add(-digestLookBack)
	}
	from, err := windowStart(p, start, s, at, loc)
	if err != nil {
		return Opening{}, err
	}
	return Opening{Plan: p, Cut: cut, From: from, Oldest: oldest, NextCut: next}, nil
}

// putOffBefore tells whether the plan is for a later cut than the own one of its
// oldest entry.
func putOffBefore(p Plan, own time.Time, s Schedule, at string, loc *time.Location) (bool, error) {
	second, err := nextCut(s, own, own, at, loc)
	return !second.After(p.NextCut), err
}

// lateCut returns a cut not long before the latest one up to now, of which there
// is one after base.
func lateCut(base, lastCut, now time.Time, s Schedule, at string, loc *time.Location) (time.Time, error) {
	for back := 2 * digestGrace; ; back *= 2 {
		cut, err := nextCut(s, later(base, now.Add(-back)), lastCut, at, loc)
		if err != nil || !cut.After(now) {
			return cut, err
		}
	}
}

// windowStart labels a window. It starts with the last cut; when nothing was
// pending for some time since then, with the cut at which a window would have
// closed that was not longer ago than the oldest entry; never before earliest.
func windowStart(p Plan, earliest time.Time, s Schedule, at string, loc *time.Location) (time.Time, error) {
	start, lastCut := later(p.LastCut, earliest), p.LastCut
	for {
		cut, err := nextCut(s, start, lastCut, at, loc)
		if err != nil || cut.After(p.First) {
			return start, err
		}
		start, lastCut = cut, cut
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// digestZone returns the zone of a recipient's digests: the chosen one, else
// that of the directory, else the fallback (nil is UTC). It passes over a zone
// that cannot be loaded, and bad tells that there was one.
func digestZone(prefs Preferences, contact Contact, fallback *time.Location) (loc *time.Location, bad bool) {
	for _, name := range []string{prefs.TimeZone, contact.TimeZone} {
		if name == "" {
			continue
		}
		loc, err := loadZone(name)
		if err == nil {
			return loc, bad
		}
		bad = true
	}
	if fallback == nil {
		fallback = time.UTC
	}
	return fallback, bad
}

// loadZone returns the IANA zone of that name. It refuses what is no place's
// time: "Local", fixed offsets other than UTC, and the copies of the database
// that count otherwise. Loading reads files, so zones are kept.
func loadZone(name string) (*time.Location, error) {
	if !isZoneName(name) {
		return nil, invalid("TimeZone", "%.64q is no IANA time zone", name)
	}
	if loc := zones.get(name); loc != nil {
		return loc, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, invalid("TimeZone", "%.64q is no IANA time zone", name)
	}
	zones.put(name, loc)
	return loc, nil
}

func isZoneName(name string) bool {
	switch name {
	case "", "Local", "localtime", "posixrules", "Factory", "EST", "MST", "HST":
		return false
	}
	for _, prefix := range []string{"posix/", "right/", "Etc/GMT+", "Etc/GMT-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	foreign := func(r rune) bool {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z'
		return !letter && (r < '0' || '9' < r) && !strings.ContainsRune("/_+-", r)
	}
	return len(name) <= 64 && name[0] >= 'A' && !strings.ContainsFunc(name, foreign)
}

// zones is a cache of what the zone database says, the same for everybody.
var zones zoneCache

// zoneCache keeps at most as many zones as the database could have.
type zoneCache struct {
	mu     sync.RWMutex
	byName map[string]*time.Location
}

const maxZones = 1024

func (c *zoneCache) get(name string) *time.Location {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byName[name]
}

func (c *zoneCache) put(name string, loc *time.Location) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byName == nil || len(c.byName) >= maxZones {
		c.byName = make(map[string]*time.Location)
	}
	c.byName[name] = loc
}
