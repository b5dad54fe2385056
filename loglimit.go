package notify

import (
	"sync"
	"time"
)

// logLimit bounds the rate of log lines: an outage must not fill a disk. It
// allows bursts of logBurst and then one line a second.
type logLimit struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time
}

const logBurst = 20

func (l *logLimit) allow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.last.IsZero() {
		l.tokens = logBurst
	} else {
		l.tokens = min(logBurst, l.tokens+now.Sub(l.last).Seconds())
	}
	l.last = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}
