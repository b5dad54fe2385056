package notify

import "slices"

// owner is somebody among whom slots are shared. Kinds are nested: a destination
// holds tenants, a tenant holds providers. Each leaves slots for the next of its
// own kind, so an inner one holds fewer.
type owner struct{ kind, tenant, name string }

const (
	ownerDestination = "destination"
	ownerTenant      = "tenant"
	ownerProvider    = "provider"
)

// shares counts what the owners have of a queue.
type shares struct {
	load     map[owner]int  // slots they hold
	waiting  map[owner]int  // works they have waiting
	kinds    map[string]int // how many of a kind have any
	unrouted int            // works that wait and whose destination is not known
	route    string         // the destination that was seen, or several
}

// several stands for more than one destination. No name contains it.
const several = "\x00several"

func newShares() shares {
	return shares{load: make(map[owner]int), waiting: make(map[owner]int), kinds: make(map[string]int)}
}

// wait counts a work among those that wait, or no more.
func (s *shares) wait(w *work, waits bool) {
	if w.waits == waits {
		return
	}
	w.waits = waits
	by := 1
	if !waits {
		by = -1
	}
	for _, o := range w.owners {
		before := s.waiting[o]
		if before+by == 0 {
			delete(s.waiting, o)
			s.kinds[o.kind]--
			continue
		}
		s.waiting[o] = before + by
		if before == 0 {
			s.kinds[o.kind]++
		}
	}
	if !w.routed {
		s.unrouted += by
	}
}

// occupy counts the slot of a work.
func (s *shares) occupy(w *work, by int) {
	for _, o := range w.owners {
		if s.load[o] += by; s.load[o] <= 0 {
			delete(s.load, o)
		}
	}
}

// pick chooses the line whose owners hold the fewest slots, urgent lanes first.
//
// While others wait nobody holds more than a quarter of the slots, and alone
// not the last ones: whoever comes next finds a slot at once. Bulk leaves a
// quarter, for what is urgent.
func (q *queue) pick() *line {
	share := max(1, q.slots/4)
	for lane, lines := range q.ready.lanes {
		if Lane(lane) == LaneBulk && q.bulk >= max(1, q.slots-share) {
			continue
		}
		var best *line
		bestLoad := 0
		for _, l := range lines {
			if l.key.recovered && q.s.recovering {
				continue
			}
			load, busy, fits := q.fits(l, share)
			if !fits || busy && q.othersWait(l, share) || best != nil && load >= bestLoad {
				continue
			}
			if best, bestLoad = l, load; load == 0 {
				break
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// fits tells how many slots the busiest owner of the line holds, whether that is
// a share, and whether it may have one more if nobody else waits.
func (q *queue) fits(l *line, share int) (load int, busy, fits bool) {
	spare := max(1, q.slots/8)
	level, kind := -1, ""
	for _, o := range l.owners {
		if q.noChoice(o) {
			continue
		}
		if o.kind != kind {
			level, kind = level+1, o.kind
		}
		held := q.load[o]
		load = max(load, held)
		busy = busy || held >= share
		if held >= max(1, q.slots-spare*(level+1)) {
			return load, busy, false
		}
	}
	return load, busy, true
}

// noChoice tells whether the owner is the one destination that there is.
func (s *shares) noChoice(o owner) bool { return o.kind == ownerDestination && s.route != several }

// othersWait tells whether somebody else waits beside the owners of the line
// that hold their share.
func (q *queue) othersWait(l *line, share int) bool {
	return slices.ContainsFunc(l.owners, func(o owner) bool {
		if q.noChoice(o) || q.load[o] < share {
			return false
		}
		others := q.kinds[o.kind]
		if q.waiting[o] > 0 {
			others--
		}
		return others > 0 || o.kind == ownerDestination && q.unrouted > 0
	})
}

// setOwners notes those whose share a work takes: its destinations and its
// senders.
func (q *queue) setOwners(w *work) {
	w.routed = true
	w.owners = w.senders()
	for _, t := range w.targets {
		if q.route == "" {
			q.route = t.destination
		} else if t.destination != q.route {
			q.route = several
		}
		o := owner{kind: ownerDestination, name: t.destination}
		if t.destination != "" && !slices.Contains(w.owners, o) {
			w.owners = slices.Insert(w.owners, 0, o)
		}
	}
}

// senders are the tenant of a work, if there are such, and its provider.
func (w *work) senders() []owner {
	tenant, provider := w.task.Recipient.Tenant, w.task.Provider
	if w.task.Kind == KindDigest {
		provider = "\x00digests"
	}
	of := owner{ownerProvider, tenant, provider}
	if tenant == "" {
		return []owner{of}
	}
	return []owner{{ownerTenant, tenant, ""}, of}
}
