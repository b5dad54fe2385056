package storetest_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/bellwether-go/notify/store/storetest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// broken is a store that breaks its contract in one way, and the checks that
// have to tell.
type broken struct {
	name  string
	alter alter
	fails []string
}

func brokenStores() []broken {
	return slices.Concat(
		brokenAccept, brokenCollapse, brokenInbox, brokenPage, brokenGlance, brokenMarks, brokenPreferences, brokenAddresses,
		brokenClaim, brokenLease, brokenSettle, brokenFanOut, brokenDigest,
		brokenWithdraw, brokenPause, brokenLog, brokenCare, brokenIngestKeys, brokenValues, brokenCalls,
	)
}

// open makes a harness of a store that is broken by alter.
func open(alter alter) func() (storetest.Harness, error) {
	return func() (storetest.Harness, error) {
		b := newBench()
		if alter != nil {
			alter(b)
		}
		return *b.h, nil
	}
}

func TestCheck_healthyStore(t *testing.T) {
	require.NoError(t, storetest.Check(t.Context(), open(nil)))
	for _, name := range storetest.Names() {
		require.NoError(t, storetest.RunCheck(t.Context(), name, open(nil)), "%s: not even skipped", name)
	}
}

func TestCheck_brokenStores(t *testing.T) {
	for _, b := range brokenStores() {
		t.Run(b.name, func(t *testing.T) {
			require.NotEmpty(t, b.fails)
			synctest.Test(t, func(t *testing.T) { // see racing
				for _, name := range b.fails {
					assert.Error(t, storetest.RunCheck(t.Context(), name, open(b.alter)), name)
				}
			})
		})
	}
}

func TestCheck_everyCheckHasTeeth(t *testing.T) {
	names := storetest.Names()
	slices.Sort(names)
	assert.Equal(t, slices.Compact(slices.Clone(names)), names, "names are unique")
	var proven []string
	for _, b := range brokenStores() {
		for _, name := range b.fails {
			assert.Contains(t, names, name, b.name)
			proven = append(proven, name)
		}
	}
	for _, name := range names {
		assert.Contains(t, proven, name, fmt.Sprintf("no broken store fails %q", name))
	}
}
