package memory

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOrdered compares the set with a sorted slice, over enough elements to
// split and to empty chunks, in the middle and at the ends.
func TestOrdered(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	set := ordered[int]{compare: cmp.Compare[int]}
	var model []int
	for step := range 20_000 {
		v := rng.IntN(8 * chunkSize)
		if step%3 == 0 {
			v = 8*chunkSize + step // newer than all
		}
		i, found := slices.BinarySearch(model, v)
		switch grow := step%8_000 < 5_000; {
		case !found && grow:
			set.insert(v)
			model = slices.Insert(model, i, v)
		case found && !grow:
			set.remove(v)
			model = slices.Delete(model, i, i+1)
		case !found:
			set.remove(v)
		}
		if step%500 != 0 {
			continue
		}
		place := func(e int) int { return cmp.Compare(e, v) }
		i, found = slices.BinarySearch(model, v)
		_, ok := set.find(place)
		require.Equal(t, found, ok)
		require.Equal(t, len(model), set.length)
		require.Equal(t, i, set.countBefore(place))
		require.Equal(t, model, slices.Collect(set.all()))
		require.True(t, slices.Equal(model[i:], slices.Collect(set.from(place))))
		reversed := slices.Clone(model)
		slices.Reverse(reversed)
		require.True(t, slices.Equal(reversed, slices.Collect(set.backward())))
		require.True(t, slices.Equal(reversed[len(model)-i:], slices.Collect(set.before(place))))
		for _, chunk := range set.chunks {
			require.NotEmpty(t, chunk)
			require.LessOrEqual(t, len(chunk), chunkSize)
		}
	}
}

func TestOrdered_emptyAgain(t *testing.T) {
	set := ordered[int]{compare: cmp.Compare[int]}
	for v := range 3 * chunkSize {
		set.insert(v)
	}
	for v := range 3 * chunkSize {
		first, ok := set.first()
		assert.True(t, ok)
		assert.Equal(t, v, first)
		set.remove(v)
	}
	_, ok := set.first()
	assert.False(t, ok)
	assert.Empty(t, slices.Collect(set.backward()))
	assert.Zero(t, set.length)
}
