package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// benchCase compares two candidates at one kind of load.
type benchCase struct {
	name       string
	senders    int // goroutines that send one after the other
	recipients int // of each notification
	hand, ours func(ctx context.Context, folder string) (candidate, error)
}

// candidate stores notifications; Send is called from several goroutines.
type candidate interface {
	Send(ctx context.Context, sequence int64, recipients int) error
	Close() error
}

// result is what one case came to.
type result struct {
	name       string
	unit       int // recipients of each operation
	hand, ours float64
	ratios     []float64
}

// String is a row of the table.
func (r result) String() string {
	return fmt.Sprintf("| %s | %.0f | %.0f | **%.2f** | %.2f .. %.2f |", r.name,
		r.hand*float64(r.unit), r.ours*float64(r.unit), median(r.ratios), slices.Min(r.ratios), slices.Max(r.ratios))
}

// measure runs the candidates in turn and lets the one that goes first change
// from round to round. Each turn begins with a new store: neither pays for what
// the other has left in memory, nor for a table that is longer.
func measure(ctx context.Context, c benchCase, folder string, rounds int, slice time.Duration) (result, error) {
	base, err := os.MkdirTemp(folder, "case")
	if err != nil {
		return result{}, err
	}
	pair := []func(context.Context, string) (candidate, error){c.hand, c.ours}
	rates := [2][]float64{}
	for round := range rounds {
		for turn := range pair {
			which := (round + turn) % 2
			file := filepath.Join(base, fmt.Sprintf("%d-%d.db", round, which))
			rate, err := takeTurn(ctx, pair[which], c, file, slice)
			if err != nil {
				return result{}, err
			}
			rates[which] = append(rates[which], rate)
		}
	}
	r := result{name: c.name, unit: c.recipients, hand: median(rates[0]), ours: median(rates[1])}
	for round := range rounds {
		r.ratios = append(r.ratios, rates[1][round]/rates[0][round])
	}
	return r, nil
}

// takeTurn opens a candidate, warms it up, and measures it.
func takeTurn(ctx context.Context, open func(context.Context, string) (candidate, error), c benchCase, file string, slice time.Duration) (float64, error) {
	each, err := open(ctx, file)
	if err != nil {
		return 0, err
	}
	defer each.Close()
	if _, err := load(ctx, each, c, slice/10); err != nil { // pages, plans, caches
		return 0, err
	}
	runtime.GC()
	return load(ctx, each, c, slice)
}

// sequence numbers every operation of a run, so that no two are alike.
var sequence atomic.Int64

// load lets the senders of a case send for a while and returns operations per
// second. An operation counts once it has returned.
func load(ctx context.Context, c candidate, load benchCase, slice time.Duration) (float64, error) {
	var (
		done     atomic.Int64
		senders  sync.WaitGroup
		failures = make([]error, load.senders)
		start    = time.Now()
	)
	for i := range load.senders {
		senders.Go(func() {
			for time.Since(start) < slice {
				if failures[i] = c.Send(ctx, sequence.Add(1), load.recipients); failures[i] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	senders.Wait()
	return float64(done.Load()) / time.Since(start).Seconds(), errors.Join(failures...)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// What every candidate stores: texts of a usual length.
const title = "Invoice 2026-118 is due on Friday"

var body = strings.Repeat("All work and no play. ", 9)[:190]
