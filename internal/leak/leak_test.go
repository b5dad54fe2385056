package leak

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRemaining_findsWhatIsLeftAndWaitsForTheRest(t *testing.T) {
	before := goroutines()
	assert.Empty(t, remaining(before, 0))
	hung, slow := make(chan struct{}), time.After(50*time.Millisecond)
	go func() { <-hung }()
	go func() { <-slow }()
	left := remaining(before, time.Second)
	require.Len(t, left, 1)
	assert.Contains(t, left[0], "TestRemaining_findsWhatIsLeft")
	close(hung)
	assert.Empty(t, remaining(before, grace))
}
