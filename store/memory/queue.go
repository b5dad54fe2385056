package memory

import (
	"slices"

	"github.com/bellwether-go/notify"
)

// buckets is how many fairness buckets there are.
const buckets = 256

// queueKey says who can work on a task: a claim names channels, or audiences
// and providers.
type queueKey struct {
	kind     notify.Kind
	channel  string
	provider string // of a fan-out
}

// queue holds the tasks that only the same processes can work on.
type queue struct {
	key   queueKey
	tasks int     // leased ones too
	lanes []*lane // ascending; one that is empty stays
}

// lane holds the tasks of a queue that are not leased.
type lane struct {
	rank    notify.Lane
	buckets [buckets]*bucket // nil: empty
}

// bucket holds tasks by the instant they are due. Those whose lease has
// expired are kept apart, as a claim may want only so many of them.
type bucket struct {
	waiting ordered[*task]
	expired ordered[*task]
}

func (s *Store) queueOf(t *task) *queue {
	key := queueKey{kind: t.Kind, channel: t.Channel}
	if t.Kind == notify.KindFanOut {
		key.provider = t.Provider
	}
	q := s.queues[key]
	if q == nil {
		q = &queue{key: key}
		s.queues[key] = q
	}
	return q
}

func (q *queue) lane(rank notify.Lane) *lane {
	i, found := slices.BinarySearchFunc(q.lanes, rank, func(l *lane, rank notify.Lane) int { return int(l.rank - rank) })
	if !found {
		q.lanes = slices.Insert(q.lanes, i, &lane{rank: rank})
	}
	return q.lanes[i]
}

// place puts a task where its lease says: among the leased or into its bucket.
func (s *Store) place(t *task) {
	if !t.lease.IsZero() && !t.expired {
		s.leased.insert(t)
		return
	}
	b := &s.queueOf(t).lane(t.Lane).buckets[uint8(t.Bucket)]
	if *b == nil {
		*b = &bucket{
			waiting: ordered[*task]{compare: compareDue},
			expired: ordered[*task]{compare: compareDue},
		}
	}
	if t.expired {
		(*b).expired.insert(t)
	} else {
		(*b).waiting.insert(t)
	}
}

// displace takes a task out of where place has put it.
func (s *Store) displace(t *task) {
	if !t.lease.IsZero() && !t.expired {
		s.leased.remove(t)
		return
	}
	b := &s.queueOf(t).lane(t.Lane).buckets[uint8(t.Bucket)]
	if t.expired {
		(*b).expired.remove(t)
	} else {
		(*b).waiting.remove(t)
	}
	if (*b).waiting.length+(*b).expired.length == 0 {
		*b = nil
	}
}

// move changes a task in ways that decide where it is kept.
func (s *Store) move(t *task, change func()) {
	s.displace(t)
	change()
	s.place(t)
}
