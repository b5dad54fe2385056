package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

const (
	fixedSeeds = 8              // that share out all faults between them
	safety     = 36 * time.Hour // of virtual time, with faults
	liveness   = 72 * time.Hour // of virtual time, without: all must have come to rest
)

// TestSimulation runs the fixed seeds, which together must make every fault at
// every point fire, and a fresh one. NOTIFY_SIMULATION=seed replays one seed;
// NOTIFY_SIMULATION=xN runs N fresh ones.
func TestSimulation(t *testing.T) {
	wish := os.Getenv("NOTIFY_SIMULATION")
	if count, ok := cutPrefix(wish, "x"); ok {
		for range count {
			runSeed(t, rand.Uint64(), 0, 0)
		}
		return
	}
	if wish != "" {
		seed, err := strconv.ParseUint(wish, 10, 64)
		require.NoError(t, err, "NOTIFY_SIMULATION")
		if seed < fixedSeeds {
			runSeed(t, seed, int(seed), fixedSeeds)
		} else {
			runSeed(t, seed, 0, 0)
		}
		return
	}
	fired := make(map[occurrence]int)
	for seed := range uint64(fixedSeeds) {
		for o, times := range runSeed(t, seed, int(seed), fixedSeeds) {
			fired[o] += times
		}
	}
	total := 0
	for _, point := range points {
		for kind := failBefore; kind < faultKinds; kind++ {
			times := fired[occurrence{point, kind}]
			total += times
			assert.Positive(t, times, "%s %s never fired", kind, point)
		}
	}
	t.Logf("%d seeds: %d faults at %d points in %d ways", fixedSeeds, total, len(points), faultKinds-1)
	runSeed(t, rand.Uint64(), 0, 0)
}

func cutPrefix(wish, prefix string) (int, bool) {
	if len(wish) < 2 || wish[:1] != prefix {
		return 0, false
	}
	n, err := strconv.Atoi(wish[1:])
	return n, err == nil
}

// runSeed runs one world from its beginning to the verdict.
func runSeed(t *testing.T, seed uint64, index, of int) map[occurrence]int {
	f := newFaults(seed, index, of)
	t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { newWorld(t, seed, f).run() })
	})
	return f.fired
}

// run is the safety phase, the liveness phase, and the verdict.
func (w *world) run() {
	defer w.report()
	var slots, cast sync.WaitGroup
	for slot := range w.slots {
		slots.Go(func() { w.runSlot(slot) })
	}
	ctx, curtain := context.WithCancel(w.ctx)
	for _, a := range w.cast() {
		cast.Go(func() { a.play(ctx) })
	}
	time.Sleep(safety)

	curtain()
	w.faults.heal()
	w.trace("all heals")
	cast.Wait() // whoever insists succeeds now
	w.rest()
	w.judge()
	w.canaries()

	w.end()
	slots.Wait()
	w.running.Wait()
}

// rest waits until there is no work left, and demands that it comes to that.
func (w *world) rest() {
	for begun := time.Now(); time.Since(begun) < liveness; time.Sleep(10 * time.Minute) {
		stats, err := w.store.Stats(context.Background())
		if err != nil {
			w.violated("stats: %v", err)
			return
		}
		if len(stats.Queues) == 0 && stats.NextCut.IsZero() {
			w.trace("all is at rest after %s", time.Since(begun))
			return
		}
	}
	stats, _ := w.store.Stats(context.Background())
	w.violated("no rest after %s: %+v", liveness, stats)
}

// canaries are what still has to get through in the end: one forced letter to
// everybody, once to each address.
func (w *world) canaries() {
	p := w.anyProcess(0)
	if p == nil {
		w.violated("no process is left")
		return
	}
	if err := unsuppressAll(w.ctx, p.notifier); err != nil {
		w.violated("canary: %v", err)
	}
	var ids []notify.ID
	for _, r := range team() {
		receipts, err := p.notifier.Send(w.ctx, notify.Notification{Provider: "security", To: []notify.Recipient{r}, Title: "canary"})
		if err != nil {
			w.violated("canary: %v", err)
			return
		}
		ids = append(ids, receipts[0].ID)
	}
	time.Sleep(time.Hour)
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	heard := make(map[notify.ID]int)
	for _, d := range w.ledger.deliveries {
		for _, a := range d.accepts {
			if d.channel == notify.Email {
				heard[d.notification] += a.times
			}
		}
	}
	for i, id := range ids {
		if _, gone := w.ledger.gone[person(i)]; gone {
			continue
		}
		if want := len(contact(i).Addresses); heard[id] != want {
			w.violated("a canary came to %s %d times, not %d", person(i).ID, heard[id], want)
		}
	}
}
