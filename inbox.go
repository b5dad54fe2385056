package notify

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/url"
	"time"
)

// Item is a notification in one recipient's inbox.
type Item struct {
	ID        ID // stable, also when a newer notification collapses into it
	Recipient Recipient

	// Notification is what was sent; To and Audience are left out. After a
	// collapse it is the newest one, and NotificationID tells which.
	Notification   Notification
	NotificationID ID

	Filed    time.Time // when it entered the inbox, by the store's clock: order and windows use it
	Seen     time.Time // zero: not shown yet
	Read     time.Time // zero: unread
	Archived time.Time // zero: not archived
	Snoozed  time.Time // hidden until then
	Repeats  int       // how many notifications collapsed into it besides the first
}

// State selects items by what the recipient did with them.
type State string

// The states. Snoozed items are in none of the first two until their instant.
const (
	StateInbox    State = ""         // all that is neither archived nor snoozed
	StateUnread   State = "unread"   // of these, what was not read
	StateArchived State = "archived" // put away
	StateSnoozed  State = "snoozed"  // hidden until an instant to come
	StateAll      State = "all"      // everything
)

// Query selects a page of an inbox.
type Query struct {
	State    State
	Provider string // "" is every provider
	Limit    int    // 1 to 200; 0 is 20
	Cursor   string // [Page].Next of the page before; "" starts with the newest
}

// Page is a part of an inbox, newest first.
type Page struct {
	Items  []Item
	Next   string // cursor of the following page; "" when this is the last
	Head   string // cursor of the newest item, for Mark up to it and for Watch
	Counts Counts
}

// Counts are derived from the items, never stored. They are exact up to
// [Options].CountLimit; AtLeast says that one of them stopped there.
type Counts struct {
	Unread  int  `json:"unread"`
	Unseen  int  `json:"unseen"`
	AtLeast bool `json:"at_least,omitempty"`
}

// Op is what a Mark does.
type Op string

// The operations. Each changes only items it makes a difference to.
const (
	OpSeen      Op = "seen"
	OpRead      Op = "read" // also seen
	OpUnread    Op = "unread"
	OpArchive   Op = "archive"
	OpUnarchive Op = "unarchive"
	OpSnooze    Op = "snooze" // needs Until; a past or zero Until ends the snooze
)

// Mark changes the state of items: those with the IDs, or all that are visible
// in the inbox up to the cursor UpTo (and of Provider, if given).
type Mark struct {
	Op       Op
	IDs      []ID // at most 200
	UpTo     string
	Provider string
	Until    time.Time // for OpSnooze
}

// Marked is the answer to a Mark.
type Marked struct {
	Changed int
	Counts  Counts
}

// Inbox is one recipient's items. It is a cheap handle, safe for concurrent
// use; another recipient's ids do not exist for it.
type Inbox struct {
	n         *Notifier
	recipient Recipient
}

// Inbox returns the inbox of r. It always exists, also if nothing was ever sent
// to r.
func (n *Notifier) Inbox(r Recipient) Inbox { return Inbox{n, r} }

const (
	defaultPage = 20
	maxPage     = 200
)

// Page returns a part of the inbox, newest first, with its counts.
func (in Inbox) Page(ctx context.Context, q Query) (Page, error) {
	query, err := in.query(&q)
	if err != nil {
		return Page{}, err
	}
	items, counts, err := in.n.page(ctx, in.recipient, query)
	if err != nil {
		return Page{}, fmt.Errorf("notify: read inbox: %w", err)
	}
	page := Page{Items: in.n.presentAll(items), Counts: counts}
	if len(items) > q.Limit {
		page.Items = items[:q.Limit]
		page.Next = encodeCursor(in.recipient, page.Items[q.Limit-1].position())
	}
	if len(page.Items) > 0 {
		page.Head = encodeCursor(in.recipient, page.Items[0].position())
	}
	return page, nil
}

// page reads items with the counts of their inbox, together if the store can.
func (n *Notifier) page(ctx context.Context, r Recipient, q ItemQuery) ([]Item, Counts, error) {
	if pager, ok := storeRole[Pager](n.store); ok {
		return pager.Page(ctx, r, q, n.countLimit)
	}
	items, err := n.store.Items(ctx, r, q)
	if err != nil {
		return nil, Counts{}, err
	}
	counts, err := n.store.Counts(ctx, r, n.countLimit)
	return items, counts, err
}

// query asks for one item more than the page holds, to know whether there is
// another. It completes q.
func (in Inbox) query(q *Query) (ItemQuery, error) {
	if err := checkRecipient(in.recipient); err != nil {
		return ItemQuery{}, err
	}
	switch q.State {
	case StateInbox, StateUnread, StateArchived, StateSnoozed, StateAll:
	default:
		return ItemQuery{}, invalid("State", "%q is no state", string(q.State))
	}
	if err := checkIdentifier("Provider", q.Provider, false); err != nil {
		return ItemQuery{}, err
	}
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	if q.Limit < 0 || q.Limit > maxPage {
		return ItemQuery{}, invalid("Limit", "%d is not between 1 and %d", q.Limit, maxPage)
	}
	before, err := decodeCursor("Cursor", in.recipient, q.Cursor)
	return ItemQuery{State: q.State, Provider: q.Provider, Before: before, Limit: q.Limit + 1}, err
}

