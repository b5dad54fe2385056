package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// The facts about tasks are read by one statement: that is one instant, and one
// round trip. Each task has a row, and one for each of its registered addresses.
// What tasks have in common, a notification or a person, comes with the first of
// them; a person has a row for each plan.
const (
	selectFacts = `SELECT {none}, '', '', '', '', NULL, '', '', 0, 0, '', 0, r.place, c.us,
COALESCE(n.withdrawn, 0), n.audience, n.recipients, COALESCE(n.tenant, ''), COALESCE(n.provider, ''), n.dedup, n.entity, COALESCE(n.content, ''), n.data,
COALESCE(i.id, {none}), COALESCE(i.filed, 0), COALESCE(i.seen, 0), COALESCE(i.read_at, 0), COALESCE(i.archived, 0), COALESCE(i.snoozed, 0), COALESCE(i.repeats, 0),
CASE WHEN t.hash IS NULL THEN 0 ELSE 1 END, COALESCE(p.version, 0), COALESCE(p.document, ''), COALESCE(p.opt_outs, ''),
COALESCE(l.channel, ''), COALESCE(l.next_cut, 0), COALESCE(l.last_cut, 0), `

	fromTasks = ` FROM (SELECT {now 1} AS us) c CROSS JOIN ` + factTasks + `
{probe notification n r.story = 1 AND n.id = r.notification}
{probe item i i.notification = r.notification AND i.tenant = r.tenant AND i.recipient = r.recipient}
{probe tombstone t r.person = 1 AND t.hash = r.hash}
{probe preference p r.person = 1 AND p.tenant = r.tenant AND p.recipient = r.recipient}
{probe plan l r.person = 1 AND l.tenant = r.tenant AND l.recipient = r.recipient}
UNION ALL SELECT ` + addressColumns + `, r.place, 0, 0, NULL, NULL, '', '', NULL, NULL, '', NULL, {none}, 0, 0, 0, 0, 0, 0, 0, 0, '', '', '', 0, 0, 0
FROM ` + factTasks + ` {probe address a a.tenant = r.tenant AND a.recipient = r.recipient AND a.channel = r.channel} WHERE a.id IS NOT NULL`

	factTasks = `{rows 2 place:int notification:id tenant:text recipient:text channel:text hash:text story:int person:int}`

	factsOnly      = selectFacts + `0` + fromTasks
	factsAndUnread = selectFacts + `CASE WHEN r.person = 1 THEN {count 3 i.tenant = r.tenant AND i.recipient = r.recipient AND i.read_at = 0 AND i.archived = 0 AND i.snoozed <= c.us} ELSE 0 END` + fromTasks
)

