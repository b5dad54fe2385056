package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain is also where push service, mail server and readers of streams begin, as in main.
func TestMain(m *testing.M) {
	if servePush() || serveMail() || readStreams() {
		return
	}
	os.Exit(m.Run())
}

// The numbers are for make bench; here it is enough that each case runs and
// has a row. What is prepared at length is measured by make bench only. Cases on
// a server are run where the environment names it, as in make test.
func TestRun_hasARowForEachCase(t *testing.T) {
	scale = 100
	groups := map[string][]comparison{}
	for _, c := range possible(comparisons) {
		where := "embedded"
		if len(c.servers) > 0 {
			where = "on " + c.servers[0].variable
		}
		groups[where] = append(groups[where], c)
	}
	require.Contains(t, groups, "embedded")
	for where, cases := range groups {
		t.Run(where, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, run(t.Context(), &out, cases, 1, 20*time.Millisecond))
			for _, c := range cases {
				assert.Contains(t, out.String(), "| "+c.name+" |")
			}
			assert.Equal(t, 2+len(cases), strings.Count(out.String(), "\n"))
		})
	}
}

func TestPossible_leavesOutServersThatNobodyNames(t *testing.T) {
	t.Setenv(postgresServer.variable, "")
	t.Setenv(mariaServer.variable, "somewhere")
	left := possible(comparisons)
	assert.NotEmpty(t, left)
	for _, c := range left {
		assert.NotContains(t, c.servers, postgresServer, c.name)
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("")
	require.NoError(t, err)
	assert.Len(t, all, len(comparisons))
	some, err := choose("^memory")
	require.NoError(t, err)
	assert.NotEmpty(t, some)
	assert.Less(t, len(some), len(all))
	_, err = choose("(")
	assert.Error(t, err)
}

func TestMedian(t *testing.T) {
	assert.Equal(t, 2.0, median([]float64{3, 1, 2}))
	assert.Equal(t, 2.5, median([]float64{4, 1, 3, 2}))
}
