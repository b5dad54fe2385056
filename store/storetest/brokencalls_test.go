package storetest_test

import (
	"context"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/storetest"
)

// onTx changes the transactions of the host.
func onTx(edit func(b *bench, tx *storetest.Tx)) alter {
	return func(b *bench) {
		next := b.h.Begin
		b.h.Begin = func(ctx context.Context) (storetest.Tx, error) {
			tx, err := next(ctx)
			edit(b, &tx)
			return tx, err
		}
	}
}

// acceptorFunc is an Acceptor that belongs to every store.
type acceptorFunc func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error)

func (f acceptorFunc) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	return f(ctx, batch)
}

func (f acceptorFunc) BelongsTo(notify.Store) bool { return true }

var brokenCalls = []broken{
	{"stores at once what is in a transaction", onTx(func(b *bench, tx *storetest.Tx) {
		tx.Acceptor, tx.Commit = acceptorFunc(b.accept), func() error { return nil }
	}), []string{"transaction/nothing is visible before the commit", "transaction/nothing is left after a rollback"}},
	{"loses a transaction", onTx(func(_ *bench, tx *storetest.Tx) { tx.Commit = func() error { return nil } }), []string{"transaction/all is visible after the commit", "transaction/other content is a conflict"}},
	{"does not look for keys in a transaction", onTx(func(b *bench, tx *storetest.Tx) {
		next := tx.Acceptor
		tx.Acceptor = acceptorFunc(func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			receipts, err := next.Accept(ctx, batch)
			for i := range receipts {
				receipts[i] = notify.Receipt{ID: batch[i].ID}
			}
			return receipts, err
		})
	}), []string{"transaction/other content is a conflict"}},
	{"keeps the last call of a transaction", onTx(func(_ *bench, tx *storetest.Tx) {
		host := tx.Acceptor.(*hostTx)
		tx.Acceptor = acceptorFunc(func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			host.pending = nil
			return host.Accept(ctx, batch)
		})
	}), []string{"transaction/several calls are one transaction"}},
	{"takes any store for its own", onTx(func(b *bench, tx *storetest.Tx) { tx.Acceptor = acceptorFunc(tx.Acceptor.Accept) }), []string{"transaction/belongs to its store"}},
	{"forgets on a restart", func(b *bench) {
		b.h.Reopen = func() (notify.Store, error) { return memory.New(nil), nil }
	}, []string{"durability/what was acknowledged outlives a restart"}},
	{"loses leases on a restart", func(b *bench) {
		b.h.Reopen = func() (notify.Store, error) {
			for id, epoch := range b.epochs {
				back := notify.Outcome{Task: notify.Lease{ID: id, Epoch: epoch}, Status: notify.StatusPending}
				_, _ = b.m.Settle(context.Background(), []notify.Outcome{back})
			}
			return b.altered, nil
		}
	}, []string{"durability/what was acknowledged outlives a restart"}},
	{"saves in two steps", func(b *bench) {
		next := b.saveProfile
		b.saveProfile = func(ctx context.Context, r notify.Recipient, p notify.Profile) error {
			plans := p.Plans
			p.Plans = nil
			if err := next(ctx, r, p); err != nil || len(plans) == 0 {
				return err
			}
			p.Preferences.Version++
			p.Plans = plans
			return next(ctx, r, p)
		}
	}, []string{"context/a save cut short leaves nothing behind"}},
	{"accepts part of a batch", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			if ctx.Err() != nil && len(batch) > 1 {
				_, _ = next(context.Background(), batch[:1])
			}
			return next(ctx, batch)
		}
	}, []string{"context/an accept cut short leaves nothing behind"}},
	{"accepts without a lock", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) (receipts []notify.Receipt, err error) {
			batch = copied(batch)
			b.racing(func(racing bool) {
				for i := range batch {
					if filings := batch[i].Filings; racing && len(filings) > 1 {
						batch[i].Filings = filings[1:]
					}
				}
				receipts, err = next(ctx, batch)
			})
			return receipts, err
		}
	}, []string{"concurrency/senders to the same recipients", "concurrency/senders, readers and workers"}},
	{"loses a save now and then", onSave(func(_ *bench, _ notify.Recipient, p notify.Profile, next saving) error {
		if p.Preferences.Version == 3 {
			return nil
		}
		return next(p)
	}), []string{"concurrency/a save and a filing"}},
}
