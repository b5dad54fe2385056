package memory

import (
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// notification is what was sent, kept once for all its recipients.
type notification struct {
	id          notify.ID
	content     notify.Notification // To and Audience only while a fan-out is pending
	fingerprint string
	accepted    time.Time
	withdrawn   bool
	items       ordered[*item] // those that hold it now, by recipient
	references  int            // items, tasks in the outbox, digest entries, dead deliveries
}

// keyed is the scope of an idempotency key.
type keyed struct{ tenant, provider, key string }

// entity is the scope of what notifications are about.
type entity struct{ tenant, name string }

func keyOf(n notify.Notification) keyed { return keyed{n.Tenant, n.Provider, n.Key} }

// held returns the recipient's item that the notification is in now.
func (n *notification) held(by notify.Recipient) *item {
	it, _ := n.items.find(func(it *item) int { return compareRecipients(it.owner.id, by) })
	return it
}

// addNotification puts a new notification into the store. Its receivers are
// kept for the fan-out that is to come, if there is one.
func (s *Store) addNotification(a *notify.Acceptance, now time.Time) *notification {
	n := &notification{
		id:          a.ID,
		content:     copyContent(a.Notification),
		fingerprint: a.Fingerprint,
		accepted:    now,
		items:       ordered[*item]{compare: compareOwners},
	}
	n.content.OccurredAt = stamp(n.content.OccurredAt)
	n.content.NotBefore = stamp(n.content.NotBefore)
	n.content.ExpiresAt = stamp(n.content.ExpiresAt)
	if a.Task != nil {
		n.content.To = slices.Clone(a.Notification.To)
		n.content.Audience = a.Notification.Audience
		s.addressed[n] = struct{}{}
	}
	s.notifications[n.id] = n
	s.accepted.insert(n)
	if n.content.Key != "" {
		s.keys[keyOf(n.content)] = n
	}
	if n.content.Entity != "" {
		about := entity{n.content.Tenant, n.content.Entity}
		if s.entities[about] == nil {
			s.entities[about] = &ordered[*notification]{compare: compareAccepted}
		}
		s.entities[about].insert(n)
	}
	return n
}

// forgetReceivers drops what only a pending fan-out needs.
func (s *Store) forgetReceivers(n *notification) {
	n.content.To, n.content.Audience = nil, ""
	delete(s.addressed, n)
}

// removeNotification takes out a notification that nothing refers to. Its key
// can be used again.
func (s *Store) removeNotification(n *notification) {
	delete(s.notifications, n.id)
	s.accepted.remove(n)
	if n.content.Key != "" {
		delete(s.keys, keyOf(n.content))
	}
	if n.content.Entity != "" {
		about := entity{n.content.Tenant, n.content.Entity}
		s.entities[about].remove(n)
		if s.entities[about].length == 0 {
			delete(s.entities, about)
		}
	}
}

// dropUnused removes a notification if nothing refers to it.
func (s *Store) dropUnused(n *notification) {
	if n != nil && n.references == 0 && s.notifications[n.id] == n {
		s.removeNotification(n)
	}
}

// copyContent copies a notification without its receivers.
func copyContent(n notify.Notification) notify.Notification {
	n.To, n.Audience = nil, ""
	n.Rows = slices.Clone(n.Rows)
	n.Actions = slices.Clone(n.Actions)
	n.Data = slices.Clone(n.Data)
	return n
}
