package notify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ids(items []Item) []ID {
	var ids []ID
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	return ids
}

func TestBuildDigestShowsTheNewestAndTheTrueTotal(t *testing.T) {
	to := instantOf(t, "2026-01-05T18:00:00Z")
	from := to.Add(-24 * time.Hour)
	tests := []struct {
		unread, limit, shown, more int
	}{
		{0, 0, 0, 0},
		{1, 0, 1, 0},
		{5, 0, 5, 0}, // exactly five: nothing more to see
		{6, 0, 5, 1},
		{6, -1, 5, 1},
		{6, 1, 1, 5},
		{6, 6, 6, 0},
		{6, 100, 6, 0},
		{1000, 5, 5, 995},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d with limit %d", tt.unread, tt.limit), func(t *testing.T) {
			var unread []Item
			var want []ID
			for i := range tt.unread {
				id := ID(fmt.Sprintf("%04d", i))
				unread = append(unread, Item{ID: id, Filed: from.Add(time.Duration(i) * time.Second)})
				want = slices.Insert(want, 0, id)
			}
			rand.New(rand.NewPCG(5, 6)).Shuffle(len(unread), func(i, j int) { unread[i], unread[j] = unread[j], unread[i] })

			d := BuildDigest(unread, from, to, tt.limit)
			require.Len(t, d.Items, tt.shown)
			assert.Equal(t, want[:tt.shown], ids(d.Items))
			assert.Equal(t, tt.unread, d.Total)
			assert.Equal(t, tt.more, d.More())
			assert.Equal(t, from, d.From)
			assert.Equal(t, to, d.To)
		})
	}
}

func TestBuildDigestLeavesOutWhatWasDealtWith(t *testing.T) {
	at := instantOf(t, "2026-01-05T12:00:00Z")
	d := BuildDigest([]Item{
		{ID: "read", Filed: at, Read: at},
		{ID: "archived", Filed: at, Archived: at},
		{ID: "seen", Filed: at, Seen: at},
		{ID: "snoozed", Filed: at, Snoozed: at.Add(time.Hour)},
	}, at, at.Add(time.Hour), 0)
	assert.Equal(t, []ID{"snoozed", "seen"}, ids(d.Items), "equal instants: the greater id first")
	assert.Equal(t, 2, d.Total)
}

// The window is a label: what is bound to a digest may be older than it, and
// is in the letter nevertheless.
func TestBuildDigestIsNotRestrictedToItsLabel(t *testing.T) {
	berlin := zoneNamed(t, "Europe/Berlin")
	to := instantOf(t, "2026-01-05T17:00:00Z").In(berlin)
	from := to.Add(-24 * time.Hour)
	d := BuildDigest([]Item{{ID: "late", Filed: from.Add(-time.Second)}, {ID: "at the cut", Filed: to}}, from, to, 0)
	assert.Equal(t, []ID{"at the cut", "late"}, ids(d.Items))
	assert.Equal(t, berlin, d.Zone)
}

func TestBuildDigestChangesNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	at := instantOf(t, "2026-01-05T12:00:00Z")
	for range 200 {
		unread := make([]Item, random.IntN(12))
		for i := range unread {
			unread[i] = Item{ID: ID(fmt.Sprint(i)), Filed: at.Add(time.Duration(random.IntN(4)) * time.Second)}
			if random.IntN(4) == 0 {
				unread[i].Read = at
			}
		}
		before := slices.Clone(unread)
		d := BuildDigest(unread, at, at, 3)
		require.Equal(t, before, unread)

		// Whatever the order of the items, the letter is the same.
		slices.Reverse(unread)
		require.Equal(t, d, BuildDigest(unread, at, at, 3))

		// What the letter shows belongs to whoever asked for it.
		before = slices.Clone(unread)
		for i := range d.Items {
			d.Items[i].ID = "overwritten"
		}
		require.Equal(t, before, unread)
	}
}
