package notify

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// filed is a notification that this process has just filed, with what it knows
// about that.
type filed struct {
	*filer
	id   ID
	note Notification
	at   time.Time // by the store; zero if it is not known how it came to be filed
}

func (f *filer) filed(id ID, note Notification, at time.Time) filed {
	note.To, note.Audience = nil, ""
	return filed{f, id, note, at}
}

// inform notes for a delivery what a look at the store would show, as of when
// the profile was read. It is believed for as long as what a look shows.
func (f *filed) inform(w *work) {
	if f.at.IsZero() {
		return
	}
	r := w.task.Recipient
	w.task.Filed, w.task.Due, w.now = f.at, f.at, f.at
	w.facts = Facts{
		Notification: f.note, Profile: f.profiles[r],
		Item: Item{ID: f.id, NotificationID: f.id, Recipient: r, Notification: f.note, Filed: f.at},
	}
	w.prepared, w.mark = f.asked, f.filer.mark
}

// load reads from the store what is not known already. Of a delivery that was
// filed in this process a moment ago all is known but registered addresses, and
// what is unread.
func (s *session) load(ctx context.Context, channel Channel, works []*work) error {
	countUnread := 0
	if badger, ok := channel.(Badger); ok && badger.WantsUnread() {
		countUnread = s.n.countLimit
	}
	var known, unknown []*work
	for _, w := range works {
		if countUnread == 0 && s.fresh(w) {
			known = append(known, w)
		} else {
			unknown = append(unknown, w)
		}
	}
	if free, ok := channel.(Addressless); !ok || !free.Addressless() {
		if err := s.loadAddresses(ctx, channel.Name(), known); err != nil {
			return err
		}
	}
	return s.loadFacts(ctx, unknown, countUnread)
}

func (s *session) loadFacts(ctx context.Context, works []*work, countUnread int) error {
	if len(works) == 0 {
		return nil
	}
	tasks := make([]Task, len(works))
	for i, w := range works {
		tasks[i] = w.task
	}
	mark := s.n.changes.mark()
	facts, now, err := s.n.store.Load(ctx, tasks, countUnread)
	if err != nil {
		return fmt.Errorf("notify: load deliveries: %w", err)
	}
	for i, w := range works {
		w.facts, w.now, w.mark, w.prepared = facts[i], now, mark, time.Time{}
		if w.task.Filed.IsZero() { // handed over within this process
			w.task.Filed, w.task.Due = now, now
		}
	}
	return nil
}

func (s *session) loadAddresses(ctx context.Context, channel string, works []*work) error {
	if len(works) == 0 {
		return nil
	}
	registered, err := s.n.store.Addresses(ctx, recipientsOf(works))
	if err != nil {
		return fmt.Errorf("notify: addresses: %w", err)
	}
	for _, w := range works {
		all := slices.Clone(registered[w.task.Recipient])
		w.facts.Addresses = slices.DeleteFunc(all, func(r Registration) bool { return r.Address.Channel != channel })
	}
	return nil
}

// recipientsOf are those whom the works are for, in order.
func recipientsOf(works []*work) []Recipient {
	all := make([]Recipient, len(works))
	for i, w := range works {
		all[i] = w.task.Recipient
	}
	slices.SortFunc(all, compareRecipients)
	return slices.Compact(all)
}

// freshFor is how long what was read about a delivery is believed: longer and
// the item may have been read meanwhile.
const freshFor = time.Second

// fresh tells whether what is known about a delivery may be believed still.
func (s *session) fresh(w *work) bool {
	return time.Since(w.prepared) <= freshFor && !s.n.changes.since(w.mark, w.task.Recipient, w.task.Notification)
}
