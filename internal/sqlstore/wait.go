package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Patiently calls f until the database is not busy or the context ends. It
// waits a little longer each time, at random, so that writers do not meet again.
func (d *Dialect) Patiently(ctx context.Context, f func() error) error {
	const least, most = time.Millisecond / 2, 25 * time.Millisecond
	for wait := least; ; wait = min(2*wait, most) {
		err := f()
		if err == nil || !d.Busy(err) {
			return err
		}
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-timer.C:
		}
	}
}
