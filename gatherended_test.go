package notify

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEndedBy(t *testing.T) {
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	err := endedBy(late, context.Canceled)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, context.Canceled, endedBy(t.Context(), context.Canceled), "whose context has not ended")
	assert.Equal(t, context.DeadlineExceeded, endedBy(late, context.DeadlineExceeded), "it is told already")
}
