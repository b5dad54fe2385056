package storetest_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var brokenInbox = []broken{
	{"lists oldest first", onQuery(func(_ *bench, _ *notify.Recipient, q *notify.ItemQuery) { q.Ascending = true }), []string{"inbox/newest first"}},
	{"lists newest first only", onQuery(func(_ *bench, _ *notify.Recipient, q *notify.ItemQuery) { q.Ascending = false }), []string{"inbox/ascending is oldest first"}},
	{"orders by instant only", onItems(func(_ *bench, _ notify.Recipient, q notify.ItemQuery, items []notify.Item) []notify.Item {
		if q.Limit == 0 && !q.Ascending {
			slices.SortFunc(items, func(a, b notify.Item) int {
				return cmp.Or(b.Filed.Compare(a.Filed), cmp.Compare(a.ID, b.ID))
			})
		}
		return items
	}), []string{"inbox/equal instants are ordered by id"}},
	{"begins a page with the end of the one before", onQuery(func(_ *bench, _ *notify.Recipient, q *notify.ItemQuery) {
		if !q.Before.Filed.IsZero() {
			q.Before.Filed = q.Before.Filed.Add(time.Microsecond)
		}
	}), []string{"inbox/pages join without gap or repetition"}},
	{"pages by offset", func(b *bench) {
		next := b.items
		served := map[notify.Recipient]int{}
		b.items = func(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
			skip := 0
			if !q.Before.Filed.IsZero() {
				skip, q.Before = served[r], notify.Position{}
			}
			limit := q.Limit
			q.Limit = 0
			items, err := next(ctx, r, q)
			items = items[min(skip, len(items)):]
			if limit > 0 {
				items = items[:min(limit, len(items))]
				served[r] = skip + len(items)
			}
			return items, err
		}
	}, []string{"inbox/pages are stable while items come in"}},
	{"ignores where to begin", onQuery(func(_ *bench, _ *notify.Recipient, q *notify.ItemQuery) { q.After = notify.Position{} }), []string{"inbox/pages join without gap or repetition", "inbox/after a position only newer ones"}},
	{"has a limit of its own", onQuery(func(_ *bench, _ *notify.Recipient, q *notify.ItemQuery) { q.Limit = min(cmp.Or(q.Limit, 200), 200) }), []string{"inbox/limit zero is no limit"}},
	{"ignores the provider of a query", onQuery(func(_ *bench, _ *notify.Recipient, q *notify.ItemQuery) { q.Provider = "" }), []string{"inbox/by provider"}},
	{"finds ids only in their state", onItems(func(b *bench, r notify.Recipient, q notify.ItemQuery, items []notify.Item) []notify.Item {
		if len(q.IDs) == 0 {
			return items
		}
		q.IDs = nil
		in, _ := b.m.Items(context.Background(), r, q)
		return slices.DeleteFunc(items, func(it notify.Item) bool {
			return !slices.ContainsFunc(in, func(other notify.Item) bool { return other.ID == it.ID })
		})
	}), []string{"inbox/by id in any state", "values/times come back in UTC"}},
	{"takes snoozed for all", onQuery(func(_ *bench, _ *notify.Recipient, q *notify.ItemQuery) {
		if q.State == notify.StateSnoozed {
			q.State = notify.StateAll
		}
	}), []string{"inbox/states", "inbox/a snoozed item is hidden until its instant"}},
	{"wakes an item too late", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next func(notify.Recipient, notify.ItemMark) (int, error)) (int, error) {
		if !m.Until.IsZero() {
			m.Until = m.Until.Add(time.Microsecond)
		}
		return next(r, m)
	}), []string{"marks/each sets its instant"}},
	{"counts unread for unseen", onCounts(func(b *bench, r notify.Recipient, limit int, c notify.Counts, err error) (notify.Counts, error) {
		c.Unseen = c.Unread
		return c, err
	}), []string{"inbox/counts unread and unseen"}},
	{"counts without end", onCounts(func(b *bench, r notify.Recipient, _ int, _ notify.Counts, _ error) (notify.Counts, error) {
		return b.m.Counts(context.Background(), r, 1<<30)
	}), []string{"inbox/counts stop at the limit"}},
	{"never says that there are more", onCounts(func(b *bench, r notify.Recipient, _ int, c notify.Counts, err error) (notify.Counts, error) {
		c.AtLeast = false
		return c, err
	}), []string{"inbox/counts stop at the limit"}},
	{"does not know an absent recipient", onCounts(func(b *bench, r notify.Recipient, _ int, c notify.Counts, err error) (notify.Counts, error) {
		if !slices.Contains(b.people, r) {
			return c, notify.ErrNotFound
		}
		return c, err
	}), []string{"inbox/an absent recipient has nothing"}},
	{"counts without regard to the context", onCounts(func(b *bench, r notify.Recipient, limit int, _ notify.Counts, _ error) (notify.Counts, error) {
		return b.m.Counts(context.Background(), r, limit)
	}), []string{"context/every call returns the error of a cancelled one", "context/a deadline that has passed"}},
	{"ignores the tenant of a recipient", both(
		onQuery(func(_ *bench, r *notify.Recipient, _ *notify.ItemQuery) { r.Tenant = "" }),
		onFilings(func(f *notify.Filing) { f.Recipient.Tenant = "" }),
	), []string{"inbox/tenants are apart"}},
	{"shows items to whoever has their id", func(b *bench) {
		next := b.items
		b.items = func(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
			items, err := next(ctx, r, q)
			for _, other := range b.people {
				if len(q.IDs) > 0 && other != r {
					more, _ := next(ctx, other, q)
					items = append(items, more...)
				}
			}
			return items, err
		}
	}, []string{"accept/files an item at once", "inbox/somebody else's id does not exist"}},
	{"shares what it returns", func(b *bench) {
		cache := map[notify.ID]notify.Notification{}
		onItem(func(it *notify.Item) {
			n, ok := cache[it.NotificationID]
			if !ok {
				n = it.Notification
				cache[it.NotificationID] = n
			}
			it.Notification.Data, it.Notification.Rows, it.Notification.Actions = n.Data, n.Rows, n.Actions
		})(b)
	}, []string{"inbox/items belong to the caller"}},
}

