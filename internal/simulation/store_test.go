package simulation

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

// faulty is the store as one process sees it: every method can go wrong, and
// what it did is written into the ledger.
type faulty struct{ p *process }

var (
	_ notify.Store  = faulty{}
	_ notify.Pruner = faulty{}
	_ notify.Eraser = faulty{}
)

// done is the result of methods that have none.
type done struct{}

func only(err error) (done, error) { return done{}, err }

func (f faulty) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	f.p.files(batch, func(notify.Recipient) moment { return f.p.asked[ctx] })
	f.p.forget(ctx)
	return pass(ctx, f.p, "Accept", func(ctx context.Context) ([]notify.Receipt, error) {
		f.p.w.ledger.filing(batch)
		receipts, err := f.p.w.store.Accept(ctx, batch)
		if err == nil {
			f.p.w.ledger.accepted(batch, receipts)
		}
		return receipts, err
	})
}

func (f faulty) Withdraw(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
	return pass(ctx, f.p, "Withdraw", func(ctx context.Context) ([]notify.ID, error) {
		ids, err := f.p.w.store.Withdraw(ctx, w)
		if err == nil {
			f.p.w.ledger.withdrew(ids)
		}
		return ids, err
	})
}

func (f faulty) Items(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
	return pass(ctx, f.p, "Items", func(ctx context.Context) ([]notify.Item, error) { return f.p.w.store.Items(ctx, r, q) })
}

func (f faulty) Counts(ctx context.Context, r notify.Recipient, limit int) (notify.Counts, error) {
	return pass(ctx, f.p, "Counts", func(ctx context.Context) (notify.Counts, error) {
		c, err := f.p.w.store.Counts(ctx, r, limit)
		if c.Unread < 0 || c.Unseen < 0 {
			f.p.w.violated("counts of %v are negative: %+v", r, c)
		}
		return c, err
	})
}

func (f faulty) Mark(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error) {
	return pass(ctx, f.p, "Mark", func(ctx context.Context) (int, error) {
		f.p.w.ledger.marking(r, m)
		changed, err := f.p.w.store.Mark(ctx, r, m)
		if err == nil {
			f.p.w.ledger.marked(r, m)
		}
		return changed, err
	})
}

func (f faulty) Profiles(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
	f.p.decides(ctx, rs)
	return pass(ctx, f.p, "Profiles", func(ctx context.Context) (map[notify.Recipient]notify.Profile, error) {
		return f.p.w.store.Profiles(ctx, rs)
	})
}

func (f faulty) SaveProfile(ctx context.Context, r notify.Recipient, profile notify.Profile) error {
	_, err := pass(ctx, f.p, "SaveProfile", func(ctx context.Context) (done, error) {
		err := f.p.w.store.SaveProfile(ctx, r, profile)
		if err == nil {
			f.p.w.ledger.saved(r, profile.Preferences)
		}
		return only(err)
	})
	return err
}

func (f faulty) Register(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error) {
	return pass(ctx, f.p, "Register", func(ctx context.Context) (notify.Registration, error) {
		return f.p.w.store.Register(ctx, reg, limit)
	})
}

func (f faulty) Unregister(ctx context.Context, r notify.Recipient, id notify.ID) error {
	_, err := pass(ctx, f.p, "Unregister", func(ctx context.Context) (done, error) { return only(f.p.w.store.Unregister(ctx, r, id)) })
	return err
}

func (f faulty) Addresses(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient][]notify.Registration, error) {
	return pass(ctx, f.p, "Addresses", func(ctx context.Context) (map[notify.Recipient][]notify.Registration, error) {
		return f.p.w.store.Addresses(ctx, rs)
	})
}

func (f faulty) Suppress(ctx context.Context, s notify.Suppression) error {
	_, err := pass(ctx, f.p, "Suppress", func(ctx context.Context) (done, error) {
		err := f.p.w.store.Suppress(ctx, s)
		if err == nil {
			f.p.w.ledger.suppressed(s.Address.Value)
		}
		return only(err)
	})
	return err
}

