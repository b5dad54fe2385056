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
	now      time.Time // of the store, when the facts were read
	prepared time.Time // by the clock of this process

	charged bool // the attempt was charged before it began

	// Guarded by the session's mutex.
	running   bool
	calling   bool      // of the running: the channel is being called,
	deadline  time.Time // and should return by then
	cancel    context.CancelCauseFunc
	lost      bool // the lease is another's
	abandoned bool // the channel did not return; what it says later does not count
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
	load    map[fairKey]int
	coming  int  // places kept for tasks that are being stored
	hungry  bool // the last claim may have left work in the store
	looking bool // a worker is preparing
}

// fairKey is somebody among whom slots are shared.
type fairKey struct{ kind, name string }

const queuePerSlot = 4 // tasks held per slot, so that slots need not wait for a claim

func newQueue(s *session, channel string, slots int) *queue {
	return &queue{s: s, channel: channel, slots: slots, load: make(map[fairKey]int)}
}

// room is how many more tasks the queue takes.
func (q *queue) room() int {
	return max(0, q.slots*queuePerSlot-len(q.raw)-len(q.ready)-q.coming)
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

// add takes on tasks whose leases this process holds.
func (s *session) add(works []*work) {
	s.mu.Lock()
	var unwanted []*work
	for _, w := range works {
		name := w.task.Channel
		if w.task.Kind == KindFanOut || w.task.Kind == KindSweep {
			name = fanOutQueue
		}
		q := s.queues[name]
		if q == nil || !s.accepting {
			unwanted = append(unwanted, w)
			continue
		}
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

// drop forgets a task whose outcome is stored, or whose lease is lost.
func (s *session) drop(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, id)
	if len(s.held) == 0 && s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
}

// staff starts as many workers as there is work for.
func (q *queue) staff() {
	for range min(q.slots-q.active, len(q.raw)+len(q.ready)) {
		q.active++
		q.s.workers++
		go q.s.worker(q)
	}
}

// next is what a worker does next: something that is ready, or else looking at
// what is raw. Nil and no raw work end the worker.
func (q *queue) next() (ready *work, raw []*work) {
	q.expire()
	if w := q.pick(); w != nil {
		q.take(w)
		return w, nil
	}
	if len(q.raw) == 0 || q.looking {
		return nil, nil
	}
	count := min(len(q.raw), prepareBatch)
	raw = slices.Clone(q.raw[:count])
	q.raw = slices.Delete(q.raw, 0, count)
	q.looking = true
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
	i := len(q.ready)
	for i > 0 && q.ready[i-1].task.Lane > w.task.Lane {
		i--
	}
	q.ready = slices.Insert(q.ready, i, w)
}

// pick chooses the work whose owners hold the fewest slots, urgent lanes first.
//
// While others wait nobody holds more than a quarter of the slots, and alone
// not the last quarter: whoever comes next finds a slot at once. Bulk leaves a
// quarter too, for what is urgent.
func (q *queue) pick() *work {
	share := max(1, q.slots/4)
	alone := max(1, q.slots-share)
	var best *work
	bestLoad := 0
	for _, w := range q.ready {
		if best != nil && w.task.Lane > best.task.Lane {
			break
		}
		if w.task.Recovered && q.s.recovering {
			continue
		}
		if w.task.Lane == LaneBulk && q.slots > 1 && q.bulk >= alone {
			continue
		}
		load, fits := q.fits(w, share, alone)
		if fits && (best == nil || load < bestLoad) {
			best, bestLoad = w, load
		}
	}
	return best
}

// fits tells how many slots the busiest owner of the work holds, and whether
// it may have one more.
func (q *queue) fits(w *work, share, alone int) (load int, fits bool) {
	for _, key := range w.owners() {
		held := q.load[key]
		load = max(load, held)
		if held >= alone && q.slots > 1 || held >= share && q.othersWait(key) {
			return load, false
		}
	}
	return load, true
}

// othersWait tells whether work of another owner of the same kind is waiting.
func (q *queue) othersWait(key fairKey) bool {
	return slices.ContainsFunc(q.ready, func(w *work) bool {
		return slices.ContainsFunc(w.owners(), func(k fairKey) bool { return k.kind == key.kind && k != key })
	})
}

// owners are those whose share a work takes: its tenant, its provider and the
// destinations it goes to.
func (w *work) owners() []fairKey {
	if w.task.Kind == KindDigest {
		return append(w.destinationKeys(), fairKey{"tenant", w.task.Recipient.Tenant})
	}
	return append(w.destinationKeys(),
		fairKey{"tenant", w.task.Recipient.Tenant},
		fairKey{"provider", w.task.Recipient.Tenant + "\x00" + w.task.Provider})
}

func (w *work) destinationKeys() []fairKey {
	keys := make([]fairKey, 0, len(w.targets)+2)
	for _, t := range w.targets {
		if key := (fairKey{"destination", t.destination}); t.destination != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (q *queue) take(w *work) {
	q.ready = slices.DeleteFunc(q.ready, func(x *work) bool { return x == w })
	w.running = true
	for _, key := range w.owners() {
		q.load[key]++
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
	for _, key := range w.owners() {
		if q.load[key]--; q.load[key] <= 0 {
			delete(q.load, key)
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
	if q.hungry && len(q.raw)+len(q.ready) < q.slots*queuePerSlot/2 {
		q.hungry = false
		q.s.n.Wake()
	}
}
