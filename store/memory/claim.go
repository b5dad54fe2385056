package memory

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// source is a lane of a queue that a claim may take from, as long as the
// budget that it shares with others lasts.
type source struct {
	lane   *lane
	budget *int
	kept   int // the part of the budget that is kept for other lanes
}

// Claim implements [notify.Outbox].
func (s *Store) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	s.expireLeases(now)
	sources := s.sources(c)
	var claimed []notify.Task
	for len(sources) > 0 {
		urgent := sources[0].lane.rank
		for _, src := range sources {
			urgent = min(urgent, src.lane.rank)
		}
		var turn []source
		sources = slices.DeleteFunc(sources, func(src source) bool {
			if src.lane.rank == urgent {
				turn = append(turn, src)
				return true
			}
			return false
		})
		for _, t := range rotate(turn, int(uint8(c.Bucket)), &c.Recovered, now, s.take(c.Lease, now)) {
			claimed = append(claimed, t.export())
		}
	}
	return claimed, nil
}

// expireLeases moves tasks whose lease has ended to where a claim finds them.
func (s *Store) expireLeases(now time.Time) {
	for {
		t, ok := s.leased.first()
		if !ok || t.lease.After(now) {
			return
		}
		s.move(t, func() { t.expired = true })
	}
}

// sources returns what a claim may take from.
func (s *Store) sources(c notify.Claim) []source {
	var sources []source
	add := func(q *queue, budget *int, urgent int) {
		if q == nil {
			return
		}
		for _, l := range q.lanes {
			src := source{l, budget, urgent}
			if l.rank == notify.LaneUrgent {
				src.kept = 0
			}
			sources = append(sources, src)
		}
	}
	for channel, budget := range c.Channels {
		budget += c.Urgent
		add(s.queues[queueKey{kind: notify.KindDelivery, channel: channel}], &budget, c.Urgent)
		add(s.queues[queueKey{kind: notify.KindDigest, channel: channel}], &budget, c.Urgent)
	}
	for key, q := range s.queues {
		switch key.kind {
		case notify.KindFanOut:
			if c.Providers != nil && !slices.Contains(c.Providers, key.provider) ||
				key.channel != "" && !slices.Contains(c.Audiences, key.channel) {
				continue
			}
			add(q, &c.FanOuts, 0)
		case notify.KindSweep:
			add(q, &c.FanOuts, 0)
		}
	}
	return sources
}

// rotate takes one task at a time from each bucket by turns, beginning with
// the given one, until the budgets or the free tasks are used up.
func rotate(sources []source, start int, recovered *int, now time.Time, take func(*task)) []*task {
	var turn []int
	for i := range buckets {
		b := (start + i) % buckets
		if slices.ContainsFunc(sources, func(src source) bool { return src.lane.buckets[b] != nil }) {
			turn = append(turn, b)
		}
	}
	var taken []*task
	for len(turn) > 0 {
		turn = slices.DeleteFunc(turn, func(b int) bool {
			t, budget := earliest(sources, b, *recovered > 0, now)
			if t == nil {
				return true
			}
			*budget--
			if t.expired {
				*recovered--
			}
			take(t)
			taken = append(taken, t)
			return false
		})
	}
	return taken
}

// earliest returns the free task of a bucket that is due first, and the budget
// that it is to be charged to.
func earliest(sources []source, b int, recovering bool, now time.Time) (found *task, budget *int) {
	consider := func(tasks *ordered[*task], of source) {
		t, ok := tasks.first()
		if ok && (t.expired || !t.Due.After(now)) && (found == nil || compareDue(t, found) < 0) {
			found, budget = t, of.budget
		}
	}
	for _, src := range sources {
		held := src.lane.buckets[b]
		if held == nil || *src.budget <= src.kept {
			continue
		}
		consider(&held.waiting, src)
		if recovering {
			consider(&held.expired, src)
		}
	}
	return found, budget
}

// take returns what leases a free task.
func (s *Store) take(lease time.Duration, now time.Time) func(*task) {
	until := stamp(now.Add(lease))
	return func(t *task) {
		s.move(t, func() {
			t.Recovered = t.expired
			t.Unknown = t.Unknown || t.expired
			t.Epoch++
			t.lease, t.expired = until, false
		})
	}
}

// Renew implements [notify.Outbox]. A lease that has expired can be renewed as
// long as nobody else has claimed the task.
func (s *Store) Renew(ctx context.Context, held []notify.Lease, lease time.Duration) ([]notify.ID, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	until := stamp(now.Add(lease))
	var lost []notify.ID
	for _, h := range held {
		t := s.held(h)
		if t == nil {
			lost = append(lost, h.ID)
			continue
		}
		s.move(t, func() { t.lease, t.expired = until, false })
		if h.Charge {
			t.Attempts++
		}
	}
	return lost, nil
}

// held returns the task of a lease, or nil if the lease was lost or given
// back.
func (s *Store) held(l notify.Lease) *task {
	t := s.outbox[l.ID]
	if t == nil || t.Epoch != l.Epoch || t.lease.IsZero() {
		return nil
	}
	return t
}
