package sqlstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Patiently calls f until the database is not busy or the context ends. It
// waits a little longer each time, at random, so that writers do not meet
// again. A duplicate is tried again only so often: the row may have been there
// all along.
func (d *Dialect) Patiently(ctx context.Context, f func() error) error {
	const least, most = time.Millisecond / 2, 25 * time.Millisecond
	duplicates := 20
	for wait := least; ; wait = min(2*wait, most) {
		err := f()
		if err == nil {
			return nil
		}
		if d.Duplicate != nil && d.Duplicate(err) {
			duplicates--
		} else if !d.Busy(err) {
			return err
		}
		if duplicates == 0 {
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
