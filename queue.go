package notify

import (
	"context"
	"slices"
	"time"
)

// work is a task that this process holds.
type work struct {
	task Task
	// What prepare found out; valid for a short time.
	facts    Facts
	contact  Contact
	targets  []target
	problem  error     // why one of these is not known
	now      time.Time // of the store, when the facts were read
	prepared time.Time // by the clock of this process
	owners   []owner
	from     []owner // see senders

	charged bool // the attempt was charged before it began

	// Guarded by the session's mutex.
	renewed   time.Time // when the lease was last taken or renewed, at the latest
	running   bool
	calling   bool      // of the running: the channel is being called,
	deadline  time.Time // and should return by then
	cancel    context.CancelCauseFunc
	accepted  []string // by the addresses that were tried so far
	lost      bool     // the lease is another's
	abandoned bool     // the channel did not return; what it says later does not count
	slotLost  bool     // and no other worker took its place: too many are stuck
}

func (w *work) lease() Lease { return Lease{ID: w.task.ID, Epoch: w.task.Epoch} }

// pendingStatus is that of a task that is given back.
func (w *work) pendingStatus() Status {
	if w.task.Unknown {
		return StatusUnknown
	}
	return StatusPending
}

// queue holds what is to be done by one channel in this process, and shares its
// slots out fairly. The session's mutex guards it.
type queue struct {
	s       *session
	channel string
	slots   int
	raw     []*work // not looked at yet, or too long ago
	ready   []*work // in order of lane, then of arrival
	active  int     // workers
	bulk    int     // of them, on LaneBulk
	load    map[owner]int
	route   string  // the destination that was seen, or several
	coming  int     // places kept for tasks that are being stored
	hungry  bool    // the last claim may have left work in the store
	looked  []*work // by the worker that is preparing; empty: there is none
}

// owner is somebody among whom slots are shared. Kinds are nested: a destination
// holds tenants, a tenant holds providers. Each leaves slots for the next of its
// own kind, so an inner one holds fewer.
type owner struct{ kind, name string }

const (
	ownerDestination = "destination"
	ownerTenant      = "tenant"
	ownerProvider    = "provider"
)

const queuePerSlot = 4 // tasks held per slot, so that slots need not wait for a claim

func newQueue(s *session, channel string, slots int) *queue {
	return &queue{s: s, channel: channel, slots: slots, load: make(map[owner]int)}
}

// room is how many more tasks the queue takes.
func (q *queue) room() int {
	return max(0, q.slots*queuePerSlot-len(q.raw)-len(q.looked)-len(q.ready)-q.coming)
}

// reserve keeps a place for a task that is about to be stored.
func (q *queue) reserve() bool {
	if q.room() == 0 {
		return false
	}
	q.coming++
	return true
}

func (q *queue) unreserve() { q.coming = max(0, q.coming-1) }

// claimable is how many tasks a claim may ask for. A Run leaves some room for
// what is stored meanwhile, which then need not be claimed.
func (q *queue) claimable() int {
	if !q.s.running {
		return q.room()
	}
	return max(0, q.room()-q.slots*queuePerSlot/8)
}

// remove takes out work whose lease is lost.
func (q *queue) remove(w *work) {
	same := func(x *work) bool { return x == w }
	q.raw = slices.DeleteFunc(q.raw, same)
	q.ready = slices.DeleteFunc(q.ready, same)
}

// urgentRoom tells whether a full queue may take urgent tasks.
func (q *queue) urgentRoom() bool {
	urgent := 0
	for _, w := range q.raw {
		if w.task.Lane == LaneUrgent {
			urgent++
		}
	}
	for _, w := range q.ready {
		if w.task.Lane == LaneUrgent {
			urgent++
		}
	}
	return urgent < urgentRoom
}

// empty takes everything out that has not begun.
func (q *queue) empty() []*work {
	all := slices.Concat(q.raw, q.ready)
	q.raw, q.ready = nil, nil
	return all
}

// queue is the name of the queue that the task belongs into.
func (t Task) queue() string {
	if t.Kind == KindFanOut || t.Kind == KindSweep {
		return fanOutQueue
	}
	return t.Channel
}

