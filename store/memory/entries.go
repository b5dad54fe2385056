package memory

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// entry is an item that waits for a digest, or is bound to one.
type entry struct {
	plan         *plan
	item         *item
	notification *notification // the one that the item held when it was filed
	filed        time.Time
	version      int64 // of the preferences
	digest       *task // nil: pending
}

// addEntry lets an item wait for the next digest. After a collapse its older
// entries stand for nothing, and go when their window closes; that is why an
// entry does not keep its notification, which the item does.
func (s *Store) addEntry(it *item, ne notify.NewEntry, version int64, now time.Time) {
	p := it.owner.planOn(ne.Channel)
	e := &entry{plan: p, item: it, notification: it.notification, filed: now, version: version}
	it.entries = append(it.entries, e)
	p.wait(e)
	if p.nextCut.IsZero() {
		s.planCut(p, ne.NextCut)
	}
}

func (r *recipient) planOn(channel string) *plan {
	if r.plans == nil {
		r.plans = make(map[string]*plan)
	}
	if r.plans[channel] == nil {
		r.plans[channel] = &plan{owner: r, channel: channel}
	}
	return r.plans[channel]
}

// wait puts an entry among the pending ones.
func (p *plan) wait(e *entry) {
	i, _ := slices.BinarySearchFunc(p.pending, e, compareEntries)
	p.pending = slices.Insert(p.pending, i, e)
}

// releaseEntry lets an entry that was bound wait for another digest.
func (s *Store) releaseEntry(e *entry, nextCut time.Time) {
	e.digest.entries = slices.DeleteFunc(e.digest.entries, func(other *entry) bool { return other == e })
	e.digest = nil
	e.plan.wait(e)
	if e.plan.nextCut.IsZero() {
		s.planCut(e.plan, nextCut)
	}
}

// removeEntry forgets an entry. A plan without pending entries has no cut.
func (s *Store) removeEntry(e *entry) {
	same := func(other *entry) bool { return other == e }
	e.item.entries = slices.DeleteFunc(e.item.entries, same)
	if e.digest != nil {
		e.digest.entries = slices.DeleteFunc(e.digest.entries, same)
		return
	}
	e.plan.pending = slices.DeleteFunc(e.plan.pending, same)
	if len(e.plan.pending) == 0 {
		s.planCut(e.plan, time.Time{})
	}
}

// DigestEntries implements [notify.DigestStore].
func (s *Store) DigestEntries(ctx context.Context, digest notify.Task) ([]notify.DigestEntry, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var entries []notify.DigestEntry
	for _, e := range slices.Backward(s.entriesOf(digest)) {
		if e.due(now) {
			entries = append(entries, notify.DigestEntry{
				Item:               e.item.id,
				Provider:           e.notification.content.Provider,
				Filed:              e.filed,
				PreferencesVersion: e.version,
			})
		}
	}
	return entries, nil
}

// entriesOf returns what is bound to a digest, or what is pending, oldest first.
func (s *Store) entriesOf(digest notify.Task) []*entry {
	if digest.ID != "" {
		if t := s.outbox[digest.ID]; t != nil {
			return t.entries
		}
		return nil
	}
	r := s.recipients[digest.Recipient]
	if r == nil || r.plans[digest.Channel] == nil {
		return nil
	}
	return r.plans[digest.Channel].pending
}

// due reports whether an entry belongs into a letter that is written now.
func (e *entry) due(now time.Time) bool {
	expires := e.notification.content.ExpiresAt
	return e.item.in(notify.StateUnread, now) &&
		e.item.notification == e.notification && !e.notification.withdrawn &&
		(expires.IsZero() || expires.After(now))
}
