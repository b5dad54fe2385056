package storetest_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/storetest"
)

// bench is where a store gets broken.
type bench struct {
	*altered
	m *memory.Store
	h *storetest.Harness

	mu     sync.Mutex
	epochs map[notify.ID]int64       // of tasks, the latest
	tasks  map[notify.ID]notify.Task // claimed
	people []notify.Recipient        // who got a filing
	marked map[notify.ID]bool        // items that were read or archived, and notifications that were withdrawn
	keys   map[keyed]notify.Acceptance
	made   atomic.Int64 // notifications that nobody sent
	inside atomic.Int32 // callers inside a call that a mutant watches
}

// alter breaks a store.
type alter func(b *bench)

// newBench is a bench with a store that remembers, and is not broken.
func newBench() *bench {
	h := inMemory()
	m := h.Store.(*memory.Store)
	b := &bench{
		altered: unaltered(m), m: m, h: &h,
		epochs: map[notify.ID]int64{}, tasks: map[notify.ID]notify.Task{}, marked: map[notify.ID]bool{},
		keys: map[keyed]notify.Acceptance{},
	}
	h.Store = b.altered
	h.Begin = b.begin
	h.Reopen = func() (notify.Store, error) { return b.altered, nil }
	accept, claim, mark, withdraw := b.accept, b.claim, b.mark, b.withdraw
	b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
		b.mu.Lock()
		for _, a := range batch {
			for _, f := range a.Filings {
				if !slices.Contains(b.people, f.Recipient) {
					b.people = append(b.people, f.Recipient)
				}
			}
		}
		b.mu.Unlock()
		receipts, err := accept(ctx, batch)
		for i, r := range receipts {
			if !r.Replayed && r.Err == nil {
				b.remember(batch[i])
			}
		}
		return receipts, err
	}
	b.claim = func(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
		tasks, err := claim(ctx, c)
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, t := range tasks {
			b.epochs[t.ID], b.tasks[t.ID] = t.Epoch, t
		}
		return tasks, err
	}
	b.mark = func(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error) {
		b.mu.Lock()
		for _, id := range m.IDs {
			b.marked[id] = b.marked[id] || m.Op == notify.OpRead || m.Op == notify.OpArchive
		}
		b.mu.Unlock()
		return mark(ctx, r, m)
	}
	b.withdraw = func(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
		ids, err := withdraw(ctx, w)
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, id := range ids {
			b.marked[id] = true
		}
		return ids, err
	}
	return b
}

// remember keeps who holds a key, for transactions.
func (b *bench) remember(a notify.Acceptance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys[keyOf(a.Notification)] = a
}

// racing calls do and tells it whether others are inside at the same time. The
// check runs in a bubble, whose clock moves only when nobody can go on: so the
// others have come in after the first wait, and have all looked after the
// second.
func (b *bench) racing(do func(racing bool)) {
	racing := b.inside.Add(1) > 1
	<-time.After(time.Microsecond)
	racing = racing || b.inside.Load() > 1
	<-time.After(time.Microsecond)
	do(racing)
	b.inside.Add(-1)
}

// all reads every item of r.
func (b *bench) all(r notify.Recipient) []notify.Item {
	items, _ := b.m.Items(context.Background(), r, notify.ItemQuery{State: notify.StateAll})
	return items
}

// copied is a batch that a mutant may change.
func copied(batch []notify.Acceptance) []notify.Acceptance {
	batch = slices.Clone(batch)
	for i := range batch {
		a := &batch[i]
		a.Filings = copiedFilings(a.Filings)
		if a.Task != nil {
			task := *a.Task
			a.Task = &task
		}
	}
	return batch
}

func copiedFilings(filings []notify.Filing) []notify.Filing {
	filings = slices.Clone(filings)
	for i := range filings {
		filings[i].Tasks = slices.Clone(filings[i].Tasks)
		filings[i].Entries = slices.Clone(filings[i].Entries)
	}
	return filings
}

// onBatch has the store accept something else.
func onBatch(edit func(b *bench, batch []notify.Acceptance) []notify.Acceptance) alter {
	return func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			return next(ctx, edit(b, copied(batch)))
		}
	}
}

func onAcceptance(edit func(a *notify.Acceptance)) alter {
	return onBatch(func(_ *bench, batch []notify.Acceptance) []notify.Acceptance {
		for i := range batch {
			edit(&batch[i])
		}
		return batch
	})
}

