package memory

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// verify compares all that is derived with what it is derived from.
func verify(t *testing.T, s *Store) {
	t.Helper()
	references := make(map[*notification]int)
	verifyRecipients(t, s, references)
	verifyOutbox(t, s, references)
	require.Equal(t, len(s.notifications), s.accepted.length)
	keys, entities := 0, 0
	for id, n := range s.notifications {
		require.Equal(t, id, n.id)
		require.Equal(t, references[n], n.references, "references to a notification")
		delete(references, n)
		if n.content.Key != "" {
			keys++
		}
		if n.content.Entity != "" {
			entities++
		}
	}
	require.Empty(t, references, "a removed notification is referred to")
	require.Len(t, s.keys, keys)
	for _, about := range s.entities {
		require.Positive(t, about.length)
		entities -= about.length
	}
	require.Zero(t, entities)
}

func verifyRecipients(t *testing.T, s *Store, references map[*notification]int) {
	t.Helper()
	registrations, planned := 0, 0
	for _, r := range s.recipients {
		require.True(t, slices.IsSortedFunc(slices.Collect(r.order.all()), compareItems))
		unread, unseen, snoozed := 0, 0, 0
		for it := range r.order.all() {
			require.Same(t, it, s.item(r, it.id))
			require.Same(t, it, it.notification.held(r.id))
			references[it.notification]++
			if it.archived.IsZero() && it.read.IsZero() {
				unread++
			}
			if it.archived.IsZero() && it.seen.IsZero() {
				unseen++
			}
			if !it.snoozed.IsZero() {
				require.Contains(t, r.snoozed, it)
				snoozed++
			}
			for _, e := range it.entries {
				if e.digest == nil {
					require.Contains(t, e.plan.pending, e)
				} else {
					require.Contains(t, e.digest.entries, e)
				}
			}
		}
		require.Equal(t, unread, r.unread)
		require.Equal(t, unseen, r.unseen)
		require.Len(t, r.snoozed, snoozed)
		for id, it := range r.collapsed {
			require.Equal(t, id, it.id)
			require.NotEqual(t, id, it.notification.id)
		}
		for key, it := range r.holders {
			require.Same(t, it, s.item(r, it.id))
			require.Equal(t, key, collapseKeyOf(it.notification))
			require.True(t, it.read.IsZero() && it.archived.IsZero())
		}
		for _, p := range r.plans {
			planned += verifyPlan(t, s, p)
		}
		for _, reg := range r.registrations {
			require.Same(t, reg, s.registrations[reg.ID])
			require.Same(t, reg, s.endpoints[endpointOf(reg.Address)])
			registrations++
		}
	}
	require.Len(t, s.registrations, registrations)
	require.Len(t, s.endpoints, registrations)
	for _, due := range s.plans {
		planned -= due.length
	}
	require.Zero(t, planned)
}

// verifyPlan returns how often the plan must be in the index of cuts.
func verifyPlan(t *testing.T, s *Store, p *plan) int {
	t.Helper()
	require.True(t, slices.IsSortedFunc(p.pending, compareEntries))
	for _, e := range p.pending {
		require.Nil(t, e.digest)
		require.Same(t, e.item, s.item(p.owner, e.item.id))
	}
	for _, digest := range p.open {
		require.Empty(t, digest.status)
	}
	if p.nextCut.IsZero() {
		return 0
	}
	require.NotEmpty(t, p.pending, "a plan without entries has a cut")
	return 1
}

func verifyOutbox(t *testing.T, s *Store, references map[*notification]int) {
	t.Helper()
	logged, leased, dead := len(s.log), 0, 0
	queued := make(map[queueKey]int)
	for _, row := range s.outbox {
		require.Empty(t, row.status)
		if row.notification != nil {
			references[row.notification]++
		}
		if row.logged() {
			logged++
		}
		queued[s.queueOf(row).key]++
		if !row.lease.IsZero() && !row.expired {
			leased++
			continue
		}
		b := s.queueOf(row).lane(row.Lane).buckets[uint8(row.Bucket)]
		require.NotNil(t, b)
		tasks := &b.waiting
		if row.expired {
			tasks = &b.expired
		}
		found, _ := tasks.find(func(other *task) int { return compareDue(other, row) })
		require.Same(t, row, found)
	}
	require.Equal(t, leased, s.leased.length)
	require.Len(t, s.queues, len(queued))
	for key, q := range s.queues {
		require.Equal(t, queued[key], q.tasks)
	}
	for _, row := range s.log {
		if row.status != notify.StatusDead {
			require.Nil(t, row.notification)
		} else if row.notification != nil {
			references[row.notification]++
		}
		require.NotEmpty(t, row.status)
		require.NotEqual(t, time.Time{}, row.settled)
		if row.status == notify.StatusDead {
			dead++
		}
	}
	require.Equal(t, dead, s.dead)
	require.Equal(t, logged, s.deliveries.length)
	for _, r := range s.recipients {
		logged -= r.deliveries.length
	}
	require.Zero(t, logged)
}
