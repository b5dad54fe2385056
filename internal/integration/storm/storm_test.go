//go:build linux

package storm

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// A plan is how long and how rough a storm is.
type plan struct {
	days      int           // each begins with new processes, a day later by the clock of the center
	length    time.Duration // of the part of each day that is played
	processes int
	calm      time.Duration // longest wait between two faults; 0: no faults
	lease     time.Duration
}

// faults are how often something was done to a process.
type faults struct{ kills, freezes, ends int }

func (f faults) String() string {
	return fmt.Sprintf("%d killed, %d frozen, %d asked to end", f.kills, f.freezes, f.ends)
}

// count is how many of them may leave something that is done again.
func (f faults) count() int { return f.kills + f.freezes }

// seeded makes the random numbers of a test, and tells how to have them again.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("NOTIFY_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("NOTIFY_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// storm plays the plan on a database and audits the outcome.
func storm(t *testing.T, d database, p plan) {
	t.Helper()
	random := seeded(t)
	begin := time.Now().Truncate(time.Millisecond).UTC()
	template := child{
		Database: d, Lease: p.lease, Senders: 2, Pace: 60 * time.Millisecond, Moody: p.calm > 0,
		Schedule: schedule{Begin: begin, Step: p.length / people},
	}
	db, _, center := template.look(t)
	defer db.Close()
	choose(t, center)

	watchers, stop := watch(t, center, person(0), person(1), person(2), person(3))
	c := newCrew(t)
	var f faults
	for today := range p.days {
		template.Offset = time.Until(begin.Add(time.Duration(today) * day))
		play(c, template, p, &f, random)
	}

	// Everything heals: first what is left of the last day, then, an hour after
	// its last cut, the day on which the last digests are due.
	template.Senders, template.Moody = 0, false
	for _, today := range []int{p.days - 1, p.days} {
		template.Offset = time.Duration(today)*day + time.Hour
		healers := []*hand{c.hire(template), c.hire(template)}
		c.quiet(center, today == p.days)
		for _, h := range healers {
			h.dismiss()
		}
	}
	t.Log(f)
	c.checkWatched(center, watchers)
	stop()
	audit(t, d.system(), center, db, readJournals(t, c.folder), f)
}

// look opens the center for a parent that lets others work.
func (c child) look(t testing.TB) (*sql.DB, store, *notify.Notifier) {
	t.Helper()
	db, s, err := c.Database.open(0)
	require.NoError(t, err)
	c.db, c.store = db, s
	center, err := c.center()
	require.NoError(t, err)
	return db, s, center
}

// play plays the storm of one day, at the end of which all are asked to end.
func play(c *crew, template child, p plan, f *faults, random *rand.Rand) {
	c.t.Helper()
	hire := func() *hand {
		template.Seed = random.Uint64()
		return c.hire(template)
	}
	hands := make([]*hand, p.processes)
	for i := range hands {
		hands[i] = hire()
	}
	over, cancel := context.WithTimeout(c.t.Context(), p.length)
	defer cancel()
	if p.calm == 0 {
		<-over.Done()
	}
	var thaws sync.WaitGroup
	for p.calm > 0 && pause(over, time.Duration(random.Int64N(int64(p.calm)))) {
		i := random.IntN(len(hands))
		h := hands[i]
		if h.frozen.Load() {
			continue
		}
		switch random.IntN(4) {
		case 0:
			f.freezes++
			h.freeze()
			until := time.Duration(random.Int64N(int64(p.lease * 3 / 2)))
			thaws.Go(func() {
				pause(c.t.Context(), until)
				h.thaw()
			})
		case 1:
			f.ends++
			h.dismiss()
			hands[i] = hire()
		default:
			f.kills++
			h.kill()
			hands[i] = hire()
		}
	}
	thaws.Wait()
	for _, h := range hands {
		h.dismiss()
	}
}

// quiet waits until nothing is left to be done, nor, with digests, to be in one.
func (c *crew) quiet(center *notify.Notifier, digests bool) {
	c.t.Helper()
	var left notify.Stats
	defer func() {
		if c.t.Failed() {
			c.t.Logf("left to be done: %+v", left)
		}
	}()
	c.eventually("nothing is left to be done", func() bool {
		h, err := center.Health(c.t.Context())
		require.NoError(c.t, err)
		left = h.Stats
		return len(left.Queues) == 0 && (!digests || left.NextCut.IsZero())
	})
}

// rough is the storm that a change has to pass; NOTIFY_STORM=long is for those
// who have an hour.
func rough() plan {
	p := plan{days: 3, length: 10 * time.Second, processes: 3, calm: 500 * time.Millisecond, lease: 2 * time.Second}
	if os.Getenv("NOTIFY_STORM") == "long" {
		p.days, p.length = 8, time.Minute
	}
	return p
}

// calm is a storm without faults: nothing is done twice.
func calm() plan {
	return plan{days: 1, length: 6 * time.Second, processes: 3, lease: 30 * time.Second}
}

func TestStorm(t *testing.T) {
	each(t, func(t *testing.T, sys *system) { storm(t, newDatabase(t, sys), rough()) })
}

func TestCalm(t *testing.T) {
	each(t, func(t *testing.T, sys *system) { storm(t, newDatabase(t, sys), calm()) })
}
