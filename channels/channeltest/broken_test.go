package channeltest_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// broken is a channel that breaks its contract in one way, and the checks that
// have to tell.
type broken struct {
	name  string
	alter alter
	fails []string
}

func brokenChannels() []broken {
	return slices.Concat(brokenCalls, brokenTexts, brokenAnswers, brokenUpgrades)
}

func TestCheck_healthyChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, channeltest.Check(t.Context(), open(nil)))
		for _, name := range channeltest.Names() {
			require.NoError(t, channeltest.RunCheck(t.Context(), name, open(nil)), "%s: not even skipped", name)
		}
	})
}

func TestCheck_brokenChannels(t *testing.T) {
	for _, b := range brokenChannels() {
		t.Run(b.name, func(t *testing.T) {
			require.NotEmpty(t, b.fails)
			synctest.Test(t, func(t *testing.T) {
				for _, name := range b.fails {
					assert.Error(t, channeltest.RunCheck(t.Context(), name, open(b.alter)), name)
				}
			})
		})
	}
}

func TestCheck_everyCheckHasTeeth(t *testing.T) {
	names := channeltest.Names()
	slices.Sort(names)
	assert.Equal(t, slices.Compact(slices.Clone(names)), names, "names are unique")
	var proven []string
	for _, b := range brokenChannels() {
		for _, name := range b.fails {
			assert.Contains(t, names, name, b.name)
			proven = append(proven, name)
		}
	}
	for _, name := range names {
		assert.Contains(t, proven, name, fmt.Sprintf("no broken channel fails %q", name))
	}
}
