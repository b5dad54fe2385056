package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// Deliveries implements [notify.DeliveryLog].
func (s *Store) Deliveries(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	q.Before.Filed = stamp(q.Before.Filed)
	limit := cmp.Or(q.Limit, 100)
	var records []notify.DeliveryRecord
	for t := range s.newest(q) {
		if len(records) == limit {
			break
		}
		if t.matches(q) {
			records = append(records, t.exportRecord())
		}
	}
	return records, nil
}

// newest yields the records among which a query selects, the newest first.
func (s *Store) newest(q notify.DeliveryQuery) iter.Seq[*task] {
	if len(q.IDs) > 0 {
		var named []*task
		for _, id := range q.IDs {
			if t := cmp.Or(s.outbox[id], s.log[id]); t != nil && t.logged() {
				named = append(named, t)
			}
		}
		slices.SortFunc(named, func(a, b *task) int { return compareFiled(b, a) })
		return slices.Values(slices.Compact(named))
	}
	all := &s.deliveries
	if q.Recipient != nil {
		r := s.recipients[*q.Recipient]
		if r == nil {
			return slices.Values([]*task(nil))
		}
		all = &r.deliveries
	}
	if q.Before == (notify.Position{}) {
		return all.backward()
	}
	return all.before(func(t *task) int { return compareAt(t.Filed, t.ID, q.Before.Filed, q.Before.ID) })
}

func (t *task) matches(q notify.DeliveryQuery) bool {
	return (q.Recipient == nil || *q.Recipient == t.Recipient) &&
		(q.Notification == "" || q.Notification == t.Notification) &&
		(q.Channel == "" || q.Channel == t.Channel) &&
		(q.Status == "" || q.Status == t.currentStatus()) &&
		(q.Before == (notify.Position{}) || compareAt(t.Filed, t.ID, q.Before.Filed, q.Before.ID) < 0)
}

func (t *task) currentStatus() notify.Status {
	switch {
	case t.status != "":
		return t.status
	case t.Unknown:
		return notify.StatusUnknown
	}
	return notify.StatusPending
}

func (t *task) exportRecord() notify.DeliveryRecord {
	record := notify.DeliveryRecord{
		ID:           t.ID,
		Recipient:    t.Recipient,
		Notification: t.Notification,
		Provider:     t.Provider,
		Channel:      t.Channel,
		Status:       t.currentStatus(),
		Reason:       t.reason,
		Error:        t.failure,
		Attempts:     t.Attempts,
		Filed:        t.Filed,
		Settled:      t.settled,
		Cut:          t.Cut,
	}
	if t.status == "" {
		record.Due = t.Due
	}
	return record
}

// Redeliver implements [notify.DeliveryLog]. The epoch goes on from where it
// was, so that nobody who held the task before can change it.
func (s *Store) Redeliver(ctx context.Context, ids []notify.ID) (int, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	redelivered := 0
	for _, id := range ids {
		t := s.log[id]
		if t == nil || t.status != notify.StatusDead || t.Channel == notify.Interface {
			continue // a rejection is the only record of the interface
		}
		delete(s.log, id)
		s.dead--
		s.unrecord(t)
		t.Filed = now
		s.record(t, t.owner)
		t.Accepted = slices.DeleteFunc(t.Accepted, func(id string) bool { return strings.HasPrefix(id, "!") })
		t.status, t.reason, t.settled = "", "", time.Time{}
		t.Attempts, t.Recovered, t.Due = 0, false, now
		s.outbox[id] = t
		s.refer(t, s.notifications[t.Notification])
		s.queueOf(t).tasks++
		s.place(t)
		if t.plan != nil {
			t.plan.open = append(t.plan.open, t)
		}
		redelivered++
	}
	return redelivered, nil
}
