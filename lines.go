package notify

import (
	"slices"
	"strings"
)

// lines are the works that are ready: in each lane a line for those that share
// their owners, in order of arrival. Lines take turns, so that what is the same
// for a thousand works is asked once.
type lines struct {
	lanes [LaneBulk + 1][]*line
	known map[lineKey]*line
	size  int
}

// line is what waits for the same owners.
type line struct {
	key    lineKey
	owners []owner
	works  []*work // never empty
}

type lineKey struct {
	lane                           Lane
	recovered                      bool
	tenant, provider, destinations string
}

func keyOf(w *work) lineKey {
	key := lineKey{lane: min(max(w.task.Lane, LaneUrgent), LaneBulk), recovered: w.task.Recovered}
	for _, o := range w.owners {
		switch o.kind {
		case ownerProvider:
			key.tenant, key.provider = o.tenant, o.name
		case ownerDestination:
			key.destinations = strings.TrimPrefix(key.destinations+"\x00"+o.name, "\x00")
		}
	}
	return key
}

func (l *lines) add(w *work) {
	key := keyOf(w)
	to := l.known[key]
	if to == nil {
		if l.known == nil {
			l.known = make(map[lineKey]*line)
		}
		to = &line{key: key, owners: w.owners}
		l.known[key] = to
		l.lanes[key.lane] = append(l.lanes[key.lane], to)
	}
	to.works = append(to.works, w)
	l.size++
}

// take takes the first of a line, which is last in turn then.
func (l *lines) take(of *line) *work {
	w := of.works[0]
	of.works[0] = nil
	of.works = of.works[1:]
	l.size--
	lane := &l.lanes[of.key.lane]
	i := slices.Index(*lane, of)
	*lane = slices.Delete(*lane, i, i+1)
	if len(of.works) == 0 {
		delete(l.known, of.key)
	} else {
		*lane = append(*lane, of)
	}
	return w
}

// sift takes out what fits, in order.
func (l *lines) sift(fits func(*work) bool) []*work {
	var out []*work
	for lane := range l.lanes {
		l.lanes[lane] = slices.DeleteFunc(l.lanes[lane], func(of *line) bool {
			of.works = slices.DeleteFunc(of.works, func(w *work) bool {
				if !fits(w) {
					return false
				}
				out = append(out, w)
				return true
			})
			if len(of.works) == 0 {
				delete(l.known, of.key)
			}
			return len(of.works) == 0
		})
	}
	l.size -= len(out)
	return out
}

func (l *lines) remove(w *work) bool {
	return len(l.sift(func(x *work) bool { return x == w })) > 0
}

func (l *lines) empty() []*work { return l.sift(func(*work) bool { return true }) }

// last takes out up to count of those that came last.
func (l *lines) last(count int) []*work {
	var all []*work
	for _, lane := range l.lanes {
		for _, of := range lane {
			all = append(all, of.works...)
		}
	}
	slices.SortFunc(all, byArrival)
	out := all[max(0, len(all)-count):]
	return l.sift(func(w *work) bool { return slices.Contains(out, w) })
}

func (l *lines) inLane(lane Lane) int {
	n := 0
	for _, of := range l.lanes[lane] {
		n += len(of.works)
	}
	return n
}
