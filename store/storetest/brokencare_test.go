package storetest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// withdrawing and sweeping are the rest of a store's calls.
type (
	withdrawing = func(notify.Withdrawal) ([]notify.ID, error)
	sweeping    = func(notify.ID, int) ([]notify.Recipient, error)
)

var brokenWithdraw = []broken{
	{"withdraws a key of every provider", onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		ids, err := next(w)
		if w.Key != "" {
			w.Provider = "chats"
			more, _ := next(w)
			ids = append(ids, more...)
		}
		return ids, err
	}), nil},
	{"withdraws of every provider", onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		if w.Entity != "" {
			w.Provider = ""
		}
		return next(w)
	}), nil},
	{"withdraws of one provider only", onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		w.Provider = "billing"
		return next(w)
	}), nil},
	{"withdraws again", func(b *bench) {
		var all []notify.ID
		onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
			ids, err := next(w)
			all = append(all, ids...)
			return slices.Clone(all), err
		})(b)
	}, nil},
	{"does not find nothing", onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		ids, err := next(w)
		if len(ids) == 0 && err == nil {
			err = notify.ErrNotFound
		}
		return ids, err
	}), nil},
	{"withdraws an entity once for all", func(b *bench) {
		done := map[notify.Withdrawal]bool{}
		onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
			if done[w] {
				return nil, nil
			}
			done[w] = true
			return next(w)
		})(b)
	}, nil},
	{"sweeps at once", onWithdraw(func(b *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		ids, err := next(w)
		for _, id := range ids {
			_, _ = b.m.Sweep(context.Background(), id, 1000)
		}
		return ids, err
	}), nil},
	{"does not tell that a notification is withdrawn", onFacts(func(_ *bench, _ notify.Task, f *notify.Facts) { f.Withdrawn = false }), nil},
	{"withdraws without a lock", func(b *bench) {
		var all []notify.ID
		onWithdraw(func(b *bench, w notify.Withdrawal, next withdrawing) (ids []notify.ID, err error) {
			b.racing(func(racing bool) {
				ids, err = next(w)
				b.mu.Lock()
				defer b.mu.Unlock()
				all = append(all, ids...)
				if racing {
					ids = slices.Clone(all)
				}
			})
			return ids, err
		})(b)
	}, nil},
	{"sweeps without a limit", onSweep(func(_ *bench, id notify.ID, _ int, next sweeping) ([]notify.Recipient, error) { return next(id, 1000) }), nil},
	{"leaves entries of what it swept", onSweep(func(b *bench, id notify.ID, limit int, next sweeping) ([]notify.Recipient, error) {
		swept, err := next(id, limit)
		now, _ := b.m.Now(context.Background())
		for _, r := range swept {
			b.enter(r, notify.Email, now)
		}
		return swept, err
	}), nil},
	{"sweeps what stands", onSweep(func(b *bench, id notify.ID, limit int, next sweeping) ([]notify.Recipient, error) {
		swept, err := next(id, limit)
		for _, r := range b.people {
			if !b.marked[id] && slices.ContainsFunc(b.all(r), func(it notify.Item) bool { return it.ID == id }) {
				swept = append(swept, r)
			}
		}
		return swept, err
	}), nil},
}

func onPauses(edit func(p *notify.Pause)) alter {
	return func(b *bench) {
		next := b.pauses
		b.pauses = func(ctx context.Context) ([]notify.Pause, error) {
			pauses, err := next(ctx)
			for i := range pauses {
				edit(&pauses[i])
			}
			return pauses, err
		}
	}
}

func onSetPause(edit func(b *bench, p *notify.Pause, d *time.Duration)) alter {
	return func(b *bench) {
		next := b.setPause
		b.setPause = func(ctx context.Context, p notify.Pause, d time.Duration) error {
			edit(b, &p, &d)
			return next(ctx, p, d)
		}
	}
}

var brokenPause = []broken{
	{"loses the delay", onPauses(func(p *notify.Pause) { p.Delay = 0 }), nil},
	{"pauses anew", onSetPause(func(b *bench, p *notify.Pause, _ *time.Duration) { _ = b.m.SetPause(context.Background(), *p, 0) }), nil},
	{"cannot lift a pause", onSetPause(func(_ *bench, _ *notify.Pause, d *time.Duration) { *d = max(*d, time.Minute) }), nil},
	{"always allows a probe", func(b *bench) {
		next := b.probe
		b.probe = func(ctx context.Context, channel, account string, d time.Duration) (bool, error) {
			_, err := next(ctx, channel, account, d)
			return true, err
		}
	}, nil},
	{"allows probes without a lock", func(b *bench) {
		next := b.probe
		b.probe = func(ctx context.Context, channel, account string, d time.Duration) (may bool, err error) {
			b.racing(func(racing bool) {
				may, err = next(ctx, channel, account, d)
				may = may || racing
			})
			return may, err
		}
	}, nil},
	{"has one account per channel", onSetPause(func(_ *bench, p *notify.Pause, _ *time.Duration) { p.Account = "relay" }), nil},
}

func onRedeliver(do func(b *bench, ids []notify.ID, next func([]notify.ID) (int, error)) (int, error)) alter {
	return func(b *bench) {
		next := b.redeliver
		b.redeliver = func(ctx context.Context, ids []notify.ID) (int, error) {
			return do(b, slices.Clone(ids), func(ids []notify.ID) (int, error) { return next(ctx, ids) })
		}
	}
}

func onStats(edit func(stats *notify.Stats)) alter {
	return func(b *bench) {
		next := b.stats
		b.stats = func(ctx context.Context) (notify.Stats, error) {
			stats, err := next(ctx)
			edit(&stats)
			return stats, err
		}
	}
}

