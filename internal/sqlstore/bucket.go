package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
)

// readyByBucket is ready for databases that cannot go through the buckets in a
// statement that locks: it asks for the buckets first.
func (t *tx) readyByBucket(ctx context.Context, c notify.Claim, queue int, channel string, lane notify.Lane, limit int) ([]candidate, error) {
	var ring []int
	err := t.query(ctx, t.s.d.ClaimBuckets, func(r row) error {
		var bucket int
		err := r.Scan(&bucket)
		ring = append(ring, bucket)
		return err
	}, queue, channel, int(lane))
	if err != nil {
		return nil, err
	}
	place := func(bucket int) int { return (bucket - c.Bucket + buckets) % buckets }
	slices.SortFunc(ring, func(a, b int) int { return cmp.Compare(place(a), place(b)) })
	for depth := 1; ; {
		var found []candidate
		var deep []int // buckets that may hold more
		for group := range slices.Chunk(ring, unionOf) {
			turns := map[int]int{}
			text, args := t.unionOf(group, queue, channel, int(lane), t.now, flag(c.Providers == nil), strs(c.Providers), depth)
			err := t.query(ctx, text, func(r row) error {
				k, err := scanTask(r)
				turns[k.Bucket]++
				turn := turns[k.Bucket]
				if turn == depth {
					deep = append(deep, k.Bucket)
				}
				found = append(found, candidate{k, turn, place(k.Bucket)})
				return err
			}, args...)
			if err != nil {
				return nil, err
			}
			if depth == 1 && len(found) >= limit {
				break
			}
		}
		if len(deep) == 0 || len(found) >= limit {
			slices.SortStableFunc(found, byTurn)
			return found[:min(len(found), limit)], nil
		}
		depth += (limit - len(found) + len(deep) - 1) / len(deep)
	}
}

// unionOf is how many buckets one statement looks at.
const unionOf = 16

// unionOf selects from several buckets. There are few texts: the number of
// buckets is a power of two, filled up with one that has nothing.
func (t *tx) unionOf(group []int, args ...any) (string, []any) {
	size := 1
	for size < len(group) {
		size *= 2
	}
	parts, all := make([]string, size), make([]any, 0, size*(len(args)+1))
	for i := range parts {
		bucket := -1
		if i < len(group) {
			bucket = group[i]
		}
		parts[i] = t.s.d.ClaimBucket
		all = append(append(all, bucket), args...)
	}
	return strings.Join(parts, " UNION ALL "), all
}
