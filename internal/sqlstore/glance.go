package sqlstore

import (
	"context"
	"slices"

	"github.com/bellwether-go/notify"
)

const glances = `SELECT r.tenant, r.recipient,
{count 2 i.tenant = r.tenant AND i.recipient = r.recipient AND i.read_at = 0 AND i.archived = 0 AND i.snoozed <= c.us},
{count 2 i.tenant = r.tenant AND i.recipient = r.recipient AND i.read_at = 0 AND i.archived = 0 AND i.seen = 0 AND i.snoozed <= c.us},
COALESCE((SELECT i.filed FROM {newest} ORDER BY i.filed DESC, i.id DESC LIMIT 1), 0),
COALESCE((SELECT i.id FROM {newest} ORDER BY i.filed DESC, i.id DESC LIMIT 1), {none})
FROM (SELECT {now 1} AS us) c CROSS JOIN {rows 3 tenant:text recipient:text}`

// Glance implements [notify.Glancer]. Recipients without anything are left out.
func (s *Store) Glance(ctx context.Context, recipients []notify.Recipient, limit int) (map[notify.Recipient]notify.Glimpse, error) {
	found := make(map[notify.Recipient]notify.Glimpse)
	for chunk := range slices.Chunk(recipients, lookup) {
		err := s.read(ctx, "glance", func(ctx context.Context, q querier) error {
			return q.query(ctx, glances, func(rows row) error {
				var r notify.Recipient
				var g notify.Glimpse
				var filed int64
				err := rows.Scan(&r.Tenant, &r.ID, &g.Counts.Unread, &g.Counts.Unseen, &filed, scanID(&g.Newest.ID))
				if filed != 0 {
					g.Newest.Filed = instant(filed)
					g.Counts = upTo(limit, g.Counts)
					found[r] = g
				}
				return err
			}, s.at(), limit+1, recipientRows(chunk))
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// upTo cuts counts off at a limit and says so.
func upTo(limit int, c notify.Counts) notify.Counts {
	return notify.Counts{
		Unread: min(c.Unread, limit), Unseen: min(c.Unseen, limit),
		AtLeast: max(c.Unread, c.Unseen) > limit,
	}
}
