package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// Stats implements [notify.DeliveryLog]. A task whose lease has expired counts
// as pending and due: no process holds it.
func (s *Store) Stats(ctx context.Context) (notify.Stats, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return notify.Stats{}, err
	}
	defer s.mu.Unlock()
	counted := make(map[queueKey]*notify.QueueStats)
	for key, q := range s.queues {
		counted[key] = &notify.QueueStats{Kind: key.kind, Channel: key.channel, Provider: key.provider}
		q.count(counted[key], now)
	}
	for t := range s.leased.all() {
		if t.lease.After(now) {
			break
		}
		qs := counted[s.queueOf(t).key]
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
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Channel, b.Channel), strings.Compare(a.Provider, b.Provider))
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
