package memory

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// Items implements [notify.InboxStore].
func (s *Store) Items(ctx context.Context, who notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if err := checkState(q.State); err != nil {
		return nil, err
	}
	r := s.recipients[who]
	if r == nil {
		return nil, nil
	}
	q.Before.Filed, q.After.Filed = stamp(q.Before.Filed), stamp(q.After.Filed)
	var items []notify.Item
	for it := range s.candidates(r, q) {
		if !it.matches(q, now) {
			continue
		}
		items = append(items, it.export())
		if len(items) == q.Limit {
			break
		}
	}
	return items, nil
}

func checkState(state notify.State) error {
	switch state {
	case notify.StateInbox, notify.StateUnread, notify.StateArchived, notify.StateSnoozed, notify.StateAll:
		return nil
	}
	return &notify.InvalidError{Field: "State", Reason: "unknown"}
}

func (it *item) matches(q notify.ItemQuery, now time.Time) bool {
	return (len(q.IDs) > 0 || it.in(q.State, now)) &&
		(q.Provider == "" || it.notification.content.Provider == q.Provider)
}

// candidates yields the items among which a query selects, in its order.
func (s *Store) candidates(r *recipient, q notify.ItemQuery) iter.Seq[*item] {
	if len(q.IDs) > 0 {
		return slices.Values(s.between(r, q))
	}
	if q.Ascending {
		items := r.order.all()
		if q.After != (notify.Position{}) {
			items = r.order.from(position(q.After))
		}
		return until(items, q)
	}
	items := r.order.backward()
	if q.Before != (notify.Position{}) {
		items = r.order.before(position(q.Before))
	}
	return until(items, q)
}

// until leaves out what is not between the bounds of a query and stops after
// the far one.
func until(items iter.Seq[*item], q notify.ItemQuery) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for it := range items {
			early := q.After != (notify.Position{}) && position(q.After)(it) <= 0
			late := q.Before != (notify.Position{}) && position(q.Before)(it) >= 0
			if early && !q.Ascending || late && q.Ascending {
				return
			}
			if !early && !late && !yield(it) {
				return
			}
		}
	}
}

// between returns the recipient's items with the ids and between the bounds of a
// query, in its order.
func (s *Store) between(r *recipient, q notify.ItemQuery) []*item {
	var found []*item
	for _, id := range q.IDs {
		if it := s.item(r, id); it != nil {
			found = append(found, it)
		}
	}
	slices.SortFunc(found, compareItems)
	found = slices.Compact(found)
	if !q.Ascending {
		slices.Reverse(found)
	}
	return slices.Collect(until(slices.Values(found), q))
}

// position is a place in an inbox, as an ordered set wants it.
func position(p notify.Position) func(*item) int {
	return func(it *item) int { return compareAt(it.filed, it.id, p.Filed, p.ID) }
}

// Counts implements [notify.InboxStore]. A limit of 0 is none.
func (s *Store) Counts(ctx context.Context, who notify.Recipient, limit int) (notify.Counts, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return notify.Counts{}, err
	}
	defer s.mu.Unlock()
	r := s.recipients[who]
	if r == nil {
		return notify.Counts{}, nil
	}
	return r.countsUpTo(limit, now), nil
}
