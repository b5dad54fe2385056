package memory

import (
	"time"

	"github.com/bellwether-go/notify"
)

// item is a place in one recipient's inbox.
type item struct {
	id           notify.ID
	owner        *recipient
	notification *notification
	filed        time.Time
	seen         time.Time
	read         time.Time
	archived     time.Time
	snoozed      time.Time
	repeats      int
	entries      []*entry
}

func (it *item) hidden(now time.Time) bool { return it.snoozed.After(now) }

// in reports whether the item is in a state.
func (it *item) in(state notify.State, now time.Time) bool {
	switch state {
	case notify.StateInbox:
		return it.archived.IsZero() && !it.hidden(now)
	case notify.StateUnread:
		return it.read.IsZero() && it.archived.IsZero() && !it.hidden(now)
	case notify.StateArchived:
		return !it.archived.IsZero()
	case notify.StateSnoozed:
		return it.hidden(now)
	default:
		return true
	}
}

func (it *item) export() notify.Item {
	return notify.Item{
		ID:             it.id,
		Recipient:      it.owner.id,
		Notification:   copyContent(it.notification.content),
		NotificationID: it.notification.id,
		Filed:          it.filed,
		Seen:           it.seen,
		Read:           it.read,
		Archived:       it.archived,
		Snoozed:        it.snoozed,
		Repeats:        it.repeats,
	}
}

// tally adds an item to the tallies, or with n = -1 takes it out of them. Who
// changes an item takes it out before and adds it after.
func (r *recipient) tally(it *item, n int) {
	if it.archived.IsZero() {
		if it.read.IsZero() {
			r.unread += n
		}
		if it.seen.IsZero() {
			r.unseen += n
		}
	}
	switch {
	case it.snoozed.IsZero():
	case n < 0:
		delete(r.snoozed, it)
	default:
		if r.snoozed == nil {
			r.snoozed = make(map[*item]struct{})
		}
		r.snoozed[it] = struct{}{}
	}
}

// countsUpTo returns the counts, cut off at a limit. A limit of 0 is none.
func (r *recipient) countsUpTo(limit int, now time.Time) notify.Counts {
	unread, unseen := r.counts(now)
	if limit <= 0 {
		return notify.Counts{Unread: unread, Unseen: unseen}
	}
	return notify.Counts{
		Unread:  min(unread, limit),
		Unseen:  min(unseen, limit),
		AtLeast: max(unread, unseen) > limit,
	}
}

// counts returns how many items are unread, and how many unseen.
func (r *recipient) counts(now time.Time) (unread, unseen int) {
	unread, unseen = r.unread, r.unseen
	for it := range r.snoozed {
		if !it.hidden(now) || !it.archived.IsZero() {
			continue
		}
		if it.read.IsZero() {
			unread--
		}
		if it.seen.IsZero() {
			unseen--
		}
	}
	return unread, unseen
}
