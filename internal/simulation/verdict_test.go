package simulation

import (
	"context"
	"slices"

	"github.com/bellwether-go/notify"
)

// judge compares what is stored in the end with what has happened.
func (w *world) judge() {
	l := w.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	records := w.records()
	for id, d := range l.deliveries {
		w.judgeDelivery(d, records[id])
		w.judgeAccepts(d, records[id])
	}
	for id := range records {
		if d := l.deliveries[id]; d == nil || !d.created {
			w.violated("%s is in the log, and nobody filed it", id)
		}
	}
	inboxes := make(map[notify.Recipient][]notify.Item)
	for i := range crowdSize {
		inboxes[person(i)] = w.inbox(person(i))
	}
	for id, s := range l.notifications {
		for r := range s.to {
			w.judgeItem(id, s, r, inboxes[r])
		}
	}
}

func (w *world) records() map[notify.ID]notify.DeliveryRecord {
	all, err := w.store.Deliveries(context.Background(), notify.DeliveryQuery{Limit: 1 << 30})
	if err != nil {
		w.violated("read the log: %v", err)
	}
	records := make(map[notify.ID]notify.DeliveryRecord, len(all))
	for _, r := range all {
		records[r.ID] = r
	}
	return records
}

// judgeDelivery: each delivery that was filed ended once, and for good.
func (w *world) judgeDelivery(d *delivery, record notify.DeliveryRecord) {
	final := slices.Contains([]notify.Status{notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead}, record.Status)
	switch {
	case !d.created || w.ledger.everGone[d.recipient]:
		return
	case record.ID == "":
		w.violated("%s was filed and is nowhere", d.id)
	case !final:
		w.violated("%s is %s in the end", d.id, record.Status)
	case record.Reason == "superseded" && d.finals == d.redelivered:
	case d.finals != 1+d.redelivered:
		w.violated("%s ended %d times, and was redelivered %d times", d.id, d.finals, d.redelivered)
	}
	accepted := 0
	for _, a := range d.accepts {
		accepted += a.times
	}
	if record.Status == notify.StatusDelivered && accepted == 0 {
		w.violated("%s is delivered, and no peer has it", d.id)
	}
}

// judgeAccepts: a peer gets something twice only where nobody could know that
// it had it, and always as the same thing.
func (w *world) judgeAccepts(d *delivery, record notify.DeliveryRecord) {
	untold := 0
	for address, a := range d.accepts {
		untold += a.untold
		if a.times > 1+a.untold+d.recoveries {
			w.violated("%s came to %s %d times: %d answers were lost and %d leases", d.id, address, a.times, a.untold, d.recoveries)
		}
	}
	if record.Status == notify.StatusSkipped && record.Reason != "superseded" && len(d.accepts) > 0 && untold+d.recoveries+d.redelivered == 0 {
		w.violated("%s was skipped (%s), and a peer has it", d.id, record.Reason)
	}
}

// inbox reads everything that somebody has, and holds the counts to it.
func (w *world) inbox(r notify.Recipient) []notify.Item {
	items, err := w.store.Items(context.Background(), r, notify.ItemQuery{State: notify.StateAll})
	if err != nil {
		w.violated("read an inbox: %v", err)
	}
	counts, err := w.store.Counts(context.Background(), r, 1<<20)
	if err != nil {
		w.violated("count: %v", err)
	}
	now, err := w.store.Now(context.Background())
	if err != nil {
		w.violated("clock: %v", err)
	}
	unread, unseen := 0, 0
	for _, it := range items {
		if !it.Archived.IsZero() || it.Snoozed.After(now) {
			continue
		}
		if it.Read.IsZero() {
			unread++
		}
		if it.Seen.IsZero() {
			unseen++
		}
	}
	if counts.Unread != unread || counts.Unseen != unseen {
		w.violated("%s has %d unread and %d unseen items, and the counts are %+v", r.ID, unread, unseen, counts)
	}
	return items
}

// judgeItem: each recipient has each notification once, but for those that were
// withdrawn, erased, collapsed, or read and pruned.
func (w *world) judgeItem(id notify.ID, s *sent, r notify.Recipient, items []notify.Item) {
	times, collapsed := 0, false
	for _, it := range items {
		if it.NotificationID == id {
			times++
		}
		collapsed = collapsed || s.notification.CollapseKey != "" && it.Notification.CollapseKey == s.notification.CollapseKey
	}
	switch {
	case times > 1:
		w.violated("%s is in the inbox of %s %d times", id, r.ID, times)
	case times == 1 && s.withdrawn > 0:
		w.violated("%s is withdrawn and still in the inbox of %s", id, r.ID)
	case times == 1:
	case s.withdrawn > 0, w.ledger.everGone[r], collapsed, w.ledger.everRead[inboxItem{r, id}]:
	case s.notification.CollapseKey != "" && w.collapseGroupGone(s, r):
	default:
		w.violated("%s is not in the inbox of %s", id, r.ID)
	}
}

// collapseGroupGone tells whether a notification may have collapsed into an
// item that has gone since: one of its group was withdrawn, or read and pruned.
func (w *world) collapseGroupGone(s *sent, r notify.Recipient) bool {
	for id, other := range w.ledger.notifications {
		if other.notification.CollapseKey == s.notification.CollapseKey && other.to[r] &&
			(other.withdrawn > 0 || w.ledger.everRead[inboxItem{r, id}]) {
			return true
		}
	}
	return false
}
