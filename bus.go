package notify

import (
	"context"
	"slices"
	"sync"
)

// Signal is a hint that something of a recipient has changed, or a transient
// notification for those who are watching right now.
type Signal struct {
	Recipient Recipient
	Changed   bool  // not, or not only, by a new item: by a mark, a save, a withdrawal
	Transient *Item // without its recipient: one for all of them, which nobody changes
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
	subscribers map[Recipient][]subscriber
}

type subscriber struct {
	id   int
	tell func(Signal)
}

func newLocalBus() *localBus {
	return &localBus{subscribers: make(map[Recipient][]subscriber)}
}

func (b *localBus) Publish(_ context.Context, signals []Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.subscribers) == 0 {
		return nil
	}
	for _, s := range signals {
		for _, to := range b.subscribers[s.Recipient] {
			to.tell(s)
		}
	}
	return nil
}

func (b *localBus) Subscribe(r Recipient, fn func(Signal)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	id := b.next
	b.subscribers[r] = append(b.subscribers[r], subscriber{id, fn})
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		left := slices.DeleteFunc(b.subscribers[r], func(s subscriber) bool { return s.id == id })
		if b.subscribers[r] = left; len(left) == 0 {
			delete(b.subscribers, r)
		}
	}, nil
}
