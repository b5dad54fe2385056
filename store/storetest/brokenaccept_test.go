package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var brokenAccept = []broken{
	{"files nothing at once", onAcceptance(func(a *notify.Acceptance) { a.Filings = nil }), []string{"accept/a replay writes nothing"}},
	{"refuses an empty batch", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			if len(batch) == 0 {
				return nil, notify.ErrInvalid
			}
			return next(ctx, batch)
		}
	}, []string{"transaction/a replay returns the first receipt", "accept/an empty batch has no receipts"}},
	{"returns receipts out of order", onReceipts(func(_ *bench, _ []notify.Acceptance, r []notify.Receipt) { slices.Reverse(r) }), []string{"context/an accept cut short leaves nothing behind"}},
	{"gives a replay its own id", onReceipts(func(_ *bench, batch []notify.Acceptance, r []notify.Receipt) {
		for i := range r {
			if r[i].Replayed {
				r[i].ID = batch[i].ID
			}
		}
	}), []string{"accept/a replay returns the first receipt"}},
	{"files a replay", onReceipts(func(b *bench, batch []notify.Acceptance, r []notify.Receipt) {
		for i := range r {
			if r[i].Replayed {
				again := batch[i]
				again.Notification.Key = ""
				_, _ = b.m.Accept(context.Background(), []notify.Acceptance{again})
			}
		}
	}), []string{"accept/a replay writes nothing"}},
	{"looks for a key before it locks", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) (receipts []notify.Receipt, err error) {
			batch = copied(batch)
			b.racing(func(racing bool) {
				for i := range batch {
					if racing {
						batch[i].Notification.Key = ""
					}
				}
				receipts, err = next(ctx, batch)
			})
			return receipts, err
		}
	}, []string{"accept/a replay by 32 callers at once"}},
	{"overlooks twins in one batch", onBatch(func(_ *bench, batch []notify.Acceptance) []notify.Acceptance {
		seen := map[string]bool{}
		for i := range batch {
			n := &batch[i].Notification
			if key := n.Key; key != "" && seen[key] {
				n.Key = ""
			} else {
				seen[key] = true
			}
		}
		return batch
	}), []string{"accept/receipts come in the order of the batch"}},
	{"takes different twins in one batch for equal", onBatch(func(_ *bench, batch []notify.Acceptance) []notify.Acceptance {
		first := map[string]string{}
		for i := range batch {
			key := batch[i].Notification.Key
			if known, ok := first[key]; ok && key != "" {
				batch[i].Fingerprint = known
			} else {
				first[key] = batch[i].Fingerprint
			}
		}
		return batch
	}), []string{"accept/receipts come in the order of the batch", "accept/other content in one batch is a conflict"}},
	{"does not tell that a replay was withdrawn", onReceipts(func(_ *bench, _ []notify.Acceptance, r []notify.Receipt) {
		for i := range r {
			r[i].Withdrawn = false
		}
	}), []string{"accept/a replay tells that it was withdrawn"}},
	{"calls filed what a task files", onReceipts(func(_ *bench, batch []notify.Acceptance, r []notify.Receipt) {
		for i := range batch {
			if batch[i].Task != nil {
				r[i].Filed = time.Unix(1, 0).UTC()
			}
		}
	}), []string{"accept/a receipt says when all was filed"}},
	{"tells another instant than the items", onReceipts(func(_ *bench, _ []notify.Acceptance, r []notify.Receipt) {
		for i := range r {
			if !r[i].Filed.IsZero() {
				r[i].Filed = r[i].Filed.Add(time.Microsecond)
			}
		}
	}), []string{"accept/a receipt says when all was filed"}},
	{"calls filed what a tombstone dropped", onReceipts(func(_ *bench, batch []notify.Acceptance, r []notify.Receipt) {
		for i := range batch {
			if batch[i].Task == nil && r[i].Filed.IsZero() && len(batch[i].Filings) > 1 && len(batch) == 1 {
				r[i].Filed = time.Unix(1, 0).UTC()
			}
		}
	}), []string{"erase/a receipt does not call filed what was dropped"}},
	{"takes other content for a replay", onAcceptance(func(a *notify.Acceptance) { a.Fingerprint = "" }), []string{"accept/a conflict fails only its own row"}},
	{"fails the batch for a conflict", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			receipts, err := next(ctx, batch)
			for _, r := range receipts {
				err = errors.Join(err, r.Err)
			}
			return receipts, err
		}
	}, []string{"accept/other content is a conflict", "accept/a conflict fails only its own row"}},
	{"has one space of keys", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			for _, a := range batch {
				for taken, first := range b.keys {
					if n := a.Notification; len(batch) == 1 && taken.key == n.Key && n.Key != "" && taken != keyOf(n) {
						return []notify.Receipt{{ID: first.ID, Replayed: true}}, nil
					}
				}
			}
			return next(ctx, batch)
		}
	}, []string{"accept/keys are taken per tenant and provider"}},
	{"takes equal content for a replay", onAcceptance(func(a *notify.Acceptance) {
		if a.Notification.Key == "" {
			a.Notification.Key = a.Fingerprint
		}
	}), []string{"accept/without a key nothing is a replay"}},
	{"forgets the recipients of a fan-out", onAcceptance(func(a *notify.Acceptance) { a.Notification.To = nil }), []string{"accept/a task waits in the outbox and files nothing"}},
	{"keeps the batch", func(b *bench) {
		kept := map[notify.ID]*notify.Notification{}
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			for i := range batch {
				n := batch[i].Notification
				kept[batch[i].ID] = &n
			}
			return next(ctx, batch)
		}
		onItem(func(it *notify.Item) {
			if n := kept[it.NotificationID]; n != nil {
				it.Notification.Data, it.Notification.Rows, it.Notification.Actions = n.Data, n.Rows, n.Actions
			}
		})(b)
	}, []string{"accept/the batch is not kept"}},
}

