package sqlstore

import (
	"context"
	"strconv"

	"github.com/bellwether-go/notify"
)

// unreadItems are found in an index that has all that is asked of them. Few are
// snoozed, and only for those has the clock to be read.
const unreadItems = `FROM {item} WHERE tenant = ? AND recipient = ? AND read_at = 0 AND archived = 0 AND (snoozed = 0 OR snoozed <= {now})`

// A limit is written into a statement, because a plan that is made for any limit
// is made for a tenth of the table.
func countUnread(limit int) string {
	return `SELECT COUNT(*) FROM (SELECT 1 ` + unreadItems + ` LIMIT ` + strconv.Itoa(limit+1) + `) u`
}

func countUnseen(limit int) string {
	return `SELECT COUNT(*) FROM (SELECT 1 ` + unreadItems + ` AND seen = 0 LIMIT ` + strconv.Itoa(limit+1) + `) u`
}

func countBoth(limit int) string {
	return `SELECT COUNT(*), COUNT(CASE WHEN seen = 0 THEN 1 END) FROM (SELECT seen ` + unreadItems + ` LIMIT ` + strconv.Itoa(limit+1) + `) u`
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

// counts counts both at once, for what is unseen is unread, unless there are
// more of these than it looks at.
func (s *Store) counts(ctx context.Context, on querier, r notify.Recipient, limit int) (counts notify.Counts, err error) {
	args := []any{r.Tenant, r.ID, s.at()}
	err = on.query(ctx, countBoth(limit), func(rows row) error { return rows.Scan(&counts.Unread, &counts.Unseen) }, args...)
	if err != nil || counts.Unread <= limit {
		return counts, err
	}
	err = on.query(ctx, countUnseen(limit), func(rows row) error { return rows.Scan(&counts.Unseen) }, args...)
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
		text, args := itemsQuery(s.d, itemColumns+`, (`+countUnread(limit)+`), (`+countUnseen(limit)+`)`, r, q, now)
		err = on.query(ctx, text, func(r row) error {
			it, err := scanItem(r, &counts.Unread, &counts.Unseen)
			items = append(items, it)
			return err
		}, append([]any{r.Tenant, r.ID, now, r.Tenant, r.ID, now}, args...)...)
		if err == nil && len(items) == 0 {
			counts, err = s.counts(ctx, on, r, limit)
		}
		return err
	})
	if err != nil {
		return nil, notify.Counts{}, err
	}
	return cut(items, q.Limit), upTo(limit, counts), nil
}
