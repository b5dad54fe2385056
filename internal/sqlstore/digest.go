package sqlstore

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	selectDuePlans = `SELECT p.tenant, p.recipient, p.channel, p.next_cut, p.last_cut,
COALESCE((SELECT MIN(e.filed) FROM {entry} e WHERE e.tenant = p.tenant AND e.recipient = p.recipient AND e.channel = p.channel AND e.digest = {none}), 0)
FROM {plan} p WHERE p.next_cut <> 0 AND p.next_cut <= ?1 AND p.channel IN (SELECT id FROM {rows 3 id:text})
ORDER BY p.next_cut, p.tenant, p.recipient, p.channel LIMIT ?2`

	selectEntries = `SELECT e.item, e.provider, e.filed, e.preferences FROM {entry} e
JOIN {item} i ON i.notification = e.notification AND i.tenant = e.tenant AND i.recipient = e.recipient AND i.id = e.item
JOIN {notification} n ON n.id = e.notification
WHERE e.tenant = ?1 AND e.recipient = ?2 AND e.channel = ?3 AND e.digest = ?4
AND i.read_at = 0 AND i.archived = 0 AND i.snoozed <= {now 5} AND n.withdrawn = 0 AND (n.expires = 0 OR n.expires > {now 5})
ORDER BY e.filed DESC, e.item DESC`
)

func scanPlan(r row, more ...any) (notify.Plan, error) {
	var p notify.Plan
	var next, last int64
	err := r.Scan(append([]any{&p.Recipient.Tenant, &p.Recipient.ID, &p.Channel, &next, &last}, more...)...)
	p.NextCut, p.LastCut = instant(next), instant(last)
	return p, err
}

// DuePlans implements [notify.DigestStore]. A limit of 0 is none.
func (s *Store) DuePlans(ctx context.Context, channels []string, limit int) ([]notify.Plan, time.Time, error) {
	var plans []notify.Plan
	var at time.Time
	err := s.read(ctx, "due plans", func(ctx context.Context, q querier) error {
		plans = nil
		now, err := s.now(ctx, q)
		if err != nil {
			return err
		}
		at = instant(now)
		return q.query(ctx, selectDuePlans, func(r row) error {
			var first int64
			p, err := scanPlan(r, &first)
			p.First = instant(first)
			plans = append(plans, p)
			return err
		}, now, atMost(limit), strs(channels))
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return plans, at, nil
}

// DigestEntries implements [notify.DigestStore].
func (s *Store) DigestEntries(ctx context.Context, digest notify.Task) ([]notify.DigestEntry, error) {
	var entries []notify.DigestEntry
	err := s.read(ctx, "digest entries", func(ctx context.Context, q querier) error {
		entries = nil
		return q.query(ctx, selectEntries, func(r row) error {
			var e notify.DigestEntry
			var filed int64
			err := r.Scan(scanID(&e.Item), &e.Provider, &filed, &e.PreferencesVersion)
			e.Filed = instant(filed)
			entries = append(entries, e)
			return err
		}, digest.Recipient.Tenant, digest.Recipient.ID, digest.Channel, digest.ID, s.at())
	})
	return entries, err
}
