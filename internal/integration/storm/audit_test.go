//go:build linux

package storm

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// books are what the processes have written, and what the store holds in the
// end.
type books struct {
	t      *testing.T
	faults faults

	begun    map[string]bool      // keys that somebody set out to send
	acked    map[string]notify.ID // that were acknowledged
	withdraw map[string]bool      // that somebody set out to withdraw
	gone     map[string]bool      // whose withdrawal was acknowledged
	read     map[place]bool       // items that somebody set out to read
	took     []line               // what the peers took
	trouble  []line
	lost     int // leases

	items   map[notify.Recipient][]notify.Item
	records []notify.DeliveryRecord
	stored  map[string]accepted  // notifications by their keys
	orders  map[string]bool      // keys of the host's own rows
	keys    map[notify.ID]string // of the notifications
}

// accepted is what was stored for a key: collapsing goes by the instant, then
// by the id.
type accepted struct {
	id notify.ID
	at int64
}

// place is one recipient's share of a notification (or its item).
type place struct {
	recipient notify.Recipient
	id        notify.ID
}

// audit checks that nothing was lost, invented or doubled.
func audit(t *testing.T, sys *system, center *notify.Notifier, db *sql.DB, lines []line, f faults) {
	t.Helper()
	b := &books{t: t, faults: f}
	b.readJournals(lines)
	b.readStore(t.Context(), sys, center, db)
	t.Logf("%d keys sent, %d acknowledged, %d stored; %d items; %d records; %d accepted by peers, %d leases lost",
		len(b.begun), len(b.acked), len(b.stored), b.itemCount(), len(b.records), len(b.took), b.lost)

	assert.Empty(t, b.trouble, "no error reaches a caller")
	b.checkAcknowledged()
	b.checkTransactions()
	b.checkInboxes()
	b.checkRecords()
	b.checkTaken()
	b.checkDuplicates()
	b.checkDigests()
}

func (b *books) readJournals(lines []line) {
	b.begun, b.acked = make(map[string]bool), make(map[string]notify.ID)
	b.withdraw, b.gone, b.read = make(map[string]bool), make(map[string]bool), make(map[place]bool)
	for _, l := range lines {
		switch l.What {
		case sending:
			b.begun[l.Key] = true
		case sent:
			if id, again := b.acked[l.Key]; again {
				assert.Equal(b.t, id, l.ID, "%s: each time the first receipt", l.Key)
			}
			b.acked[l.Key] = l.ID
		case withdraws:
			b.withdraw[l.Key] = true
		case withdrawn:
			b.gone[l.Key] = true
		case reading:
			b.read[place{l.Recipient, l.ID}] = true
		case took:
			b.took = append(b.took, l)
		case trouble:
			b.trouble = append(b.trouble, l)
		case leaseLost:
			b.lost++
		}
	}
}

func (b *books) readStore(ctx context.Context, sys *system, center *notify.Notifier, db *sql.DB) {
	b.items = make(map[notify.Recipient][]notify.Item)
	for _, r := range everybody() {
		for item, err := range center.Inbox(r).All(ctx, notify.Query{State: notify.StateAll, Limit: 200}) {
			require.NoError(b.t, err)
			b.items[r] = append(b.items[r], item)
		}
	}
	q := notify.DeliveryQuery{Limit: 1000}
	for {
		page, err := center.Deliveries(ctx, q)
		require.NoError(b.t, err)
		b.records = append(b.records, page...)
		if len(page) < q.Limit {
			break
		}
		last := page[len(page)-1]
		q.Before = notify.Position{Filed: last.Filed, ID: last.ID}
	}
	b.stored, b.keys = make(map[string]accepted), make(map[notify.ID]string)
	for _, row := range query(b.t, db, "SELECT dedup, "+sys.ids+", accepted FROM notify_notification") {
		at, err := strconv.ParseInt(row[2], 10, 64)
		require.NoError(b.t, err)
		b.stored[row[0]], b.keys[notify.ID(row[1])] = accepted{notify.ID(row[1]), at}, row[0]
	}
	b.orders = make(map[string]bool)
	for _, row := range query(b.t, db, "SELECT id FROM orders") {
		b.orders[row[0]] = true
	}
}

func (b *books) itemCount() int {
	n := 0
	for _, items := range b.items {
		n += len(items)
	}
	return n
}

// checkAcknowledged: what was acknowledged is there, and nothing that nobody
// has sent.
func (b *books) checkAcknowledged() {
	for key, id := range b.acked {
		assert.Equal(b.t, id, b.stored[key].id, "%s was acknowledged", key)
	}
	for key := range b.stored {
		assert.True(b.t, b.begun[key], "%s was sent by nobody", key)
	}
}

