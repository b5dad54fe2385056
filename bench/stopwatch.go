package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// stopwatch measures from before Send to the call of the channel. Nil does not.
type stopwatch struct {
	mu    sync.Mutex
	under map[string]time.Time // by recipient: when it was sent
	took  []time.Duration
}

func (s *stopwatch) left(recipient string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under[recipient] = time.Now()
}

func (s *stopwatch) arrived(recipient string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if start, ok := s.under[recipient]; ok {
		s.took = append(s.took, time.Since(start))
		delete(s.under, recipient)
	}
}

// reset forgets the warm-up.
func (s *stopwatch) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = nil
}

// pace is how many a second are sent while latency is measured.
const pace = 500

// latency sends at a fixed pace, whatever becomes of what was sent before, and
// returns how often the quantile of the latency fits into a second.
func latency(start starter, quantile float64) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		clock := &stopwatch{under: map[string]time.Time{}}
		w, err := start(ctx, clock)
		if err != nil {
			return 0, err
		}
		defer w.Close()
		defer w.stop()
		if err := paced(ctx, w, clock, slice/5); err != nil {
			return 0, err
		}
		clock.reset()
		if err := paced(ctx, w, clock, slice); err != nil {
			return 0, err
		}
		clock.mu.Lock()
		defer clock.mu.Unlock()
		if len(clock.took) == 0 {
			return 0, errors.New("nothing has arrived")
		}
		slices.Sort(clock.took)
		return 1 / clock.took[int(quantile*float64(len(clock.took)-1))].Seconds(), nil
	}
}

// paced sends for so long and returns when all is settled.
func paced(ctx context.Context, w *worker, clock *stopwatch, long time.Duration) error {
	var (
		sends    sync.WaitGroup
		count    = max(1, int(long.Seconds()*pace))
		failures = make([]error, count)
		before   = w.settled.Load()
		start    = time.Now()
	)
	for i := range count {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / pace)))
		sends.Go(func() {
			number := numbers.Add(1)
			clock.left(recipientID(number, 0))
			failures[i] = w.Send(ctx, number, 1)
		})
	}
	sends.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return w.settledBy(start.Add(time.Minute+10*long), before+int64(count))
}