func (in Inbox) items(ctx context.Context, q *Query) ([]Item, error) {
	query, err := in.query(q)
	if err != nil {
		return nil, err
	}
	items, err := in.n.store.Items(ctx, in.recipient, query)
	if err != nil {
		return nil, fmt.Errorf("notify: read inbox: %w", err)
	}
	return in.n.presentAll(items), nil
}

// All yields every item that the query selects from its cursor on, page by
// page. It ends after an error.
func (in Inbox) All(ctx context.Context, q Query) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			items, err := in.items(ctx, &q)
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, item := range items[:min(len(items), q.Limit)] {
				if !yield(item, nil) {
					return
				}
			}
			if len(items) <= q.Limit {
				return
			}
			q.Cursor = encodeCursor(in.recipient, items[q.Limit-1].position())
		}
	}
}

// Get returns one item; ErrNotFound if it is not in this inbox.
func (in Inbox) Get(ctx context.Context, id ID) (Item, error) {
	if err := checkRecipient(in.recipient); err != nil {
		return Item{}, err
	}
	if !id.wellFormed() {
		return Item{}, ErrNotFound
	}
	items, err := in.n.store.Items(ctx, in.recipient, ItemQuery{IDs: []ID{id}})
	if err != nil {
		return Item{}, fmt.Errorf("notify: read inbox: %w", err)
	}
	if len(items) == 0 {
		return Item{}, ErrNotFound
	}
	return in.n.present(items[0]), nil
}

// Counts returns how many items are unread and unseen.
func (in Inbox) Counts(ctx context.Context) (Counts, error) {
	if err := checkRecipient(in.recipient); err != nil {
		return Counts{}, err
	}
	counts, err := in.n.store.Counts(ctx, in.recipient, in.n.countLimit)
	if err != nil {
		return Counts{}, fmt.Errorf("notify: count: %w", err)
	}
	return counts, nil
}

// Mark changes the state of items and answers with the counts that follow. With
// UpTo it changes what is visible at this moment and not newer than that
// cursor, so that what arrives meanwhile stays as it is. IDs that are not in
// this inbox are passed over; if none is, the error is ErrNotFound.
func (in Inbox) Mark(ctx context.Context, m Mark) (Marked, error) {
	mark, err := in.checkMark(m)
	if err != nil {
		return Marked{}, err
	}
	changed, err := in.n.store.Mark(ctx, in.recipient, mark)
	if err != nil {
		return Marked{}, fmt.Errorf("notify: mark: %w", err)
	}
	in.n.changes.of(in.recipient)
	counts, err := in.Counts(ctx)
	if err != nil {
		return Marked{Changed: changed}, err
	}
	if changed > 0 {
		in.n.publish(ctx, []Signal{{Recipient: in.recipient, Changed: true}})
	}
	return Marked{Changed: changed, Counts: counts}, nil
}

func (in Inbox) checkMark(m Mark) (ItemMark, error) {
	mark := ItemMark{Op: m.Op, IDs: m.IDs, Provider: m.Provider}
	if err := checkRecipient(in.recipient); err != nil {
		return mark, err
	}
	switch m.Op {
	case OpSeen, OpRead, OpUnread, OpArchive, OpUnarchive:
	case OpSnooze:
		if !m.Until.IsZero() {
			mark.Until = m.Until.UTC().Truncate(time.Microsecond)
		}
		if y := mark.Until.Year(); y < 1 || y > 9999 {
			return mark, invalid("Until", "outside of the years 1 to 9999")
		}
	default:
		return mark, invalid("Op", "%q is no operation", string(m.Op))
	}
	if err := checkIdentifier("Provider", m.Provider, false); err != nil {
		return mark, err
	}
	switch {
	case len(m.IDs) == 0 && m.UpTo == "":
		return mark, invalid("IDs", "set IDs or UpTo")
	case len(m.IDs) > 0 && m.UpTo != "":
		return mark, invalid("UpTo", "set IDs or UpTo, not both")
	case len(m.IDs) > maxPage:
		return mark, invalid("IDs", "%d ids, at most %d", len(m.IDs), maxPage)
	}
	for _, id := range m.IDs {
		if !id.wellFormed() {
			return mark, ErrNotFound
		}
	}
	var err error
	mark.UpTo, err = decodeCursor("UpTo", in.recipient, m.UpTo)
	return mark, err
}

func (it *Item) position() Position { return Position{it.Filed, it.ID} }

func (p Position) after(o Position) bool {
	return cmp.Or(p.Filed.Compare(o.Filed), cmp.Compare(p.ID, o.ID)) > 0
}

// present makes an item what hosts and channels see: links are absolute.
func (n *Notifier) present(it Item) Item {
	it.Notification = n.absolute(it.Notification)
	return it
}

func (n *Notifier) presentAll(items []Item) []Item {
	for i := range items {
		items[i] = n.present(items[i])
	}
	return items
}

func (n *Notifier) absolute(note Notification) Notification {
	if n.baseURL == nil {
		return note
	}
	note.URL, note.Icon = n.absoluteURL(note.URL), n.absoluteURL(note.Icon)
	for i := range note.Actions {
		if i == 0 {
			note.Actions = append([]Action(nil), note.Actions...)
		}
		note.Actions[i].URL = n.absoluteURL(note.Actions[i].URL)
	}
	return note
}

func (n *Notifier) absoluteURL(link string) string {
	u, err := url.Parse(link)
	if link == "" || err != nil || u.IsAbs() {
		return link
	}
	return n.baseURL.ResolveReference(u).String()
}