// collapsing calls drop for each filing of a notification with a collapse key,
// and leaves out those for which it is true.
func collapsing(drop func(b *bench, n notify.Notification, f notify.Filing) bool) alter {
	return onBatch(func(b *bench, batch []notify.Acceptance) []notify.Acceptance {
		for i := range batch {
			n := batch[i].Notification
			batch[i].Filings = slices.DeleteFunc(batch[i].Filings, func(f notify.Filing) bool {
				return n.CollapseKey != "" && drop(b, n, f)
			})
		}
		return batch
	})
}

var brokenCollapse = []broken{
	{"does not count repeats", onItem(func(it *notify.Item) { it.Repeats = 0 }), []string{"collapse/an unread item is updated and moves up", "collapse/the newest of one batch wins"}},
	{"does not collapse", onAcceptance(func(a *notify.Acceptance) { a.Notification.CollapseKey = "" }), []string{"collapse/a delivery of what was replaced has no item"}},
	{"leaves a collapsed item snoozed", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			var snoozed []notify.Item
			for _, r := range b.people {
				items, _ := b.m.Items(ctx, r, notify.ItemQuery{State: notify.StateSnoozed})
				snoozed = append(snoozed, items...)
			}
			receipts, err := next(ctx, batch)
			for _, it := range snoozed {
				_, _ = b.m.Mark(ctx, it.Recipient, notify.ItemMark{Op: notify.OpSnooze, IDs: []notify.ID{it.ID}, Until: it.Snoozed})
			}
			return receipts, err
		}
	}, []string{"collapse/a snoozed item comes back"}},
	{"files a batch from its end", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			batch = slices.Clone(batch)
			slices.Reverse(batch)
			receipts, err := next(ctx, batch)
			slices.Reverse(receipts)
			return receipts, err
		}
	}, []string{"accept/twins in one batch are one notification"}},
	{"accepts a batch one by one", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
			var all []notify.Receipt
			for i := range batch {
				receipts, err := next(ctx, batch[i:i+1])
				if err != nil {
					return nil, err
				}
				all = append(all, receipts...)
				b.h.Advance(time.Microsecond)
			}
			return all, nil
		}
	}, []string{"collapse/the newest wins in any order of a batch"}},
	{"takes a late filing for a new notification", func(b *bench) {
		next := b.fanOut
		b.fanOut = func(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
			refile(b, c)
			c.Filings = nil
			return next(ctx, c)
		}
	}, []string{"collapse/an earlier one that is filed late is dropped"}},
	{"drops a late filing for what was filed meanwhile", onChunk(func(b *bench, c *notify.Chunk) {
		c.Filings = slices.DeleteFunc(c.Filings, func(f notify.Filing) bool { return len(b.all(f.Recipient)) > 0 })
	}), []string{"collapse/a later one wins over what is filed meanwhile"}},
	{"lets an item hold its key for good", collapsing(func(b *bench, n notify.Notification, f notify.Filing) bool {
		return slices.ContainsFunc(b.all(f.Recipient), func(it notify.Item) bool {
			return it.Notification.CollapseKey == n.CollapseKey && b.marked[it.ID]
		})
	}), []string{
		"collapse/a read item gives its key up for good",
		"collapse/an archived item gives its key up for good",
		"collapse/a withdrawn item gives its key up for good",
	}},
	{"has one collapse key per recipient and provider", onAcceptance(func(a *notify.Acceptance) { a.Notification.CollapseKey = "x" }), []string{
		"accept/without a key nothing is a replay",
		"collapse/keys belong to a recipient and a provider",
		"collapse/without a key nothing collapses",
	}},
	{"looks for a collapse key before it locks", func(b *bench) {
		next := b.accept
		b.accept = func(ctx context.Context, batch []notify.Acceptance) (receipts []notify.Receipt, err error) {
			batch = copied(batch)
			b.racing(func(racing bool) {
				for i := range batch {
					if racing {
						batch[i].Notification.CollapseKey = ""
					}
				}
				receipts, err = next(ctx, batch)
			})
			return receipts, err
		}
	}, []string{"collapse/senders at once leave one item"}},
	{"finds some item for every delivery", onFacts(func(b *bench, t notify.Task, f *notify.Facts) {
		if all := b.all(t.Recipient); f.Item.ID == "" && len(all) > 0 {
			f.Item = all[0]
		}
	}), []string{"collapse/a delivery of what was replaced has no item"}},
	{"hides the item that a withdrawn notification was first in", onItems(func(b *bench, _ notify.Recipient, _ notify.ItemQuery, items []notify.Item) []notify.Item {
		return slices.DeleteFunc(items, func(it notify.Item) bool { return b.marked[it.ID] && it.NotificationID != it.ID })
	}), []string{"collapse/a withdrawal of what was replaced spares the item"}},
}

// refile files a chunk as if its notification had been accepted now.
func refile(b *bench, c notify.Chunk) {
	facts, _, err := b.m.Load(context.Background(), []notify.Task{b.tasks[c.Task.ID]}, 0)
	if err != nil {
		return
	}
	n := facts[0].Notification
	n.To = nil
	b.fresh(n, c.Filings...)
}

// fresh accepts a notification that nobody sent.
func (b *bench) fresh(n notify.Notification, filings ...notify.Filing) {
	n.Key = ""
	id := notify.ID(fmt.Sprintf("0fffffff-ffff-7fff-8000-%012d", b.made.Add(1)))
	_, _ = b.m.Accept(context.Background(), []notify.Acceptance{{ID: id, Notification: n, Filings: filings}})
}
