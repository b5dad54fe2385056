package notify

import (
	"context"
	"math/rand/v2"
	"time"
)

// RetryPolicy decides whether and when a delivery is tried again after a
// temporary failure or an unknown outcome. It is called concurrently.
type RetryPolicy interface {
	// Next returns the wait before the next attempt, or false to give up,
	// after so many attempts of a delivery that is so old.
	Next(attempts int, age time.Duration) (wait time.Duration, again bool)
}

// Backoff is the RetryPolicy of exponential backoff with full jitter. Zero
// fields have defaults: by them an outage of a peer is survived for hours.
type Backoff struct {
	Base     time.Duration // longest wait after the first attempt, 1 minute; then times 4
	Cap      time.Duration // longest wait at all, 6 hours
	Attempts int           // 8
	MaxAge   time.Duration // 24 hours
}

const minWait = time.Second // full jitter may say "at once", which helps nobody

// Next implements [RetryPolicy].
func (b Backoff) Next(attempts int, age time.Duration) (time.Duration, bool) {
	if attempts >= orDefault(b.Attempts, 8) || age >= orDefault(b.MaxAge, 24*time.Hour) {
		return 0, false
	}
	return jittered(b.ceiling(attempts), rand.Float64()), true
}

// nextTry asks the policy, which may be the host's own. Backoff stands in for
// one that panics.
func (n *Notifier) nextTry(ctx context.Context, attempts int, age time.Duration) (wait time.Duration, again bool) {
	err := guarded(func() error {
		wait, again = n.retry.Next(attempts, age)
		return nil
	})
	if err != nil {
		n.emit(ctx, Event{Type: EventStoreFailed, Reason: "retry policy", Err: err})
		return Backoff{}.Next(attempts, age)
	}
	return wait, again
}

func (b Backoff) ceiling(attempts int) time.Duration {
	wait, limit := orDefault(b.Base, time.Minute), orDefault(b.Cap, 6*time.Hour)
	for range attempts - 1 {
		if wait >= limit/4 {
			return limit
		}
		wait *= 4
	}
	return min(wait, limit)
}

// jittered spreads waits evenly between zero and the ceiling, so that what
// failed together is not tried again together.
func jittered(ceiling time.Duration, random float64) time.Duration {
	return max(minWait, time.Duration(random*float64(ceiling)))
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}
