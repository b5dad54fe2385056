package storetest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/storetest"
)

// clock stands still until it is advanced.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// inMemory is a harness of the in-memory store.
func inMemory() storetest.Harness {
	c := &clock{now: time.Date(2026, 3, 14, 15, 9, 26, 535_897_932, time.UTC)}
	return storetest.Harness{Store: memory.New(&memory.Options{Now: c.Now}), Advance: c.Advance}
}

func TestRun_memory(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Harness { return inMemory() })
}