func (f faulty) Unsuppress(ctx context.Context, tenant, channel, address string) error {
	_, err := pass(ctx, f.p, "Unsuppress", func(ctx context.Context) (done, error) {
		f.p.w.ledger.unsuppressing(address)
		return only(f.p.w.store.Unsuppress(ctx, tenant, channel, address))
	})
	return err
}

func (f faulty) Suppressed(ctx context.Context, tenant string, addresses []notify.Address) ([]notify.Suppression, error) {
	return pass(ctx, f.p, "Suppressed", func(ctx context.Context) ([]notify.Suppression, error) {
		return f.p.w.store.Suppressed(ctx, tenant, addresses)
	})
}

func (f faulty) Suppressions(ctx context.Context, tenant string, after notify.Address, limit int) ([]notify.Suppression, error) {
	return pass(ctx, f.p, "Suppressions", func(ctx context.Context) ([]notify.Suppression, error) {
		return f.p.w.store.Suppressions(ctx, tenant, after, limit)
	})
}

func (f faulty) Pauses(ctx context.Context) ([]notify.Pause, error) {
	return pass(ctx, f.p, "Pauses", func(ctx context.Context) ([]notify.Pause, error) { return f.p.w.store.Pauses(ctx) })
}

func (f faulty) SetPause(ctx context.Context, pause notify.Pause, d time.Duration) error {
	_, err := pass(ctx, f.p, "SetPause", func(ctx context.Context) (done, error) { return only(f.p.w.store.SetPause(ctx, pause, d)) })
	return err
}

func (f faulty) Probe(ctx context.Context, channel, account string, d time.Duration) (bool, error) {
	return pass(ctx, f.p, "Probe", func(ctx context.Context) (bool, error) { return f.p.w.store.Probe(ctx, channel, account, d) })
}

func (f faulty) Deliveries(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error) {
	return pass(ctx, f.p, "Deliveries", func(ctx context.Context) ([]notify.DeliveryRecord, error) {
		return f.p.w.store.Deliveries(ctx, q)
	})
}

func (f faulty) Redeliver(ctx context.Context, ids []notify.ID) (int, error) {
	return pass(ctx, f.p, "Redeliver", func(ctx context.Context) (int, error) {
		dead := f.p.w.ledger.dead(ids)
		n, err := f.p.w.store.Redeliver(ctx, ids)
		if err == nil {
			f.p.w.ledger.redelivered(dead)
		}
		return n, err
	})
}

func (f faulty) Stats(ctx context.Context) (notify.Stats, error) {
	return pass(ctx, f.p, "Stats", func(ctx context.Context) (notify.Stats, error) { return f.p.w.store.Stats(ctx) })
}

func (f faulty) Now(ctx context.Context) (time.Time, error) {
	return pass(ctx, f.p, "Now", func(ctx context.Context) (time.Time, error) { return f.p.w.store.Now(ctx) })
}

func (f faulty) Prune(ctx context.Context, prune notify.Prune, limit int) (int, error) {
	return pass(ctx, f.p, "Prune", func(ctx context.Context) (int, error) { return f.p.w.store.Prune(ctx, prune, limit) })
}

func (f faulty) Erase(ctx context.Context, r notify.Recipient) (bool, error) {
	return pass(ctx, f.p, "Erase", func(ctx context.Context) (bool, error) {
		busy, err := f.p.w.store.Erase(ctx, r)
		if err == nil {
			f.p.w.ledger.erased(r)
		}
		return busy, err
	})
}

func (f faulty) Restore(ctx context.Context, r notify.Recipient) error {
	_, err := pass(ctx, f.p, "Restore", func(ctx context.Context) (done, error) {
		undo := f.p.w.ledger.restoring(r)
		err := f.p.w.store.Restore(ctx, r)
		if err != nil {
			undo()
		}
		return only(err)
	})
	return err
}