// checkTransactions: the host's row and the notification are both there or
// neither.
func (b *books) checkTransactions() {
	for key := range b.begun {
		l := letterOf(key)
		if !l.inTransaction {
			continue
		}
		_, stored := b.stored[key]
		assert.Equal(b.t, b.orders[key], stored, "%s and the order of that name", key)
		assert.False(b.t, stored && l.rollBack, "%s was rolled back", key)
	}
}

// checkInboxes: each notification that is stored is in the inbox of each of its
// recipients exactly once, unless it was withdrawn, or collapsed into another.
func (b *books) checkInboxes() {
	found := make(map[place]int)
	held := make(map[string]int) // items by who and what holds a collapse key
	for r, items := range b.items {
		ids := make(map[notify.ID]bool)
		for _, item := range items {
			assert.False(b.t, ids[item.ID], "an item comes twice")
			ids[item.ID] = true
			found[place{r, item.NotificationID}]++
			if item.Notification.CollapseKey != "" && item.Read.IsZero() {
				held[r.ID+"/"+item.Notification.CollapseKey]++
			}
		}
	}
	for slot, count := range held {
		assert.Equal(b.t, 1, count, "unread items of %s", slot)
	}
	expected := 0
	for key, a := range b.stored {
		l, id := letterOf(key), a.id
		for _, r := range l.recipients() {
			expected++
			count := found[place{r, id}]
			delete(found, place{r, id})
			switch {
			case b.gone[key]:
				assert.Zero(b.t, count, "%s was withdrawn from %v", key, r)
			case l.CollapseKey != "" || b.withdraw[key]:
				assert.LessOrEqual(b.t, count, 1, "%s of %v", key, r)
			default:
				assert.Equal(b.t, 1, count, "%s of %v", key, r)
			}
		}
	}
	assert.Empty(b.t, found, "items of somebody whom nobody has written to")
	b.checkCollapsed()
	b.t.Logf("%d recipients of notifications, all found", expected)
}

// checkCollapsed: of the notifications with one collapse key the newest is
// there.
func (b *books) checkCollapsed() {
	newest := make(map[string]accepted)
	for key, a := range b.stored {
		l := letterOf(key)
		slot := l.recipients()[0].ID + "/" + l.CollapseKey
		best := newest[slot]
		if l.CollapseKey != "" && (a.at > best.at || a.at == best.at && a.id > best.id) {
			newest[slot] = a
		}
	}
	for r, items := range b.items {
		for _, item := range items {
			slot := r.ID + "/" + item.Notification.CollapseKey
			if item.NotificationID == newest[slot].id {
				delete(newest, slot)
			}
		}
	}
	assert.Empty(b.t, newest, "the newest of its collapse key is in no inbox")
}

// pair is a channel's share of a notification.
type pair struct {
	place
	channel string
}

// checkRecords: each accepted delivery ends in exactly one final state, for
// which there is a reason.
func (b *books) checkRecords() {
	accepted := make(map[notify.ID]line) // deliveries that a peer took
	for _, l := range b.took {
		accepted[l.ID] = l
	}
	found := make(map[pair]int)
	for _, record := range b.records {
		if record.Notification != "" {
			found[pair{place{record.Recipient, record.Notification}, record.Channel}]++
		}
		switch record.Status {
		case notify.StatusDelivered:
			assert.Contains(b.t, accepted, record.ID, "%+v is delivered, and no peer took it", record)
		case notify.StatusDead:
			assert.Equal(b.t, "refused", record.Reason, "%+v", record)
		case notify.StatusSkipped:
			assert.Contains(b.t, []string{"read", "withdrawn", "replaced", "no address", "empty", "superseded"}, record.Reason, "%+v", record)
			// A peer took it, its process died, then it became moot.
			if l, ok := accepted[record.ID]; ok && !l.Unknown {
				assert.NotZero(b.t, b.budget(), "%+v: %s took it", record, l.Process)
			}
		default:
			assert.Fail(b.t, "not final", "%+v", record)
		}
	}
	for key, a := range b.stored {
		l, id := letterOf(key), a.id
		for _, r := range l.recipients() {
			for _, channel := range []string{notify.Email, notify.Mobile} {
				p := pair{place{r, id}, channel}
				want := 0
				if mode(r, channel) == notify.Immediate {
					want = 1
				}
				if found[p] == 0 && want == 1 && (b.withdraw[key] || l.CollapseKey != "") {
					want = 0 // it was withdrawn, or overtaken, before it was filed
				}
				assert.Equal(b.t, want, found[p], "deliveries of %s to %v by %s", key, r, channel)
				delete(found, p)
			}
		}
	}
	assert.Empty(b.t, found, "deliveries of nothing")
}

