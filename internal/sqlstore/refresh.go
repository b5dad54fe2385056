package sqlstore

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	slow        = 100 * time.Millisecond
	refreshOnce = time.Minute
)

// refresher has the database look at its tables anew when statements are slow:
// it may have planned them while the tables were all but empty, and keep to that.
type refresher struct {
	wanted atomic.Bool
	last   atomic.Int64 // when it was done, in unix nanoseconds
}

// took notes how long a statement took, whether it succeeded or not.
func (f *refresher) took(d time.Duration) {
	if d > slow {
		f.wanted.Store(true)
	}
}

// due tells, to one caller, whether to do it now.
func (f *refresher) due() bool {
	if !f.wanted.Load() {
		return false
	}
	f.wanted.Store(false)
	last, now := f.last.Load(), time.Now().UnixNano()
	return now-last > int64(refreshOnce) && f.last.CompareAndSwap(last, now)
}

// refresh does it before the next statement, whose context bounds it. If it
// fails, as it does without the right to, things stay as they are.
func (s *Store) refresh(ctx context.Context) {
	if s.d.Refresh != "" && !s.unprepared && s.refresher.due() {
		_, _ = s.db.ExecContext(ctx, s.statement(s.d.Refresh).text)
	}
}
