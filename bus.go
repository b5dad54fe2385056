package notify

import (
	"context"
	"sync"
)

// Signal is a hint that something of a recipient has changed, or a transient
// notification for those who are watching right now.
type Signal struct {
	Recipient Recipient
	Changed   bool // not, or not only, by a new item: by a mark, a save, a withdrawal
	Transient *Item
}

// Bus carries signals between processes. It may lose any of them: a hint that
// is lost costs at most [Options].PollInterval, a transient notification is
// best effort. Both methods are called concurrently.
type Bus interface {
	Publish(ctx context.Context, signals []Signal) error
	// Subscribe calls fn for each signal of the recipient until cancel is
	// called. fn does not block.
	Subscribe(r Recipient, fn func(Signal)) (cancel func(), err error)
}

// localBus is the Bus within one process.
type localBus struct {
	mu          sync.Mutex
	next        int
	subscribers map[Recipient]map[int]func(Signal)
}

func newLocalBus() *localBus {
	return &localBus{subscribers: make(map[Recipient]map[int]func(Signal))}
}

func (b *localBus) Publish(_ context.Context, signals []Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.subscribers) == 0 {
		return nil
	}
	for _, s := range signals {
		for _, fn := range b.subscribers[s.Recipient] {
			fn(s)
		}
	}
	return nil
}

func (b *localBus) Subscribe(r Recipient, fn func(Signal)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	id := b.next
	if b.subscribers[r] == nil {
		b.subscribers[r] = make(map[int]func(Signal))
	}
	b.subscribers[r][id] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subscribers[r], id)
		if len(b.subscribers[r]) == 0 {
			delete(b.subscribers, r)
		}
	}, nil
}
