package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// comparison is one row of the table: the library and what it is held against.
// More is better, always: what takes long is measured by how often it is done
// in a second.
type comparison struct {
	name    string
	goal    float64   // the least ratio that is aimed at; 0 is none
	servers []*server // what it needs to run
	// open prepares both candidates in an empty folder. Each turn lasts about
	// as long as slice and returns what was done per second.
	open func(ctx context.Context, folder string) (reference, ours turn, end func(), err error)
}

type turn func(ctx context.Context, slice time.Duration) (perSecond float64, err error)

// result is what one comparison came to.
type result struct {
	comparison
	reference, ours float64
	ratios          []float64
}

// String is a row of the table.
func (r result) String() string {
	goal := "-"
	if r.goal > 0 {
		goal = fmt.Sprintf("%.2f", r.goal)
	}
	return fmt.Sprintf("| %s | %s | %s | **%.2f** | %.2f .. %.2f | %s |", r.name,
		rate(r.reference), rate(r.ours), median(r.ratios), slices.Min(r.ratios), slices.Max(r.ratios), goal)
}

func rate(perSecond float64) string {
	if perSecond < 100 {
		return fmt.Sprintf("%.1f", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}

// measure lets the candidates take turns; the one that goes first changes from
// round to round. The first round is a warm-up and does not count.
func measure(ctx context.Context, c comparison, folder string, rounds int, slice time.Duration) (result, error) {
	own, err := os.MkdirTemp(folder, "case")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(own)
	reference, ours, end, err := c.open(ctx, own)
	if err != nil {
		return result{}, err
	}
	defer end()
	turns := []turn{reference, ours}
	for _, warm := range turns {
		if _, err := warm(ctx, slice/10); err != nil {
			return result{}, err
		}
	}
	rates := [2][]float64{}
	for round := range rounds {
		for i := range turns {
			which := (round + i) % 2
			runtime.GC()
			perSecond, err := turns[which](ctx, slice)
			if err != nil {
				return result{}, err
			}
			rates[which] = append(rates[which], perSecond)
		}
	}
	r := result{comparison: c, reference: median(rates[0]), ours: median(rates[1])}
	for round := range rounds {
		r.ratios = append(r.ratios, rates[1][round]/rates[0][round])
	}
	return r, nil
}

// repeat calls f from several goroutines, one call after the other in each,
// until the slice is over, and returns calls per second. Every call has a number
// of its own. A call counts once it has returned.
func repeat(ctx context.Context, slice time.Duration, goroutines int, f func(ctx context.Context, number int64) error) (float64, error) {
	var (
		done     atomic.Int64
		callers  sync.WaitGroup
		failures = make([]error, goroutines)
		start    = time.Now()
	)
	for i := range goroutines {
		callers.Go(func() {
			for time.Since(start) < slice {
				if failures[i] = f(ctx, numbers.Add(1)); failures[i] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	callers.Wait()
	return float64(done.Load()) / time.Since(start).Seconds(), errors.Join(failures...)
}

// numbers numbers every call of a run, so that no two are alike.
var numbers atomic.Int64

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
