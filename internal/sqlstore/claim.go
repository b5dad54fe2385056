package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/bellwether-go/notify"
)

const (
	// selectExpired finds of a queue and channel the tasks whose lease expired
	// at an instant: of any provider, if 1 comes next, or of those.
	selectExpired = `SELECT ` + taskColumns + ` FROM {task}
WHERE queue = ? AND channel = ? AND leased_until <> 0 AND leased_until <= ? AND (? = 1 OR kind <> 'fanout' OR provider IN (SELECT id FROM {rows id:text}))
ORDER BY lane, leased_until LIMIT ? {skip}`

	leaseTasks = `{update task 2 id:id} SET epoch = epoch + 1, unknown = CASE WHEN leased_until <> 0 THEN 1 ELSE unknown END, leased_until = ?1 {those}`

	buckets = 256
)

// candidate is a free task and its place in the turn.
type candidate struct {
	taskRow
	turn  int // its number within the bucket, from 1; 0 if recovered
	place int // of the bucket, from where the turn starts
}

// Claim implements [notify.Outbox].
func (s *Store) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	if s.d.ClaimAtOnce != "" {
		return s.claimAtOnce(ctx, c)
	}
	if s.d.OneWriter {
		// An idle process must not take the lock that all writers share.
		free := false
		err := s.snapshot(ctx, "claim", func(ctx context.Context, t *tx) error {
			found, err := t.freeTasks(ctx, glance(c))
			free = len(found) > 0
			return err
		})
		if err != nil || !free {
			return nil, err
		}
	}
	var tasks []notify.Task
	err := s.write(ctx, "claim", func(ctx context.Context, t *tx) (err error) {
		tasks, err = t.claim(ctx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return tasks, nil
}

// glance asks for one task of each sort only.
func glance(c notify.Claim) notify.Claim {
	c.FanOuts, c.Urgent = min(c.FanOuts, 1), min(c.Urgent, 1)
	c.Channels = maps.Clone(c.Channels)
	for channel, limit := range c.Channels {
		c.Channels[channel] = min(limit, 1)
	}
	return c
}

func (t *tx) claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	taken, err := t.freeTasks(ctx, c)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	ids := make([]notify.ID, len(taken))
	for i, k := range taken {
		ids[i] = k.ID
	}
	_, err = t.exec(ctx, leaseTasks, t.after(c.Lease), idRows(ids))
	return leased(taken), err
}

// leased are the tasks as they are once they have been claimed.
func leased(taken []candidate) []notify.Task {
	tasks := make([]notify.Task, len(taken))
	for i, k := range taken {
		tasks[i] = k.Task
		tasks[i].Epoch++
		tasks[i].Recovered = k.leasedUntil != 0
		tasks[i].Unknown = k.Unknown || tasks[i].Recovered
	}
	return tasks
}

// freeTasks chooses what to claim, in the order of the claim.
func (t *tx) freeTasks(ctx context.Context, c notify.Claim) ([]candidate, error) {
	recovered := c.Recovered
	chosen, err := t.candidates(ctx, c, queueFanOuts, append([]string{""}, c.Audiences...), share{c.FanOuts, 0}, &recovered)
	if err != nil {
		return nil, err
	}
	for _, channel := range slices.Sorted(maps.Keys(c.Channels)) {
		more, err := t.candidates(ctx, c, queueDeliveries, []string{channel}, share{c.Channels[channel], c.Urgent}, &recovered)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, more...)
	}
	slices.SortStableFunc(chosen, byTurn)
	return chosen, nil
}

// byTurn orders by lane, then turn by turn over the buckets.
func byTurn(a, b candidate) int {
	return cmp.Or(cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.turn, b.turn), cmp.Compare(a.place, b.place), a.Due.Compare(b.Due))
}

// share is how many tasks to take: of any lane, and so many more of the urgent
// one.
type share struct{ any, urgent int }

// of is how many tasks of a lane there is room for beside those found.
func (w share) of(lane notify.Lane, found []candidate) int {
	if lane == notify.LaneUrgent {
		return w.any + w.urgent
	}
	return w.any - inLanes(found, lane-1)
}

// cut leaves the first ones of candidates in their order.
func (w share) cut(found []candidate) []candidate {
	n := min(len(found), w.any)
	for n < min(len(found), w.any+w.urgent) && found[n].Lane == notify.LaneUrgent {
		n++
	}
	return found[:n]
}

// candidates chooses free tasks of a queue, of which no more than recovered
// were leased before.
func (t *tx) candidates(ctx context.Context, c notify.Claim, queue int, channels []string, want share, recovered *int) ([]candidate, error) {
	want = share{max(want.any, 0), max(want.urgent, 0)}
	if want.any+want.urgent == 0 {
		return nil, nil
	}
	var found []candidate
	for _, channel := range channels {
		if *recovered <= 0 {
			break
		}
		expired, err := t.expired(ctx, c, queue, channel, min(want.any+want.urgent, *recovered))
		if err != nil {
			return nil, err
		}
		found = append(found, expired...)
	}
	slices.SortStableFunc(found, byTurn)
	found = found[:min(len(found), max(*recovered, 0))]
	for lane := notify.LaneUrgent; lane <= notify.LaneBulk; lane++ {
		limit := want.of(lane, found)
		if limit <= 0 {
			break
		}
		for _, channel := range channels {
			ready, err := t.ready(ctx, c, queue, channel, lane, limit)
			if err != nil {
				return nil, err
			}
			found = append(found, ready...)
		}
	}
	slices.SortStableFunc(found, byTurn)
	found = want.cut(found)
	for _, k := range found {
		if k.leasedUntil != 0 {
			*recovered--
		}
	}
	return found, nil
}

// inLanes counts the candidates of the lanes up to the given one.
func inLanes(found []candidate, lane notify.Lane) int {
	n := 0
	for _, k := range found {
		if k.Lane <= lane {
			n++
		}
	}
	return n
}

// expired reads tasks whose lease has expired, of each lane the longest ago
// first.
func (t *tx) expired(ctx context.Context, c notify.Claim, queue int, channel string, limit int) ([]candidate, error) {
	var found []candidate
	err := t.query(ctx, cmp.Or(t.s.d.ClaimExpired, selectExpired), func(r row) error {
		k, err := scanTask(r)
		found = append(found, candidate{taskRow: k})
		return err
	}, queue, channel, t.now, flag(c.Providers == nil), strs(c.Providers), limit)
	return found, err
}

// ready reads up to limit tasks of a lane by turns. It looks at the first of
// each bucket, and deeper only where that leaves room.
func (t *tx) ready(ctx context.Context, c notify.Claim, queue int, channel string, lane notify.Lane, limit int) ([]candidate, error) {
	if t.s.d.ClaimBuckets != "" {
		return t.readyByBucket(ctx, c, queue, channel, lane, limit)
	}
	text := t.s.d.ClaimFirst
	for depth := 1; ; {
		var found []candidate
		deep := 0 // buckets that may hold more
		err := t.query(ctx, text, func(r row) error {
			var turn int
			k, err := scanTask(r, &turn)
			if turn == depth {
				deep++
			}
			found = append(found, candidate{k, turn, (k.Bucket - c.Bucket + buckets) % buckets})
			return err
		}, queue, channel, int(lane), t.now, flag(c.Providers == nil), strs(c.Providers), depth, c.Bucket, limit)
		if err != nil || deep == 0 || len(found) >= limit {
			return found, err
		}
		text = t.s.d.ClaimMore
		depth += (limit - len(found) + deep - 1) / deep
	}
}
