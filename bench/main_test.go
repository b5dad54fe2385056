package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The numbers are for make bench; here it is enough that each case runs and
// has a row.
func TestRun_hasARowForEachCase(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, 1, 20*time.Millisecond))
	for _, c := range cases {
		assert.Contains(t, out.String(), "| "+c.name+" |")
	}
	assert.Equal(t, 2+len(cases), strings.Count(out.String(), "\n"))
}

func TestMedian(t *testing.T) {
	assert.Equal(t, 2.0, median([]float64{3, 1, 2}))
	assert.Equal(t, 2.5, median([]float64{4, 1, 3, 2}))
}