// add takes on tasks whose leases this process holds, each into the place that
// was kept for it.
func (s *session) add(works []*work) {
	s.mu.Lock()
	var unwanted []*work
	for _, w := range works {
		q := s.queues[w.task.queue()]
		if q != nil {
			q.unreserve()
		}
		if q == nil || !s.accepting {
			unwanted = append(unwanted, w)
			continue
		}
		s.replace(s.held[w.task.ID])
		s.held[w.task.ID] = w
		q.raw = append(q.raw, w)
	}
	for _, q := range s.queues {
		q.staff()
	}
	s.mu.Unlock()
	if len(unwanted) > 0 {
		s.n.returnLeases(s.ctx, unwanted)
	}
}

// replace gives up work that this process has claimed anew, since its lease had
// expired; the mutex is held. A call that is under way ends.
func (s *session) replace(old *work) {
	if old == nil {
		return
	}
	old.lost = true
	if old.cancel != nil {
		old.cancel(ErrLeaseLost)
	}
	if old.running {
		s.replaced = append(s.replaced, old)
		return
	}
	for _, q := range s.queues {
		q.remove(old)
	}
}

// drop forgets a task whose outcome is stored, or whose lease is lost.
func (s *session) drop(w *work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[w.task.ID] == w {
		delete(s.held, w.task.ID)
	}
	s.replaced = slices.DeleteFunc(s.replaced, func(old *work) bool { return old == w })
	if len(s.held) == 0 && s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
}

// staff starts a worker if there is a slot and something that one can do now.
// Each worker staffs the queue again when it has taken something, so one is
// enough; work that has to wait for its owner's share starts none.
func (q *queue) staff() {
	if q.active >= q.slots || q.pick() == nil && (len(q.raw) == 0 || len(q.looked) > 0) {
		return
	}
	q.active++
	q.s.workers++
	go q.s.worker(q)
}

// next is what a worker does next: something that is ready, or else looking at
// what is raw. Nil and no raw work end the worker.
func (q *queue) next() (ready *work, raw []*work) {
	q.expire()
	if w := q.pick(); w != nil {
		q.take(w)
		q.staff()
		return w, nil
	}
	if len(q.raw) == 0 || len(q.looked) > 0 {
		return nil, nil
	}
	count := min(len(q.raw), prepareBatch)
	raw = slices.Clone(q.raw[:count])
	q.raw = slices.Delete(q.raw, 0, count)
	q.looked = raw
	return nil, raw
}

const (
	prepareBatch = 64
	// freshFor is how long what was read about a delivery is believed: longer
	// and the item may have been read meanwhile.
	freshFor = time.Second
)

// expire sends back for another look what waited too long for a slot.
func (q *queue) expire() {
	now := time.Now()
	stale := func(w *work) bool { return now.Sub(w.prepared) > freshFor }
	if !slices.ContainsFunc(q.ready, stale) {
		return
	}
	fresh := q.ready[:0]
	for _, w := range q.ready {
		if stale(w) {
			q.raw = append(q.raw, w)
			continue
		}
		fresh = append(fresh, w)
	}
	clear(q.ready[len(fresh):])
	q.ready = fresh
}

// enter puts work that was looked at in line behind its own lane.
func (q *queue) enter(w *work) {
	q.setOwners(w)
	i := len(q.ready)
	for i > 0 && q.ready[i-1].task.Lane > w.task.Lane {
		i--
	}
	q.ready = slices.Insert(q.ready, i, w)
}

// pick chooses the work whose owners hold the fewest slots, urgent lanes first.
//
// While others wait nobody holds more than a quarter of the slots, and alone
// not the last ones: whoever comes next finds a slot at once. Bulk leaves a
// quarter, for what is urgent.
func (q *queue) pick() *work {
	share := max(1, q.slots/4)
	var waiting map[string]string // once it is needed, which is seldom
	var best *work
	bestLoad := 0
	for _, w := range q.ready {
		if best != nil && w.task.Lane > best.task.Lane {
			break
		}
		if w.task.Recovered && q.s.recovering {
			continue
		}
		if w.task.Lane == LaneBulk && q.bulk >= max(1, q.slots-share) {
			continue
		}
		load, busy, fits := q.fits(w, share)
		if fits && busy {
			if waiting == nil {
				waiting = q.waiting()
			}
			fits = q.alone(w, share, waiting)
		}
		if fits && (best == nil || load < bestLoad) {
			best, bestLoad = w, load
		}
	}
	return best
}