func onReceipts(edit func(b *bench, batch []notify.Acceptance, receipts []notify.Receipt)) alter {
	return func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			receipts, err := next(ctx, batch)
			edit(b, batch, receipts)
			return receipts, err
		}
	}
}

func onChunk(edit func(b *bench, c *notify.Chunk)) alter {
	return func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
			c.Filings = copiedFilings(c.Filings)
			edit(b, &c)
			return next(ctx, c)
		}
	}
}

// onFilings changes what is filed by Accept and FanOut.
func onFilings(edit func(f *notify.Filing)) alter {
	each := func(filings []notify.Filing) {
		for i := range filings {
			edit(&filings[i])
		}
	}
	return both(
		onAcceptance(func(a *notify.Acceptance) { each(a.Filings) }),
		onChunk(func(_ *bench, c *notify.Chunk) { each(c.Filings) }),
	)
}

// onNewTasks changes the tasks that are put into the outbox.
func onNewTasks(edit func(t *notify.NewTask)) alter {
	return both(
		onFilings(func(f *notify.Filing) {
			for i := range f.Tasks {
				edit(&f.Tasks[i])
			}
		}),
		onAcceptance(func(a *notify.Acceptance) {
			if a.Task != nil {
				edit(a.Task)
			}
		}),
		onOpening(func(_ *bench, o *notify.Opening) { edit(&o.Task) }),
	)
}

// onEntries changes the digest entries that are filed.
func onEntries(edit func(e *notify.NewEntry)) alter {
	return onFilings(func(f *notify.Filing) {
		for i := range f.Entries {
			edit(&f.Entries[i])
		}
	})
}

func both(alters ...alter) alter {
	return func(b *bench) {
		for _, a := range alters {
			a(b)
		}
	}
}

func onItems(edit func(b *bench, r notify.Recipient, q notify.ItemQuery, items []notify.Item) []notify.Item) alter {
	return func(b *bench) {
		next := b.items
		b.items = func(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
			items, err := next(ctx, r, q)
			return edit(b, r, q, items), err
		}
	}
}

// onItem changes each item on its way out.
func onItem(edit func(it *notify.Item)) alter {
	return both(onItems(func(_ *bench, _ notify.Recipient, _ notify.ItemQuery, items []notify.Item) []notify.Item {
		for i := range items {
			edit(&items[i])
		}
		return items
	}), onFacts(func(_ *bench, _ notify.Task, f *notify.Facts) {
		if f.Item.ID != "" {
			edit(&f.Item)
		}
	}))
}

// onContent changes each notification on its way out.
func onContent(edit func(n *notify.Notification)) alter {
	return both(onItem(func(it *notify.Item) { edit(&it.Notification) }),
		onFacts(func(_ *bench, _ notify.Task, f *notify.Facts) { edit(&f.Notification) }))
}

func onQuery(edit func(b *bench, r *notify.Recipient, q *notify.ItemQuery)) alter {
	return func(b *bench) {
		next := b.items
		b.items = func(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
			edit(b, &r, &q)
			return next(ctx, r, q)
		}
	}
}

func onMark(do func(b *bench, r notify.Recipient, m notify.ItemMark, next func(notify.Recipient, notify.ItemMark) (int, error)) (int, error)) alter {
	return func(b *bench) {
		next := b.mark
		b.mark = func(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error) {
			return do(b, r, m, func(r notify.Recipient, m notify.ItemMark) (int, error) { return next(ctx, r, m) })
		}
	}
}

func onProfiles(edit func(r notify.Recipient, p *notify.Profile)) alter {
	return func(b *bench) {
		next := b.profiles
		b.profiles = func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
			profiles, err := next(ctx, rs)
			for r, p := range profiles {
				edit(r, &p)
				profiles[r] = p
			}
			return profiles, err
		}
	}
}

func onSave(do func(b *bench, r notify.Recipient, p notify.Profile, next func(notify.Profile) error) error) alter {
	return func(b *bench) {
		next := b.saveProfile
		b.saveProfile = func(ctx context.Context, r notify.Recipient, p notify.Profile) error {
			return do(b, r, p, func(p notify.Profile) error { return next(ctx, r, p) })
		}
	}
}

func onRegister(do func(b *bench, reg notify.Registration, limit int, next func(notify.Registration, int) (notify.Registration, error)) (notify.Registration, error)) alter {
	return func(b *bench) {
		next := b.register
		b.register = func(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error) {
			return do(b, reg, limit, func(reg notify.Registration, limit int) (notify.Registration, error) { return next(ctx, reg, limit) })
		}
	}
}

