package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	selectNotifications = `SELECT n.id, n.withdrawn, n.audience, n.recipients, ` + packedColumns + ` FROM {notification} n WHERE n.id IN (SELECT id FROM {rows id:id})`

	selectHeldItems = `SELECT ` + itemColumns + `
FROM {rows notification:id tenant:text recipient:text}
JOIN {item} i ON i.notification = r.notification AND i.tenant = r.tenant AND i.recipient = r.recipient
JOIN {notification} n ON n.id = i.notification`

	countUnreads = `SELECT r.tenant, r.recipient,
{count 2 i.tenant = r.tenant AND i.recipient = r.recipient AND i.read_at = 0 AND i.archived = 0 AND i.snoozed <= ?1}
FROM {rows 3 tenant:text recipient:text}`
)

// loaded is what was read for several tasks.
type loaded struct {
	notifications map[notify.ID]loadedNotification
	items         map[placeKey]notify.Item
	profiles      map[notify.Recipient]notify.Profile
	addresses     map[notify.Recipient][]notify.Registration
	unread        map[notify.Recipient]int
}

type loadedNotification struct {
	notify.Notification
	withdrawn bool
	to        []notify.Recipient
	audience  string
}

// Load implements [notify.Outbox]. To and Audience are loaded for the fan-out
// itself only.
func (s *Store) Load(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
	facts := make([]notify.Facts, 0, len(tasks))
	var at time.Time
	err := s.snapshot(ctx, "load", func(ctx context.Context, t *tx) error {
		facts = facts[:0]
		at = instant(t.now)
		for chunk := range slices.Chunk(tasks, lookup) {
			read, err := t.load(ctx, chunk, countUnread)
			if err != nil {
				return err
			}
			for _, k := range chunk {
				facts = append(facts, read.facts(k))
			}
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return facts, at, nil
}

// facts are those of one task.
func (l *loaded) facts(k notify.Task) notify.Facts {
	n := l.notifications[k.Notification]
	f := notify.Facts{Notification: n.Notification, Withdrawn: n.withdrawn}
	if k.Kind == notify.KindFanOut {
		f.Notification.To, f.Notification.Audience = n.to, n.audience
	}
	if queueOf(k.Kind) == queueFanOuts {
		return f
	}
	f.Item = l.items[placeKey{k.Recipient, k.Notification}]
	f.Profile = l.profiles[k.Recipient]
	f.Unread = l.unread[k.Recipient]
	for _, reg := range l.addresses[k.Recipient] {
		if reg.Address.Channel == k.Channel {
			f.Addresses = append(f.Addresses, reg)
		}
	}
	return f
}

func (t *tx) load(ctx context.Context, tasks []notify.Task, countUnread int) (*loaded, error) {
	l := &loaded{
		notifications: map[notify.ID]loadedNotification{},
		items:         map[placeKey]notify.Item{},
		profiles:      map[notify.Recipient]notify.Profile{},
		addresses:     map[notify.Recipient][]notify.Registration{},
		unread:        map[notify.Recipient]int{},
	}
	var notifications []notify.ID
	var recipients []notify.Recipient
	var places rowset
	for _, k := range tasks {
		if k.Notification != "" {
			notifications = append(notifications, k.Notification)
		}
		if queueOf(k.Kind) == queueFanOuts {
			continue
		}
		recipients = append(recipients, k.Recipient)
		places = append(places, []any{k.Notification, k.Recipient.Tenant, k.Recipient.ID})
	}
	if err := t.loadNotifications(ctx, notifications, l); err != nil || len(recipients) == 0 {
		return l, err
	}
	err := t.query(ctx, selectHeldItems, func(r row) error {
		it, err := scanItem(r)
		l.items[placeKey{it.Recipient, it.NotificationID}] = it
		return err
	}, places)
	if err != nil {
		return nil, err
	}
	if err := readProfiles(ctx, t, recipients, l.profiles); err != nil {
		return nil, err
	}
	registrations, err := addresses(ctx, t, recipients)
	if err != nil {
		return nil, err
	}
	for _, reg := range registrations {
		l.addresses[reg.Recipient] = append(l.addresses[reg.Recipient], reg)
	}
	if countUnread <= 0 {
		return l, nil
	}
	return l, t.query(ctx, countUnreads, func(r row) error {
		var of notify.Recipient
		var n int
		err := r.Scan(&of.Tenant, &of.ID, &n)
		l.unread[of] = min(n, countUnread)
		return err
	}, t.now, countUnread, recipientRows(recipients))
}

func (t *tx) loadNotifications(ctx context.Context, of []notify.ID, l *loaded) error {
	if len(of) == 0 {
		return nil
	}
	return t.query(ctx, selectNotifications, func(r row) error {
		var id notify.ID
		var n loadedNotification
		var audience, recipients sql.NullString
		var withdrawn int64
		var p packed
		err := r.Scan(append([]any{scanID(&id), &withdrawn, &audience, &recipients}, p.scan()...)...)
		if err != nil {
			return err
		}
		n.withdrawn, n.audience = withdrawn != 0, audience.String
		if recipients.Valid {
			if n.to, err = unpackRecipients(p.tenant, recipients.String); err != nil {
				return err
			}
		}
		n.Notification, err = p.unpack()
		l.notifications[id] = n
		return err
	}, idRows(of))
}
