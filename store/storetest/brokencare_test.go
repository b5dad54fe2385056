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
	}), []string{"withdraw/by key"}},
	{"withdraws of every provider", onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		if w.Entity != "" {
			w.Provider = ""
		}
		return next(w)
	}), []string{"withdraw/by entity and provider"}},
	{"withdraws of one provider only", onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		w.Provider = "billing"
		return next(w)
	}), []string{"withdraw/by entity of every provider"}},
	{"withdraws again", func(b *bench) {
		var all []notify.ID
		onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
			ids, err := next(w)
			all = append(all, ids...)
			return slices.Clone(all), err
		})(b)
	}, []string{"identifiers/entities"}},
	{"does not find nothing", onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		ids, err := next(w)
		if len(ids) == 0 && err == nil {
			err = notify.ErrNotFound
		}
		return ids, err
	}), []string{"withdraw/a second time finds nothing", "withdraw/what does not exist is no error"}},
	{"withdraws an entity once for all", func(b *bench) {
		done := map[notify.Withdrawal]bool{}
		onWithdraw(func(_ *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
			if done[w] {
				return nil, nil
			}
			done[w] = true
			return next(w)
		})(b)
	}, []string{"withdraw/a later notification about the entity stands"}},
	{"sweeps at once", onWithdraw(func(b *bench, w notify.Withdrawal, next withdrawing) ([]notify.ID, error) {
		ids, err := next(w)
		for _, id := range ids {
			_, _ = b.m.Sweep(context.Background(), id, 1000)
		}
		return ids, err
	}), []string{"claim/up to so many fan-outs and sweeps"}},
	{"does not tell that a notification is withdrawn", onFacts(func(_ *bench, _ notify.Task, f *notify.Facts) { f.Withdrawn = false }), []string{"withdraw/puts a sweep into the outbox", "withdraw/facts say so"}},
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
	}, []string{"withdraw/of callers at once one gets each"}},
	{"sweeps without a limit", onSweep(func(_ *bench, id notify.ID, _ int, next sweeping) ([]notify.Recipient, error) { return next(id, 1000) }), []string{"sweep/removes items in batches and tells whose", "sweep/the last batch removes the task"}},
	{"leaves entries of what it swept", onSweep(func(b *bench, id notify.ID, limit int, next sweeping) ([]notify.Recipient, error) {
		swept, err := next(id, limit)
		now, _ := b.m.Now(context.Background())
		for _, r := range swept {
			b.enter(r, notify.Email, now)
		}
		return swept, err
	}), []string{"sweep/removes digest entries"}},
	{"sweeps what stands", onSweep(func(b *bench, id notify.ID, limit int, next sweeping) ([]notify.Recipient, error) {
		swept, err := next(id, limit)
		for _, r := range b.people {
			if !b.marked[id] && slices.ContainsFunc(b.all(r), func(it notify.Item) bool { return it.ID == id }) {
				swept = append(swept, r)
			}
		}
		return swept, err
	}), []string{"sweep/spares what stands"}},
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
	{"loses the delay", onPauses(func(p *notify.Pause) { p.Delay = 0 }), []string{"pause/what is paused is listed", "pause/a second one keeps since"}},
	{"pauses anew", onSetPause(func(b *bench, p *notify.Pause, _ *time.Duration) { _ = b.m.SetPause(context.Background(), *p, 0) }), []string{"pause/a second one keeps since"}},
	{"cannot lift a pause", onSetPause(func(_ *bench, _ *notify.Pause, d *time.Duration) { *d = max(*d, time.Minute) }), []string{"pause/lifting"}},
	{"always allows a probe", func(b *bench) {
		next := b.probe
		b.probe = func(ctx context.Context, channel, account string, d time.Duration) (bool, error) {
			_, err := next(ctx, channel, account, d)
			return true, err
		}
	}, []string{"pause/a probe only when its instant has come"}},
	{"allows probes without a lock", func(b *bench) {
		next := b.probe
		b.probe = func(ctx context.Context, channel, account string, d time.Duration) (may bool, err error) {
			b.racing(func(racing bool) {
				may, err = next(ctx, channel, account, d)
				may = may || racing
			})
			return may, err
		}
	}, []string{"pause/of probers at once exactly one may"}},
	{"has one account per channel", onSetPause(func(_ *bench, p *notify.Pause, _ *time.Duration) { p.Account = "relay" }), []string{"pause/accounts and channels are apart"}},
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
	}), []string{"settle/given back it is due after the delay"}},
	{"ignores the status of a query", onLogQuery(func(q *notify.DeliveryQuery) { q.Status = "" }), []string{"log/each delivery is in exactly one status"}},
	{"begins every page with the newest", onLogQuery(func(q *notify.DeliveryQuery) { q.Before = notify.Position{} }), []string{"log/newest first, in pages"}},
	{"has no limit of records", onLogQuery(func(q *notify.DeliveryQuery) { q.Limit = max(q.Limit, 1000) }), []string{"log/a hundred when no limit is given"}},
	{"ignores the recipient of a query", onLogQuery(func(q *notify.DeliveryQuery) { q.Recipient = nil }), []string{"log/by recipient, notification, channel and id"}},
	{"does not redeliver", onRedeliver(func(_ *bench, ids []notify.ID, _ func([]notify.ID) (int, error)) (int, error) { return len(ids), nil }), []string{"redeliver/nothing but dead ones"}},
	{"counts what it does not redeliver", onRedeliver(func(_ *bench, ids []notify.ID, next func([]notify.ID) (int, error)) (int, error) {
		_, err := next(ids)
		return len(ids), err
	}), []string{"redeliver/nothing but dead ones"}},
	{"redelivers what was refused as refused", onTask(func(_ *bench, t *notify.Task) {
		if len(t.Accepted) > 0 {
			t.Accepted = append(t.Accepted, "!refused")
		}
	}), []string{"redeliver/dead ones come back with their identity"}},
	{"redelivers as of old", onTask(func(_ *bench, t *notify.Task) {
		if t.Epoch > 1 {
			t.Filed = t.Filed.Add(-time.Hour)
		}
	}), []string{"redeliver/dead ones come back with their identity"}},
	{"takes a rejection for a delivery", onRedeliver(func(b *bench, ids []notify.ID, next func([]notify.ID) (int, error)) (int, error) {
		n, err := next(ids)
		for _, id := range ids {
			records, _ := b.m.Deliveries(context.Background(), notify.DeliveryQuery{IDs: []notify.ID{id}})
			if len(records) == 1 && records[0].Channel == notify.Interface {
				n++
			}
		}
		return n, err
	}), []string{"redeliver/a rejection stays"}},
	{"does not redeliver digests", onRedeliver(func(b *bench, ids []notify.ID, next func([]notify.ID) (int, error)) (int, error) {
		return next(slices.DeleteFunc(ids, func(id notify.ID) bool { return b.tasks[id].Kind == notify.KindDigest }))
	}), []string{"redeliver/a digest"}},
	{"takes all that is pending for due", onStats(func(stats *notify.Stats) {
		for i := range stats.Queues {
			stats.Queues[i].Due = stats.Queues[i].Pending
		}
	}), []string{"stats/counts the outbox"}},
	{"counts the fan-outs of all providers as one", onStats(func(stats *notify.Stats) {
		for i := range stats.Queues {
			stats.Queues[i].Provider = ""
		}
	}), []string{"stats/counts the outbox"}},
	{"counts nothing as dead", onStats(func(stats *notify.Stats) { stats.Dead = 0 }), []string{"stats/dead ones and the earliest plan"}},
	{"does not know what time it is", onStats(func(stats *notify.Stats) { stats.Now = time.Time{} }), []string{"stats/an empty store"}},
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
	{"prunes all that was read", onPrune(func(b *bench, p *notify.Prune, _ *int) { p.ReadBefore, _ = b.m.Now(context.Background()) }), []string{"prune/a zero instant removes nothing"}},
	{"prunes nothing that was read", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.ReadBefore = time.Time{} }), []string{"prune/read and archived items"}},
	{"prunes unread items too", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.UnreadBefore = p.ReadBefore }), []string{"prune/never unread ones by default"}},
	{"never prunes unread items", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.UnreadBefore = time.Time{} }), []string{"prune/unread ones when told"}},
	{"prunes all at once", onPrune(func(_ *bench, _ *notify.Prune, limit *int) { *limit = 1000 }), []string{"prune/in batches"}},
	{"does not prune the log", onPrune(func(_ *bench, p *notify.Prune, _ *int) { p.DeliveriesBefore = time.Time{} }), []string{"prune/settled deliveries"}},
	{"holds keys for ever", func(b *bench) {
		first := map[string]string{}
		onReceipts(func(_ *bench, batch []notify.Acceptance, receipts []notify.Receipt) {
			for i, a := range batch {
				if known, ok := first[a.Notification.Key]; ok && a.Notification.Key != "" && known != a.Fingerprint {
					receipts[i].Err = notify.ErrConflict
				} else {
					first[a.Notification.Key] = a.Fingerprint
				}
			}
		})(b)
	}, []string{"accept/keys are taken per tenant and provider"}},
	{"prunes what pending tasks need", func(b *bench) {
		pruned := false
		onPrune(func(*bench, *notify.Prune, *int) { pruned = true })(b)
		onFacts(func(_ *bench, _ notify.Task, f *notify.Facts) {
			if pruned {
				f.Notification = notify.Notification{}
			}
		})(b)
	}, []string{"prune/a pending fan-out is kept", "prune/what a pending task needs is kept", "prune/what a dead delivery needs is kept"}},
	{"does not erase", onErase(func(*bench, notify.Recipient, erasing) (bool, error) { return false, nil }), []string{"erase/a tombstone stands"}},
	{"erases everybody", onErase(func(b *bench, r notify.Recipient, next erasing) (bool, error) {
		for _, other := range b.people {
			_, _ = b.m.Erase(context.Background(), other)
		}
		return next(r)
	}), []string{"erase/spares everybody else"}},
	{"has no tombstone", onErase(func(b *bench, r notify.Recipient, next erasing) (bool, error) {
		busy, err := next(r)
		_ = b.m.Restore(context.Background(), r)
		return busy, err
	}), []string{"erase/a tombstone stands", "erase/a tombstone drops what is filed"}},
	{"is never busy", onErase(func(_ *bench, r notify.Recipient, next erasing) (bool, error) {
		_, err := next(r)
		return false, err
	}), []string{"erase/busy while a task is held"}},
	{"is always busy", onErase(func(_ *bench, r notify.Recipient, next erasing) (bool, error) {
		_, err := next(r)
		return true, err
	}), []string{"erase/removes all that is stored about a recipient"}},
	{"lets a second erasure lift the first", onErase(func(b *bench, r notify.Recipient, next erasing) (bool, error) {
		if b.m.Restore(context.Background(), r) == nil {
			return false, nil
		}
		return next(r)
	}), []string{"erase/twice"}},
	{"does not restore", func(b *bench) {
		b.restore = func(context.Context, notify.Recipient) error { return nil }
	}, []string{"erase/restore of nobody is not found"}},
	{"restores whom it never erased", func(b *bench) {
		next := b.restore
		b.restore = func(ctx context.Context, r notify.Recipient) error {
			if err := next(ctx, r); !errors.Is(err, notify.ErrNotFound) {
				return err
			}
			return nil
		}
	}, []string{"erase/restore lifts the tombstone", "erase/restore of nobody is not found"}},
}
