package memory

import (
	"context"
	"time"

	"github.com/bellwether-go/notify"
)

// Mark implements [notify.InboxStore]. A zero UpTo is older than every item.
func (s *Store) Mark(ctx context.Context, who notify.Recipient, m notify.ItemMark) (int, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	change, err := changeOf(m)
	if err != nil {
		return 0, err
	}
	r := s.recipients[who]
	if r == nil {
		r = &recipient{id: who}
	}
	targets := s.marked(r, m, now)
	if len(m.IDs) > 0 && len(targets) == 0 {
		return 0, notify.ErrNotFound
	}
	changed := 0
	for _, it := range targets {
		r.tally(it, -1)
		if change(it, now) {
			changed++
		}
		r.tally(it, 1)
		if !it.read.IsZero() || !it.archived.IsZero() {
			r.giveUpKey(it)
		}
	}
	return changed, nil
}

// marked returns the items that a mark names.
func (s *Store) marked(r *recipient, m notify.ItemMark, now time.Time) []*item {
	var targets []*item
	for _, id := range m.IDs {
		if it := s.item(r, id); it != nil {
			targets = append(targets, it)
		}
	}
	if len(m.IDs) > 0 {
		return targets
	}
	place := position(notify.Position{Filed: stamp(m.UpTo.Filed), ID: m.UpTo.ID})
	for it := range r.order.all() {
		if place(it) > 0 {
			break
		}
		if it.in(notify.StateInbox, now) && (m.Provider == "" || it.notification.content.Provider == m.Provider) {
			targets = append(targets, it)
		}
	}
	return targets
}

// changeOf returns what an operation does to an item. The change reports
// whether it made a difference.
func changeOf(m notify.ItemMark) (func(it *item, now time.Time) bool, error) {
	switch m.Op {
	case notify.OpSeen:
		return func(it *item, now time.Time) bool { return set(&it.seen, now) }, nil
	case notify.OpRead:
		return func(it *item, now time.Time) bool {
			seen := set(&it.seen, now)
			return set(&it.read, now) || seen
		}, nil
	case notify.OpUnread:
		return func(it *item, _ time.Time) bool { return reset(&it.read) }, nil
	case notify.OpArchive:
		return func(it *item, now time.Time) bool { return set(&it.archived, now) }, nil
	case notify.OpUnarchive:
		return func(it *item, _ time.Time) bool { return reset(&it.archived) }, nil
	case notify.OpSnooze:
		until := stamp(m.Until)
		return func(it *item, now time.Time) bool { return it.snooze(until, now) }, nil
	}
	return nil, &notify.InvalidError{Field: "Op", Reason: "unknown"}
}

// set sets an instant that is not set already.
func set(at *time.Time, now time.Time) bool {
	if !at.IsZero() {
		return false
	}
	*at = now
	return true
}

func reset(at *time.Time) bool {
	if at.IsZero() {
		return false
	}
	*at = time.Time{}
	return true
}

func (it *item) snooze(until, now time.Time) bool {
	switch {
	case until.After(now):
		if it.snoozed.Equal(until) {
			return false
		}
		it.snoozed = until
		return true
	case it.hidden(now):
		it.snoozed = time.Time{}
		return true
	}
	return false
}
