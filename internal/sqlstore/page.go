package sqlstore

import (
	"context"

	"github.com/bellwether-go/notify"
)

// inboxCounts selects two columns, each of which looks at no more than it needs.
const inboxCounts = `(SELECT COUNT(*) FROM (SELECT 1 FROM {item} WHERE tenant = ? AND recipient = ? AND read_at = 0 AND archived = 0 AND snoozed <= {now} LIMIT ?) u),
(SELECT COUNT(*) FROM (SELECT 1 FROM {item} WHERE tenant = ? AND recipient = ? AND read_at = 0 AND archived = 0 AND seen = 0 AND snoozed <= {now} LIMIT ?) u)`

func inboxCountsArgs(r notify.Recipient, now any, limit int) []any {
	return []any{r.Tenant, r.ID, now, limit + 1, r.Tenant, r.ID, now, limit + 1}
}

// Counts implements [notify.InboxStore].
func (s *Store) Counts(ctx context.Context, r notify.Recipient, limit int) (notify.Counts, error) {
	var counts notify.Counts
	err := s.read(ctx, "counts", func(ctx context.Context, on querier) (err error) {
		counts, err = s.counts(ctx, on, r, limit)
		return err
	})
	return upTo(limit, counts), err
}

func (s *Store) counts(ctx context.Context, on querier, r notify.Recipient, limit int) (counts notify.Counts, err error) {
	err = on.query(ctx, `SELECT `+inboxCounts, func(rows row) error {
		return rows.Scan(&counts.Unread, &counts.Unseen)
	}, inboxCountsArgs(r, s.at(), limit)...)
	return counts, err
}

// Page implements [notify.Pager], by one statement unless the page is empty.
func (s *Store) Page(ctx context.Context, r notify.Recipient, q notify.ItemQuery, limit int) ([]notify.Item, notify.Counts, error) {
	if err := checkState(q.State); err != nil {
		return nil, notify.Counts{}, err
	}
	var items []notify.Item
	var counts notify.Counts
	err := s.read(ctx, "page", func(ctx context.Context, on querier) (err error) {
		items = nil
		now := s.at()
		text, args := itemsQuery(s.d, itemColumns+`, `+inboxCounts, r, q, now)
		err = on.query(ctx, text, func(r row) error {
			it, err := scanItem(r, &counts.Unread, &counts.Unseen)
			items = append(items, it)
			return err
		}, append(inboxCountsArgs(r, now, limit), args...)...)
		if err == nil && len(items) == 0 {
			counts, err = s.counts(ctx, on, r, limit)
		}
		return err
	})
	if err != nil {
		return nil, notify.Counts{}, err
	}
	return items, upTo(limit, counts), nil
}