func onCounts(edit func(b *bench, r notify.Recipient, limit int, c notify.Counts, err error) (notify.Counts, error)) alter {
	return func(b *bench) {
		next := b.counts
		b.counts = func(ctx context.Context, r notify.Recipient, limit int) (notify.Counts, error) {
			c, err := next(ctx, r, limit)
			return edit(b, r, limit, c, err)
		}
	}
}

// marking is the rest of a store's Mark.
type marking = func(notify.Recipient, notify.ItemMark) (int, error)

var brokenMarks = []broken{
	{"does not archive", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		if m.Op == notify.OpArchive {
			return len(m.IDs), nil
		}
		return next(r, m)
	}), []string{"collapse/an archived item gives its key up for good"}},
	{"reads without seeing", onItem(func(it *notify.Item) {
		if it.Seen.Equal(it.Read) {
			it.Seen = time.Time{}
		}
	}), []string{"marks/read is also seen", "marks/the opposites clear the instant"}},
	{"counts what it did not change", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		n, err := next(r, m)
		return max(n, len(m.IDs)), err
	}), []string{"marks/a second time changes nothing"}},
	{"reads again what was read", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		if m.Op == notify.OpRead {
			unread := m
			unread.Op = notify.OpUnread
			_, _ = next(r, unread)
		}
		return next(r, m)
	}), []string{"marks/an instant that is set is kept"}},
	{"cannot take a read back", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		if m.Op == notify.OpUnread {
			return len(m.IDs), nil
		}
		return next(r, m)
	}), []string{"collapse/a read item gives its key up for good"}},
	{"does not end a snooze", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		if m.Op == notify.OpSnooze && m.Until.Before(time.Date(2026, 3, 14, 15, 9, 0, 0, time.UTC)) {
			return len(m.IDs), nil
		}
		return next(r, m)
	}), []string{"marks/a past or zero instant ends a snooze"}},
	{"does not move a snooze", onMark(func(b *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		items, _ := b.m.Items(context.Background(), r, notify.ItemQuery{State: notify.StateSnoozed})
		if m.Op == notify.OpSnooze && len(items) > 0 && !m.Until.IsZero() {
			return len(items), nil
		}
		return next(r, m)
	}), []string{"marks/a snooze can be moved"}},
	{"finds what does not exist", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		n, err := next(r, m)
		if errors.Is(err, notify.ErrNotFound) {
			err = nil
		}
		return n, err
	}), []string{"marks/ids of which none exists are not found", "marks/somebody else's items never change"}},
	{"marks for everybody", onMark(func(b *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		for _, other := range b.people {
			if other != r {
				_, _ = next(other, m)
			}
		}
		return next(r, m)
	}), []string{"prune/notifications that nothing refers to"}},
	{"marks past the position", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		if len(m.IDs) == 0 {
			m.UpTo.Filed = m.UpTo.Filed.Add(time.Hour)
		}
		return next(r, m)
	}), []string{"marks/up to a position leaves newer ones"}},
	{"marks all providers", onMark(func(_ *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		m.Provider = ""
		return next(r, m)
	}), []string{"marks/up to a position only of the provider"}},
	{"marks what is hidden", onMark(func(b *bench, r notify.Recipient, m notify.ItemMark, next marking) (int, error) {
		if len(m.IDs) == 0 {
			for _, it := range b.all(r) {
				m.IDs = append(m.IDs, it.ID)
			}
		}
		return next(r, m)
	}), []string{"marks/up to a position only what is in the inbox"}},
	{"marks without a lock", onMark(func(b *bench, r notify.Recipient, m notify.ItemMark, next marking) (n int, err error) {
		b.racing(func(racing bool) {
			if n, err = next(r, m); racing && err == nil {
				n = len(m.IDs)
			}
		})
		return n, err
	}), []string{"marks/callers at once change an item once"}},
}