// Load implements [notify.Outbox]. To and Audience are loaded for the fan-out
// itself only.
func (s *Store) Load(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
	if len(tasks) == 0 {
		at, err := s.Now(ctx)
		return nil, at, err
	}
	text, args := factsOnly, []any{s.at(), factRows(tasks)}
	if countUnread > 0 {
		text, args = factsAndUnread, append(args, countUnread)
	}
	var l *loading
	err := s.read(ctx, "load", func(ctx context.Context, on querier) error {
		l = newLoading(tasks)
		return on.query(ctx, text, l.scan, args...)
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return l.facts(), l.at, nil
}

// factRows are the tasks as selectFacts takes them. Whatever several have in
// common is asked for with the first.
func factRows(tasks []notify.Task) rowset {
	rows := make(rowset, len(tasks))
	stories := make(map[notify.ID]bool, len(tasks))
	people := make(map[notify.Recipient]bool, len(tasks))
	for i, k := range tasks {
		story := k.Notification != "" && !stories[k.Notification]
		stories[k.Notification] = true
		var person bool
		var hash string
		if queueOf(k.Kind) == queueDeliveries && !people[k.Recipient] {
			people[k.Recipient], person, hash = true, true, tombstone(k.Recipient)
		}
		rows[i] = []any{i, k.Notification, k.Recipient.Tenant, k.Recipient.ID, k.Channel, hash, story, person}
	}
	return rows
}

// loading collects what rows of selectFacts say.
type loading struct {
	tasks         []notify.Task
	at            time.Time
	items         []notify.Item           // by task
	addresses     [][]notify.Registration // by task
	notifications map[notify.ID]loadedNotification
	people        map[notify.Recipient]person
}

type loadedNotification struct {
	notify.Notification
	withdrawn bool
	to        []notify.Recipient
	audience  string
}

type person struct {
	profile notify.Profile
	unread  int
}

func newLoading(tasks []notify.Task) *loading {
	return &loading{
		tasks:         tasks,
		items:         make([]notify.Item, len(tasks)),
		addresses:     make([][]notify.Registration, len(tasks)),
		notifications: make(map[notify.ID]loadedNotification, len(tasks)),
		people:        make(map[notify.Recipient]person, len(tasks)),
	}
}

// scan reads a row.
func (l *loading) scan(r row) error {
	var place int
	var now int64
	var n storedNotification
	var it storedItem
	var p storedProfile
	reg, err := scanAddress(r, slices.Concat([]any{&place, &now}, n.scan(), it.scan(), p.scan())...)
	if err != nil {
		return err
	}
	if reg.ID != "" {
		l.addresses[place] = append(l.addresses[place], reg)
		return nil
	}
	k := l.tasks[place]
	l.at = instant(now)
	l.items[place] = it.item(k)
	if n.document != "" {
		if l.notifications[k.Notification], err = n.unpack(); err != nil {
			return err
		}
	}
	return p.addTo(l.people, k.Recipient)
}

// storedNotification is a notification with what only its fan-out needs.
type storedNotification struct {
	packed
	withdrawn            int64
	audience, recipients sql.NullString
}

func (n *storedNotification) scan() []any {
	return slices.Concat([]any{&n.withdrawn, &n.audience, &n.recipients}, n.packed.scan())
}

func (n *storedNotification) unpack() (loadedNotification, error) {
	loaded := loadedNotification{withdrawn: n.withdrawn != 0, audience: n.audience.String}
	var err error
	if n.recipients.Valid {
		if loaded.to, err = unpackRecipients(n.tenant, n.recipients.String); err != nil {
			return loaded, err
		}
	}
	loaded.Notification, err = n.packed.unpack()
	return loaded, err
}

// storedItem is what an item has besides its notification.
type storedItem struct {
	id                                   notify.ID
	filed, seen, read, archived, snoozed int64
	repeats                              int
}

func (it *storedItem) scan() []any {
	return []any{scanID(&it.id), &it.filed, &it.seen, &it.read, &it.archived, &it.snoozed, &it.repeats}
}

// item is that of a task; zero if there is none.
func (it *storedItem) item(k notify.Task) notify.Item {
	if it.id == "" {
		return notify.Item{}
	}
	return notify.Item{
		ID: it.id, Recipient: k.Recipient, NotificationID: k.Notification, Repeats: it.repeats, Filed: instant(it.filed),
		Seen: instant(it.seen), Read: instant(it.read), Archived: instant(it.archived), Snoozed: instant(it.snoozed),
	}
}

// storedProfile is a profile with one of its plans.
type storedProfile struct {
	erased, version, next, last int64
	document, optOuts, channel  string
	unread                      int
}

func (p *storedProfile) scan() []any {
	return []any{&p.erased, &p.version, &p.document, &p.optOuts, &p.channel, &p.next, &p.last, &p.unread}
}

// addTo completes what is known of a recipient. Rows that do not come with a
// person add nothing.
func (p *storedProfile) addTo(people map[notify.Recipient]person, r notify.Recipient) error {
	known := people[r]
	if p.erased != 0 {
		known.profile.Erased = true
	}
	if p.version != 0 {
		if err := unpackProfile(&known.profile, p.version, p.document, p.optOuts); err != nil {
			return err
		}
	}
	if p.channel != "" {
		known.profile.Plans = append(known.profile.Plans, notify.Plan{Recipient: r, Channel: p.channel, NextCut: instant(p.next), LastCut: instant(p.last)})
	}
	known.unread = max(known.unread, p.unread)
	people[r] = known
	return nil
}

// facts are those of the tasks, in their order.
func (l *loading) facts() []notify.Facts {
	all := make([]notify.Facts, len(l.tasks))
	for place, k := range l.tasks {
		f := &all[place]
		n := l.notifications[k.Notification]
		f.Notification, f.Withdrawn = n.Notification, n.withdrawn
		if k.Kind == notify.KindFanOut {
			f.Notification.To, f.Notification.Audience = n.to, n.audience
		}
		if queueOf(k.Kind) == queueFanOuts {
			continue
		}
		if f.Item = l.items[place]; f.Item.ID != "" {
			f.Item.Notification = n.Notification
		}
		person := l.people[k.Recipient]
		f.Profile, f.Unread = person.profile, person.unread
		f.Addresses = l.addresses[place]
		slices.SortFunc(f.Addresses, func(a, b notify.Registration) int {
			return cmp.Or(a.Registered.Compare(b.Registered), cmp.Compare(a.ID, b.ID))
		})
	}
	return all
}