// fits tells how many slots the busiest owner of the work holds, whether that is
// a share, and whether it may have one more if nobody else waits.
func (q *queue) fits(w *work, share int) (load int, busy, fits bool) {
	spare := max(1, q.slots/8)
	level, kind := -1, ""
	for _, o := range w.owners {
		if o.kind == ownerDestination && q.route != several {
			continue // there is no choice
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

// alone tells whether nobody else waits beside the owners of the work that hold
// their share.
func (q *queue) alone(w *work, share int, waiting map[string]string) bool {
	return !slices.ContainsFunc(w.owners, func(o owner) bool {
		return (o.kind != ownerDestination || q.route == several) && q.load[o] >= share && waiting[o.kind] != o.name
	})
}

// several stands for more than one owner. No name contains it.
const several = "\x00several"

// waiting tells, per kind, which owner's work waits for a slot, or that there
// are several. Work that was not looked at yet waits, too.
func (q *queue) waiting() map[string]string {
	waiting := make(map[string]string, 3)
	note := func(o owner) {
		if name, known := waiting[o.kind]; !known {
			waiting[o.kind] = o.name
		} else if name != o.name {
			waiting[o.kind] = several
		}
	}
	for _, w := range q.ready {
		for _, o := range w.owners {
			note(o)
		}
	}
	for _, later := range [][]*work{q.raw, q.looked} {
		for _, w := range later {
			owners := w.owners // as they were found before
			if owners == nil {
				owners = w.senders()
				if q.route == several {
					waiting[ownerDestination] = several // who knows
				}
			}
			for _, o := range owners {
				note(o)
			}
		}
	}
	return waiting
}

// setOwners notes those whose share a work takes: its destinations and its
// senders.
func (q *queue) setOwners(w *work) {
	owners := make([]owner, 0, 3)
	for _, t := range w.targets {
		if q.route == "" {
			q.route = t.destination
		} else if t.destination != q.route {
			q.route = several
		}
		o := owner{ownerDestination, t.destination}
		if t.destination != "" && !slices.Contains(owners, o) {
			owners = append(owners, o)
		}
	}
	w.owners = append(owners, w.senders()...)
}

// senders are the tenant of a work, if there are such, and its provider.
func (w *work) senders() []owner {
	if w.from != nil {
		return w.from
	}
	tenant, provider := w.task.Recipient.Tenant, w.task.Provider
	if w.task.Kind == KindDigest {
		provider = "\x00digests"
	}
	of := owner{ownerProvider, tenant + "\x00" + provider}
	if w.from = []owner{of}; tenant != "" {
		w.from = []owner{{ownerTenant, tenant}, of}
	}
	return w.from
}

// evict takes out of a full queue what cannot use the slots that are free, so
// that there is room for others from the store.
func (q *queue) evict() []*work {
	free := q.slots - q.active
	if free <= 0 || q.room() > 0 || len(q.looked) > 0 || len(q.raw) > 0 || q.pick() != nil {
		return nil
	}
	from := len(q.ready) - min(free, len(q.ready))
	evicted := slices.Clone(q.ready[from:])
	q.ready = slices.Delete(q.ready, from, len(q.ready))
	return evicted
}

func (q *queue) take(w *work) {
	q.ready = slices.DeleteFunc(q.ready, func(x *work) bool { return x == w })
	w.running = true
	for _, o := range w.owners {
		q.load[o]++
	}
	if w.task.Lane == LaneBulk {
		q.bulk++
	}
	if w.task.Recovered {
		q.s.recovering = true
	}
}

// release gives a slot back.
func (q *queue) release(w *work) {
	w.running = false
	for _, o := range w.owners {
		if q.load[o]--; q.load[o] <= 0 {
			delete(q.load, o)
		}
	}
	if w.task.Lane == LaneBulk {
		q.bulk--
	}
	if w.task.Recovered {
		q.s.recovering = false
		for _, other := range q.s.queues {
			other.staff()
		}
	}
	if q.hungry && len(q.raw)+len(q.looked)+len(q.ready) < q.slots*queuePerSlot/2 {
		q.hungry = false
		q.s.n.Wake()
	}
}