var brokenLog = []broken{
	{"logs only what is done", onRecords(func(_ *bench, _ notify.DeliveryQuery, records []notify.DeliveryRecord) []notify.DeliveryRecord {
		return slices.DeleteFunc(records, func(r notify.DeliveryRecord) bool { return r.Settled.IsZero() })
	}), nil},
	{"ignores the status of a query", onLogQuery(func(q *notify.DeliveryQuery) { q.Status = "" }), nil},
	{"begins every page with the newest", onLogQuery(func(q *notify.DeliveryQuery) { q.Before = notify.Position{} }), nil},
	{"has no limit of records", onLogQuery(func(q *notify.DeliveryQuery) { q.Limit = max(q.Limit, 1000) }), nil},
	{"ignores the recipient of a query", onLogQuery(func(q *notify.DeliveryQuery) { q.Recipient = nil }), nil},
	{"does not redeliver", onRedeliver(func(_ *bench, ids []notify.ID, _ func([]notify.ID) (int, error)) (int, error) { return len(ids), nil }), nil},
	{"counts what it does not redeliver", onRedeliver(func(_ *bench, ids []notify.ID, next func([]notify.ID) (int, error)) (int, error) {
		_, err := next(ids)
		return len(ids), err
	}), nil},
	{"does not redeliver digests", onRedeliver(func(b *bench, ids []notify.ID, next func([]notify.ID) (int, error)) (int, error) {
		return next(slices.DeleteFunc(ids, func(id notify.ID) bool { return b.tasks[id].Kind == notify.KindDigest }))
	}), nil},
	{"takes all that is pending for due", onStats(func(stats *notify.Stats) {
		for i := range stats.Queues {
			stats.Queues[i].Due = stats.Queues[i].Pending
		}
	}), nil},
	{"counts nothing as dead", onStats(func(stats *notify.Stats) { stats.Dead = 0 }), nil},
	{"does not know what time it is", onStats(func(stats *notify.Stats) { stats.Now = time.Time{} }), nil},
}

func onErase(do func(b *bench, r notify.Recipient, next func(notify.Recipient) (bool, error)) (bool, error)) alter {
	return func(b *bench) {
		next := b.erase
		b.erase = func(ctx context.Context, r notify.Recipient) (bool, error) {
			return do(b, r, func(r notify.Recipient) (bool, error) { return next(ctx, r) })
		}
	}
}

// erasing is the rest of a store's Erase.
type erasing = func(notify.Recipient) (bool, error)

var brokenCare = []broken{
	{"prunes all that was read", onPrune(func(b *bench, p *notify.Prune, _ *int) { p.ReadBefore, _ = b.m.Now(context.Background()) }), nil},
	{"prunes nothing that was read", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.ReadBefore = time.Time{} }), nil},
	{"prunes unread items too", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.UnreadBefore = p.ReadBefore }), nil},
	{"never prunes unread items", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.UnreadBefore = time.Time{} }), nil},
	{"prunes all at once", onPrune(func(_ *bench, _ *notify.Prune, limit *int) { *limit = 1000 }), nil},
	{"does not prune the log", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.DeliveriesBefore = time.Time{} }), nil},
	{"holds keys for ever", func(b *bench) {
		first := map[string]string{}
		onReceipts(func(_ *bench, batch []notify.Acceptance, receipts []notify.Receipt) {
			for i, a := range batch {
				if print, ok := first[a.Notification.Key]; ok && a.Notification.Key != "" && print != a.Fingerprint {
					receipts[i].Err = notify.ErrConflict
				} else {
					first[a.Notification.Key] = a.Fingerprint
				}
			}
		})(b)
	}, nil},
	{"prunes what pending tasks need", func(b *bench) {
		pruned := false
		onPrune(func(*bench, *notify.Prune, *int) { pruned = true })(b)
		onFacts(func(_ *bench, _ notify.Task, f *notify.Facts) {
			if pruned {
				f.Notification = notify.Notification{}
			}
		})(b)
	}, nil},
	{"does not erase", onErase(func(*bench, notify.Recipient, erasing) (bool, error) { return false, nil }), nil},
	{"erases everybody", onErase(func(b *bench, r notify.Recipient, next erasing) (bool, error) {
		for _, other := range b.people {
			_, _ = b.m.Erase(context.Background(), other)
		}
		return next(r)
	}), nil},
	{"has no tombstone", onErase(func(b *bench, r notify.Recipient, next erasing) (bool, error) {
		busy, err := next(r)
		_ = b.m.Restore(context.Background(), r)
		return busy, err
	}), nil},
	{"is never busy", onErase(func(_ *bench, r notify.Recipient, next erasing) (bool, error) {
		_, err := next(r)
		return false, err
	}), nil},
	{"is always busy", onErase(func(_ *bench, r notify.Recipient, next erasing) (bool, error) {
		_, err := next(r)
		return true, err
	}), nil},
	{"lets a second erasure lift the first", onErase(func(b *bench, r notify.Recipient, next erasing) (bool, error) {
		if b.m.Restore(context.Background(), r) == nil {
			return false, nil
		}
		return next(r)
	}), nil},
	{"does not restore", func(b *bench) {
		b.restore = func(context.Context, notify.Recipient) error { return nil }
	}, nil},
	{"restores whom it never erased", func(b *bench) {
		next := b.restore
		b.restore = func(ctx context.Context, r notify.Recipient) error {
			if err := next(ctx, r); !errors.Is(err, notify.ErrNotFound) {
				return err
			}
			return nil
		}
	}, nil},
}
