package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// The part of the store that work goes through.

func (f faulty) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	return pass(ctx, f.p, "Claim", func(ctx context.Context) ([]notify.Task, error) {
		f.p.w.ledger.leases.Lock()
		defer f.p.w.ledger.leases.Unlock()
		tasks, err := f.p.w.store.Claim(ctx, c)
		for _, t := range tasks {
			f.p.w.ledger.claimed(f.p, t)
		}
		return tasks, err
	})
}

func (f faulty) Renew(ctx context.Context, held []notify.Lease, lease time.Duration) ([]notify.ID, error) {
	return pass(ctx, f.p, "Renew", func(ctx context.Context) ([]notify.ID, error) { return f.p.w.store.Renew(ctx, held, lease) })
}

func (f faulty) Load(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
	type answer struct {
		facts []notify.Facts
		now   time.Time
	}
	a, err := pass(ctx, f.p, "Load", func(ctx context.Context) (answer, error) {
		asked := f.p.w.ledger.moment()
		facts, now, err := f.p.w.store.Load(ctx, tasks, countUnread)
		f.p.mu.Lock()
		defer f.p.mu.Unlock()
		for _, t := range tasks {
			f.p.loads[t.ID] = asked
			delete(f.p.handed, t.ID)
		}
		return answer{facts, now}, err
	})
	return a.facts, a.now, err
}

func (f faulty) Settle(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
	return pass(ctx, f.p, "Settle", func(ctx context.Context) ([]notify.ID, error) {
		f.p.w.ledger.leases.Lock()
		defer f.p.w.ledger.leases.Unlock()
		lost, err := f.p.w.store.Settle(ctx, outcomes)
		if err == nil {
			for _, o := range outcomes {
				if !slices.Contains(lost, o.Task.ID) {
					f.p.w.ledger.settled(f.p, o)
				}
			}
		}
		return lost, err
	})
}

func (f faulty) FanOut(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
	type answer struct {
		at        time.Time
		withdrawn bool
	}
	f.p.expands(c)
	a, err := pass(ctx, f.p, "FanOut", func(ctx context.Context) (answer, error) {
		id := f.p.w.ledger.fanningOut(c)
		at, withdrawn, err := f.p.w.store.FanOut(ctx, c)
		if err == nil && !withdrawn {
			f.p.w.ledger.filed(id, c.Filings)
		}
		return answer{at, withdrawn}, err
	})
	return a.at, a.withdrawn, err
}

func (f faulty) Sweep(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error) {
	return pass(ctx, f.p, "Sweep", func(ctx context.Context) ([]notify.Recipient, error) { return f.p.w.store.Sweep(ctx, id, limit) })
}

func (f faulty) DuePlans(ctx context.Context, channels []string, limit int) ([]notify.Plan, time.Time, error) {
	type answer struct {
		plans []notify.Plan
		now   time.Time
	}
	a, err := pass(ctx, f.p, "DuePlans", func(ctx context.Context) (answer, error) {
		plans, now, err := f.p.w.store.DuePlans(ctx, channels, limit)
		return answer{plans, now}, err
	})
	return a.plans, a.now, err
}

func (f faulty) OpenDigests(ctx context.Context, openings []notify.Opening) error {
	_, err := pass(ctx, f.p, "OpenDigests", func(ctx context.Context) (done, error) {
		err := f.p.w.store.OpenDigests(ctx, openings)
		if err == nil {
			f.p.w.ledger.opened(f.p, openings)
		}
		return only(err)
	})
	return err
}

func (f faulty) DigestEntries(ctx context.Context, digest notify.Task) ([]notify.DigestEntry, error) {
	return pass(ctx, f.p, "DigestEntries", func(ctx context.Context) ([]notify.DigestEntry, error) {
		asked := f.p.w.ledger.moment()
		entries, err := f.p.w.store.DigestEntries(ctx, digest)
		if digest.ID != "" {
			f.p.mu.Lock()
			defer f.p.mu.Unlock()
			f.p.looks[digest.ID] = asked
		}
		return entries, err
	})
}
