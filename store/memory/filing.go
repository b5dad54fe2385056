package memory

import (
	"time"

	"github.com/bellwether-go/notify"
)

// collapseKey is the scope of a collapse key within one recipient.
type collapseKey struct{ provider, key string }

func collapseKeyOf(n *notification) collapseKey {
	return collapseKey{n.content.Provider, n.content.CollapseKey}
}

// file gives a notification to one recipient: the item, and with it all that
// the recipient's preferences made of it. It tells whether it did: a filing may
// have to be dropped.
func (s *Store) file(n *notification, f notify.Filing, now time.Time) bool {
	r := s.admit(f.Recipient)
	if r == nil || r.collapsed[n.id] != nil || n.held(f.Recipient) != nil {
		return false
	}
	it := r.holder(n)
	switch {
	case it == nil:
		it = r.addItem(n, now)
	case compareAccepted(it.notification, n) > 0:
		return false
	default:
		r.collapse(it, n, now)
	}
	for _, nt := range f.Tasks {
		t := newTask(nt, now)
		t.Recipient = f.Recipient
		t.PreferencesVersion = f.PreferencesVersion
		s.addDelivery(t, r, n, nt.Lease)
	}
	for _, ne := range f.Entries {
		s.addEntry(it, ne, f.PreferencesVersion, now)
	}
	return true
}

// holder returns the item that holds the collapse key of a notification.
func (r *recipient) holder(n *notification) *item {
	if n.content.CollapseKey == "" {
		return nil
	}
	it := r.holders[collapseKeyOf(n)]
	if it != nil && it.notification.withdrawn {
		r.giveUpKey(it)
		return nil
	}
	return it
}

func (r *recipient) takeKey(it *item) {
	if it.notification.content.CollapseKey == "" {
		return
	}
	if r.holders == nil {
		r.holders = make(map[collapseKey]*item)
	}
	r.holders[collapseKeyOf(it.notification)] = it
}

func (r *recipient) giveUpKey(it *item) {
	if key := collapseKeyOf(it.notification); r.holders[key] == it {
		delete(r.holders, key)
	}
}

func (r *recipient) addItem(n *notification, now time.Time) *item {
	it := &item{id: n.id, owner: r, notification: n, filed: now}
	n.items.insert(it)
	n.references++
	r.order.insert(it)
	r.tally(it, 1)
	r.takeKey(it)
	return it
}

// collapse puts a newer notification in the place of the one that an item
// holds. The key stays with the item: both notifications have the same.
func (r *recipient) collapse(it *item, n *notification, now time.Time) {
	it.notification.items.remove(it)
	it.notification.references--
	r.order.remove(it)
	r.tally(it, -1)
	it.notification = n
	it.filed = now
	it.seen, it.snoozed = time.Time{}, time.Time{}
	it.repeats++
	r.tally(it, 1)
	r.order.insert(it)
	n.items.insert(it)
	n.references++
	if r.collapsed == nil {
		r.collapsed = make(map[notify.ID]*item)
	}
	r.collapsed[it.id] = it
}

// item returns the recipient's item with that id. Most items still hold the
// notification that gave them their id; an index of its own is kept only for
// the others.
func (s *Store) item(r *recipient, id notify.ID) *item {
	if it := r.collapsed[id]; it != nil {
		return it
	}
	if n := s.notifications[id]; n != nil {
		if it := n.held(r.id); it != nil && it.id == id {
			return it
		}
	}
	return nil
}

// removeItem takes an item out, and its entries with it.
func (s *Store) removeItem(it *item) {
	for len(it.entries) > 0 {
		s.removeEntry(it.entries[len(it.entries)-1])
	}
	r := it.owner
	r.giveUpKey(it)
	r.tally(it, -1)
	r.order.remove(it)
	delete(r.collapsed, it.id)
	it.notification.items.remove(it)
	it.notification.references--
}
