package sqlstore

import (
	"context"
	"maps"
	"slices"

	"github.com/bellwether-go/notify"
)

// claimAtOnce claims by one statement where the database has one for it. That
// goes by turns over the buckets without knowing how much each of them holds: if
// some hold far more than others, it takes another one.
func (s *Store) claimAtOnce(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	var taken []candidate
	turns := map[bucket]int{} // of earlier statements
	for parts := partsOf(c); len(parts) > 0; {
		found, err := s.claimParts(ctx, c, parts)
		if err != nil && len(taken) == 0 {
			return nil, err
		}
		if err != nil {
			break // what is taken is leased; an error that lasts will come again
		}
		for i := range found {
			k := &found[i]
			parts[k.part].count(*k)
			if k.leasedUntil != 0 {
				c.Recovered--
			} else {
				k.turn += turns[k.bucket()]
			}
			taken = append(taken, k.candidate)
		}
		for _, k := range found {
			turns[k.bucket()] = max(turns[k.bucket()], k.turn)
		}
		parts = more(parts)
	}
	slices.SortStableFunc(taken, byTurn)
	return leased(taken), nil
}

// found is a task that a statement has leased.
type found struct {
	candidate
	part  int
	depth int // how deep its bucket was looked into
}

// bucket names a bucket of a lane.
type bucket struct {
	channel string
	queue   int
	lane    notify.Lane
	number  int
}

func (f found) bucket() bucket { return bucket{f.Channel, queueOf(f.Kind), f.Lane, f.Bucket} }

// claimParts runs the statement.
func (s *Store) claimParts(ctx context.Context, c notify.Claim, parts []part) ([]found, error) {
	var rows rowset
	for i, p := range parts {
		for _, channel := range p.channels {
			rows = append(rows, []any{i, p.queue, channel, p.room.any, p.room.urgent})
		}
	}
	var tasks []found
	err := s.read(ctx, "claim", func(ctx context.Context, on querier) error {
		tasks = nil
		return on.query(ctx, s.d.ClaimAtOnce, func(r row) error {
			var f found
			var err error
			f.taskRow, err = scanTask(r, &f.part, &f.turn, &f.depth)
			if f.leasedUntil == 0 {
				f.place = (f.Bucket - c.Bucket + buckets) % buckets
			}
			tasks = append(tasks, f)
			return err
		}, s.at(), c.Lease.Microseconds(), flag(c.Providers == nil), strs(c.Providers), c.Bucket, max(c.Recovered, 0), rows)
	})
	return tasks, err
}

// part is a part of a claim, with room of its own.
type part struct {
	queue    int
	channels []string
	room     share
	taken    int
	deep     [notify.LaneBulk + 1]bool // a bucket of the lane may hold more
}

func partsOf(c notify.Claim) []part {
	parts := []part{{queue: queueFanOuts, channels: append([]string{""}, c.Audiences...), room: share{max(c.FanOuts, 0), 0}}}
	for _, channel := range slices.Sorted(maps.Keys(c.Channels)) {
		parts = append(parts, part{queue: queueDeliveries, channels: []string{channel}, room: share{max(c.Channels[channel], 0), max(c.Urgent, 0)}})
	}
	return slices.DeleteFunc(parts, func(p part) bool { return p.room == share{} })
}

func (p *part) count(f found) {
	p.taken++
	if f.turn == f.depth {
		p.deep[f.Lane] = true
	}
}

// more are the parts that have room for what their buckets may still hold.
func more(parts []part) []part {
	var left []part
	for _, p := range parts {
		room := share{max(p.room.any-p.taken, 0), p.room.urgent - max(p.taken-p.room.any, 0)}
		if room.any > 0 && slices.Contains(p.deep[:], true) || room.urgent > 0 && p.deep[notify.LaneUrgent] {
			left = append(left, part{queue: p.queue, channels: p.channels, room: room})
		}
	}
	return left
}
