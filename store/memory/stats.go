package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// queueName is what the tasks of one queue in the statistics have in common.
type queueName struct {
	kind    notify.Kind
	channel string
}

// Stats implements [notify.DeliveryLog]. A task whose lease has expired counts
// as pending and due: no process holds it.
func (s *Store) Stats(ctx context.Context) (notify.Stats, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return notify.Stats{}, err
	}
	defer s.mu.Unlock()
	counted := make(map[queueName]*notify.QueueStats)
	for key, q := range s.queues {
		name := queueName{key.kind, key.channel}
		if counted[name] == nil {
			counted[name] = &notify.QueueStats{Kind: key.kind, Channel: key.channel}
		}
		q.count(counted[name], now)
	}
	for t := range s.leased.all() {
		if t.lease.After(now) {
			break
		}
		qs := counted[queueName{t.Kind, t.Channel}]
		qs.Leased--
		qs.Pending++
		qs.Due++
		qs.OldestDue = earlier(qs.OldestDue, t.Due)
	}
	stats := notify.Stats{Now: now, Dead: s.dead}
	for _, qs := range counted {
		stats.Queues = append(stats.Queues, *qs)
	}
	slices.SortFunc(stats.Queues, func(a, b notify.QueueStats) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Channel, b.Channel))
	})
	for _, due := range s.plans {
		if p, ok := due.first(); ok {
			stats.NextCut = earlier(stats.NextCut, p.nextCut)
		}
	}
	return stats, nil
}

// count adds the tasks of a queue to the statistics.
func (q *queue) count(qs *notify.QueueStats, now time.Time) {
	pending := 0
	for _, l := range q.lanes {
		for _, b := range l.buckets {
			if b == nil {
				continue
			}
			pending += b.waiting.length + b.expired.length
			due := b.waiting.countBefore(func(t *task) int {
				if t.Due.After(now) {
					return 1
				}
				return -1
			})
			qs.Due += due + b.expired.length
			if t, ok := b.waiting.first(); ok && due > 0 {
				qs.OldestDue = earlier(qs.OldestDue, t.Due)
			}
			if t, ok := b.expired.first(); ok {
				qs.OldestDue = earlier(qs.OldestDue, t.Due)
			}
		}
	}
	qs.Pending += pending
	qs.Leased += q.tasks - pending
}

// earlier returns the earlier of two instants. The first may be zero: none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