func onRegistrations(edit func(b *bench, regs []notify.Registration) []notify.Registration) alter {
	return func(b *bench) {
		next := b.addresses
		b.addresses = func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient][]notify.Registration, error) {
			found, err := next(ctx, rs)
			for r, regs := range found {
				found[r] = edit(b, regs)
			}
			return found, err
		}
	}
}

func onClaim(edit func(c *notify.Claim)) alter {
	return func(b *bench) {
		next := b.claim
		b.claim = func(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
			edit(&c)
			return next(ctx, c)
		}
	}
}

func onTask(edit func(b *bench, t *notify.Task)) alter {
	return func(b *bench) {
		next := b.claim
		b.claim = func(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
			tasks, err := next(ctx, c)
			for i := range tasks {
				edit(b, &tasks[i])
			}
			return tasks, err
		}
	}
}

func onRenew(do func(b *bench, leases []notify.Lease, next func([]notify.Lease) ([]notify.ID, error)) ([]notify.ID, error)) alter {
	return func(b *bench) {
		next := b.renew
		b.renew = func(ctx context.Context, leases []notify.Lease, d time.Duration) ([]notify.ID, error) {
			return do(b, slices.Clone(leases), func(leases []notify.Lease) ([]notify.ID, error) { return next(ctx, leases, d) })
		}
	}
}

func onFacts(edit func(b *bench, t notify.Task, f *notify.Facts)) alter {
	return func(b *bench) {
		next := b.load
		b.load = func(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
			facts, at, err := next(ctx, tasks, countUnread)
			for i := range facts {
				edit(b, tasks[i], &facts[i])
			}
			return facts, at, err
		}
	}
}

func onOutcome(edit func(b *bench, o *notify.Outcome)) alter {
	return func(b *bench) {
		next := b.settle
		b.settle = func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
			outcomes = slices.Clone(outcomes)
			for i := range outcomes {
				edit(b, &outcomes[i])
			}
			return next(ctx, outcomes)
		}
	}
}

func onOpening(edit func(b *bench, o *notify.Opening)) alter {
	return onOpenings(func(b *bench, openings []notify.Opening, next func([]notify.Opening) error) error {
		for i := range openings {
			edit(b, &openings[i])
		}
		return next(openings)
	})
}

func onOpenings(do func(b *bench, openings []notify.Opening, next func([]notify.Opening) error) error) alter {
	return func(b *bench) {
		next := b.openDigests
		b.openDigests = func(ctx context.Context, openings []notify.Opening) error {
			return do(b, slices.Clone(openings), func(openings []notify.Opening) error { return next(ctx, openings) })
		}
	}
}

func onWithdraw(do func(b *bench, w notify.Withdrawal, next func(notify.Withdrawal) ([]notify.ID, error)) ([]notify.ID, error)) alter {
	return func(b *bench) {
		next := b.withdraw
		b.withdraw = func(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
			return do(b, w, func(w notify.Withdrawal) ([]notify.ID, error) { return next(ctx, w) })
		}
	}
}

func onSweep(do func(b *bench, id notify.ID, limit int, next func(notify.ID, int) ([]notify.Recipient, error)) ([]notify.Recipient, error)) alter {
	return func(b *bench) {
		next := b.sweep
		b.sweep = func(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error) {
			return do(b, id, limit, func(id notify.ID, limit int) ([]notify.Recipient, error) { return next(ctx, id, limit) })
		}
	}
}

func onRecords(edit func(b *bench, q notify.DeliveryQuery, records []notify.DeliveryRecord) []notify.DeliveryRecord) alter {
	return func(b *bench) {
		next := b.deliveries
		b.deliveries = func(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error) {
			records, err := next(ctx, q)
			return edit(b, q, records), err
		}
	}
}

func onLogQuery(edit func(q *notify.DeliveryQuery)) alter {
	return func(b *bench) {
		next := b.deliveries
		b.deliveries = func(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error) {
			edit(&q)
			return next(ctx, q)
		}
	}
}

func onPrune(edit func(b *bench, p *notify.Prune, limit *int)) alter {
	return func(b *bench) {
		next := b.prune
		b.prune = func(ctx context.Context, p notify.Prune, limit int) (int, error) {
			edit(b, &p, &limit)
			return next(ctx, p, limit)
		}
	}
}
