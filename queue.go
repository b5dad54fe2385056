package notify

import (
	"slices"
	"time"
)

// queue holds what is to be done by one channel in this process, and shares its
// slots out fairly. The session's mutex guards it.
type queue struct {
	s       *session
	channel string
	slots   int
	limit   int     // of the tasks held; see grow
	came    int     // works that ever came
	raw     []*work // not looked at yet, or too long ago; by lane and arrival
	looked  []*work // by the worker that is preparing; empty: there is none
	ready   lines
	active  int  // workers
	bulk    int  // of them, on LaneBulk
	coming  int  // places kept for tasks that are being stored
	hungry  bool // the last claim may have left work in the store
	shares
}

const (
	// queuePerSlot is how many tasks are held per slot, so that slots need not
	// wait for a claim.
	queuePerSlot = 4
	// maxQueue is how many are held where that is not enough.
	maxQueue = 1024
	// minLook is how many works at least are looked at together.
	minLook = 64
)

func newQueue(s *session, channel string, slots int) *queue {
	return &queue{s: s, channel: channel, slots: slots, limit: slots * queuePerSlot, shares: newShares()}
}

// held is how many tasks wait in the queue.
func (q *queue) held() int { return len(q.raw) + len(q.looked) + q.ready.size }

// room is how many more tasks the queue takes.
func (q *queue) room() int { return max(0, q.limit-q.held()-q.coming) }

// grow has the queue hold twice as many if its workers had nothing to do while a
// claim brought all that it asked for: the channel is quick, and each claim, look
// and settlement is to move more at a time. When work waits for longer than what
// was read about it is believed, shrink takes that back. So what a process keeps
// from others is about what it does in a second.
func (q *queue) grow(asked, got int) {
	if asked > 0 && got >= asked && q.held() == 0 && q.active < q.slots {
		q.limit = max(q.limit, min(2*q.limit, maxQueue))
	}
}

func (q *queue) shrink() { q.limit = max(q.slots*queuePerSlot, q.limit/2) }

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
	return max(0, q.room()-q.limit/8)
}

// receive takes in work that was not looked at yet.
func (q *queue) receive(w *work) {
	q.came++
	w.arrived, w.owners = q.came, w.senders()
	q.wait(w, true)
	q.lookLater(w)
}

// lookLater has a work wait for a look.
func (q *queue) lookLater(w *work) {
	i := len(q.raw)
	if i > 0 && byArrival(q.raw[i-1], w) > 0 {
		i, _ = slices.BinarySearchFunc(q.raw, w, byArrival)
	}
	q.raw = slices.Insert(q.raw, i, w)
}

// remove takes out work whose lease is lost.
func (q *queue) remove(w *work) {
	if i := slices.Index(q.raw, w); i >= 0 {
		q.raw = slices.Delete(q.raw, i, i+1)
		q.wait(w, false)
	}
	if q.ready.remove(w) {
		q.wait(w, false)
	}
}

// urgentRoom tells whether a full queue may take urgent tasks.
func (q *queue) urgentRoom() bool {
	urgent := q.ready.inLane(LaneUrgent)
	for _, w := range q.raw {
		if w.task.Lane == LaneUrgent {
			urgent++
		}
	}
	return urgent < urgentRoom
}

// empty takes everything out that has not begun.
func (q *queue) empty() []*work {
	all := append(q.raw, q.ready.empty()...)
	q.raw = nil
	for _, w := range all {
		q.wait(w, false)
	}
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
		q.receive(w)
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
	l := q.pick()
	if l != nil && !q.s.fresh(l.works[0]) {
		q.expire()
		l = q.pick()
	}
	if l != nil {
		w := q.take(l)
		q.staff()
		return w, nil
	}
	if len(q.raw) == 0 || len(q.looked) > 0 {
		return nil, nil
	}
	count := min(len(q.raw), max(q.limit, minLook))
	raw = slices.Clone(q.raw[:count])
	q.raw = slices.Delete(q.raw, 0, count)
	q.looked = raw
	return nil, raw
}

// expire sends back for another look what waited too long for a slot, or has
// been changed meanwhile.
func (q *queue) expire() {
	late := false
	for _, w := range q.ready.sift(func(w *work) bool { return !q.s.fresh(w) }) {
		late = late || time.Since(w.prepared) > freshFor
		q.lookLater(w)
	}
	if late {
		q.shrink()
	}
}

// seen ends a look: what comes of it enters anew.
func (q *queue) seen() {
	for _, w := range q.looked {
		q.wait(w, false)
	}
	q.looked = nil
}

// enter puts work that was looked at in line.
func (q *queue) enter(w *work) {
	q.setOwners(w)
	q.wait(w, true)
	q.ready.add(w)
}

// evict takes out what is more than the queue is to hold, and out of a full
// queue what cannot use the slots that are free, so that there is room for others
// from the store.
func (q *queue) evict() []*work {
	evicted := q.surplus()
	if free := q.slots - q.active; free > 0 && q.room() == 0 && len(q.looked) == 0 && len(q.raw) == 0 && q.pick() == nil {
		evicted = append(evicted, q.ready.last(free)...)
	}
	for _, w := range evicted {
		q.wait(w, false)
	}
	return evicted
}

// surplus takes out what came last of what was not looked at yet, if that is too
// much. What is urgent may come on top.
func (q *queue) surplus() []*work {
	from := len(q.raw)
	for excess := q.held() - q.limit - urgentRoom; excess > 0 && from > 0 && q.raw[from-1].task.Lane != LaneUrgent; excess-- {
		from--
	}
	surplus := slices.Clone(q.raw[from:])
	q.raw = slices.Delete(q.raw, from, len(q.raw))
	return surplus
}

// take begins the first work of a line.
func (q *queue) take(l *line) *work {
	w := q.ready.take(l)
	q.wait(w, false)
	w.running = true
	q.occupy(w, 1)
	if w.task.Lane == LaneBulk {
		q.bulk++
	}
	if w.task.Recovered {
		q.s.recovering = true
	}
	return w
}

// release gives a slot back.
func (q *queue) release(w *work) {
	w.running = false
	q.occupy(w, -1)
	if w.task.Lane == LaneBulk {
		q.bulk--
	}
	if w.task.Recovered {
		q.s.recovering = false
		for _, other := range q.s.queues {
			other.staff()
		}
	}
	if q.hungry && q.held() < q.limit/2 {
		q.hungry = false
		q.s.n.Wake()
	}
}