// moot tells whether a delivery may have ended when only one of several devices
// had been reached.
func (b *books) moot(p place) bool {
	key := b.keys[p.id]
	return b.read[p] || b.withdraw[key] || letterOf(key).CollapseKey != ""
}

// checkTaken: what the peers took was for those who wanted it, under one
// identity, and said the same each time.
func (b *books) checkTaken() {
	type target struct {
		pair
		address string
	}
	identities := make(map[target]string)
	contents := make(map[string]string)
	for _, l := range b.took {
		if l.Digest {
			assert.Equal(b.t, notify.Daily, mode(l.Recipient, l.Channel), "%+v", l)
			continue
		}
		assert.Equal(b.t, notify.Immediate, mode(l.Recipient, l.Channel), "%+v", l)
		assert.Equal(b.t, b.stored[l.Key].id, l.Notification, "%+v", l)
		assert.False(b.t, letterOf(l.Key).refused, "%+v", l)
		to := target{pair{place{l.Recipient, l.Notification}, l.Channel}, l.Address}
		if first, again := identities[to]; again {
			assert.Equal(b.t, first, l.Identity, "%+v: one identity", l)
			assert.Equal(b.t, contents[l.Identity], l.Content, "%+v: one content", l)
		}
		identities[to], contents[l.Identity] = l.Identity, l.Content
	}
	for _, record := range b.records {
		if record.Status != notify.StatusDelivered || record.Notification == "" {
			continue
		}
		p := place{record.Recipient, record.Notification}
		for _, a := range directory()[record.Recipient].Addresses {
			if a.Channel == record.Channel && !b.moot(p) {
				assert.NotEmpty(b.t, identities[target{pair{p, record.Channel}, a.Value}], "%+v never reached %s", record, a.Value)
			}
		}
	}
}

// budget is how many duplicates the faults explain. A process that dies, or is
// frozen for longer than its leases, leaves at most what is in its slots and
// what it has not stored yet; on the average that is less than its slots.
func (b *books) budget() int { return b.faults.count() * 2 * slots }

// checkDuplicates: what a peer took again after it had taken it is explained by
// the faults, or by an outcome that was unknown.
func (b *books) checkDuplicates() {
	slices.SortFunc(b.took, func(a, b line) int { return a.At.Compare(b.At) })
	last := make(map[string]line)
	left := make(map[string]int) // by each process, to be done again
	duplicates, unknown := 0, 0
	for _, l := range b.took {
		if before, again := last[l.Identity]; again {
			duplicates++
			if before.Unknown {
				unknown++
			} else {
				left[before.Process]++
			}
		}
		last[l.Identity] = l
	}
	most := 0
	for _, n := range left {
		most = max(most, n)
	}
	b.t.Logf("%d duplicates: %d of outcomes that were unknown, %d by faults, which explain %d; at most %d by one process",
		duplicates, unknown, duplicates-unknown, b.budget(), most)
	assert.LessOrEqual(b.t, duplicates-unknown, b.budget(), "duplicates by faults")
}

// checkDigests: one digest per recipient and local date, each notification in
// exactly one, and none missing that was not read.
func (b *books) checkDigests() {
	type date struct {
		recipient notify.Recipient
		date      string
	}
	known := directory()
	first := make(map[date]string)  // identity
	bound := make(map[place]string) // of the digest that a notification is in
	for _, l := range b.took {
		if !l.Digest {
			continue
		}
		d := date{l.Recipient, localDate(l.Cut, zone(known[l.Recipient]))}
		if identity, again := first[d]; again {
			assert.Equal(b.t, identity, l.Identity, "two digests of %v on %s", d.recipient, d.date)
		}
		first[d] = l.Identity
		for _, id := range l.Notifications {
			p := place{l.Recipient, id}
			if identity, again := bound[p]; again {
				assert.Equal(b.t, identity, l.Identity, "%s to %v is in two digests", id, l.Recipient)
			}
			bound[p] = l.Identity
		}
	}
	missing, expected := 0, 0
	for r, items := range b.items {
		if mode(r, notify.Email) != notify.Daily {
			continue
		}
		for _, item := range items {
			if b.read[place{r, item.ID}] {
				continue
			}
			expected++
			if bound[place{r, item.NotificationID}] == "" {
				missing++
				assert.Fail(b.t, "in no digest", "%s of %v, filed %s", item.Notification.Key, r, item.Filed)
			}
		}
	}
	b.t.Logf("%d digests; %d items had to be in one, %d are missing", len(first), expected, missing)
}
