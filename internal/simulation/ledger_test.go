package simulation

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

// moment numbers what happens: of two moments the smaller came first, whatever
// the clocks say.
type moment int64

// ledger is what really happened in the store. It is written below the faults.
type ledger struct {
	w     *world
	clock atomic.Int64

	leases sync.Mutex // held by claims and settlements, so that their order is known
	epochs map[notify.ID]int64

	mu            sync.Mutex
	notifications map[notify.ID]*sent
	fanOuts       map[notify.ID]notify.ID // task → notification
	keys          map[string]notify.ID
	deliveries    map[notify.ID]*delivery // and digests
	entries       map[entry]int64         // → the version of the preferences it was filed under
	saves         map[notify.Recipient][]save
	reads         map[inboxItem]moment
	everRead      map[inboxItem]bool
	snoozes       map[inboxItem]moment // the latest
	suppressions  map[string]moment
	gone          map[notify.Recipient]moment // erased, and not restored
	everGone      map[notify.Recipient]bool
	cuts          map[place][]time.Time
}

// sent is a notification that was accepted.
type sent struct {
	notification notify.Notification
	to           map[notify.Recipient]bool // that it is known to have been filed for, or must be
	withdrawn    moment
}

// delivery is one that was filed, and what became of it.
type delivery struct {
	id           notify.ID
	recipient    notify.Recipient
	notification notify.ID // zero: a digest
	provider     string
	channel      string
	forced       bool
	version      int64

	created     bool
	finals      int // times it was settled for good
	redelivered int
	recoveries  int // leases that expired: a process died or was away
	accepts     map[string]*accepts
}

// accepts counts what one address has accepted of one delivery.
type accepts struct {
	identity string
	times    int
	untold   int // of these, those that the process did not learn of
}

type entry struct {
	notification notify.ID
	recipient    notify.Recipient
	channel      string
}

type save struct {
	at          moment
	version     int64
	preferences notify.Preferences
}

type inboxItem struct {
	recipient notify.Recipient
	id        notify.ID
}

type place struct {
	recipient notify.Recipient
	channel   string
}

func newLedger(w *world) *ledger {
	return &ledger{
		w:             w,
		epochs:        make(map[notify.ID]int64),
		notifications: make(map[notify.ID]*sent),
		fanOuts:       make(map[notify.ID]notify.ID),
		keys:          make(map[string]notify.ID),
		deliveries:    make(map[notify.ID]*delivery),
		entries:       make(map[entry]int64),
		saves:         make(map[notify.Recipient][]save),
		reads:         make(map[inboxItem]moment),
		everRead:      make(map[inboxItem]bool),
		snoozes:       make(map[inboxItem]moment),
		suppressions:  make(map[string]moment),
		gone:          make(map[notify.Recipient]moment),
		everGone:      make(map[notify.Recipient]bool),
		cuts:          make(map[place][]time.Time),
	}
}

// moment is now. What is known to have ended before a moment came before it.
func (l *ledger) moment() moment { return moment(l.clock.Add(1)) }

// filing notes, before it happens, what deliveries and entries a batch brings:
// another process may be at them before this one has its answer.
func (l *ledger) filing(batch []notify.Acceptance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range batch {
		l.note(a.ID, a.Notification.Provider, a.Filings)
	}
}

func (l *ledger) note(id notify.ID, provider string, filings []notify.Filing) {
	for _, f := range filings {
		for _, t := range f.Tasks {
			l.deliveries[t.ID] = &delivery{
				id: t.ID, recipient: f.Recipient, notification: id, provider: provider, channel: t.Channel,
				forced: t.Forced, version: f.PreferencesVersion, accepts: make(map[string]*accepts),
			}
		}
		for _, e := range f.Entries {
			l.entries[entry{id, f.Recipient, e.Channel}] = f.PreferencesVersion
		}
	}
}

// accepted notes a batch that was committed.
func (l *ledger) accepted(batch []notify.Acceptance, receipts []notify.Receipt) {
	for i, a := range batch {
		l.key(a.Notification, receipts[i])
		if receipts[i].Replayed || receipts[i].Err != nil {
			continue
		}
		s := &sent{notification: a.Notification, to: make(map[notify.Recipient]bool)}
		for _, r := range l.w.receivers(a.Notification) {
			s.to[r] = true
		}
		l.mu.Lock()
		l.notifications[a.ID] = s
		if a.Task != nil {
			l.fanOuts[a.Task.ID] = a.ID
		}
		l.mu.Unlock()
		l.filed(a.ID, a.Filings)
	}
}

// key holds every receipt of a key to the first.
func (l *ledger) key(n notify.Notification, receipt notify.Receipt) {
	if n.Key == "" || receipt.Err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if first, known := l.keys[n.Key]; known && first != receipt.ID {
		l.w.violated("key %s was accepted as %s and as %s", n.Key, first, receipt.ID)
	}
	l.keys[n.Key] = receipt.ID
}

// fanningOut notes a chunk before it is filed, and tells whose it is.
func (l *ledger) fanningOut(c notify.Chunk) notify.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := l.fanOuts[c.Task.ID]
	provider := ""
	if s := l.notifications[id]; s != nil {
		provider = s.notification.Provider
	}
	l.note(id, provider, c.Filings)
	return id
}

// filed notes which deliveries there are after filings were committed: not all,
// where an item was there already or its recipient is erased.
func (l *ledger) filed(id notify.ID, filings []notify.Filing) {
	var ids []notify.ID
	for _, f := range filings {
		for _, t := range f.Tasks {
			ids = append(ids, t.ID)
		}
	}
	l.created(ids)
	l.w.trace("%s is filed for %d", id, len(filings))
}

func (l *ledger) created(ids []notify.ID) {
	if len(ids) == 0 {
		return
	}
	records, err := l.w.store.Deliveries(context.Background(), notify.DeliveryQuery{IDs: ids, Limit: len(ids)})
	if err != nil {
		l.w.violated("read the log: %v", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		l.deliveries[r.ID].created = true
	}
}

// opened notes which digests were made, and that the cuts follow one another.
func (l *ledger) opened(p *process, openings []notify.Opening) {
	var ids []notify.ID
	l.mu.Lock()
	for _, o := range openings {
		if l.deliveries[o.Task.ID] == nil {
			l.deliveries[o.Task.ID] = &delivery{
				id: o.Task.ID, recipient: o.Plan.Recipient, channel: o.Plan.Channel, accepts: make(map[string]*accepts),
			}
			ids = append(ids, o.Task.ID)
		}
	}
	l.mu.Unlock()
	l.created(ids)
	for _, o := range openings {
		r := o.Plan.Recipient
		profiles, err := l.w.store.Profiles(context.Background(), []notify.Recipient{r})
		if err != nil {
			l.w.violated("read a profile: %v", err)
		}
		for _, plan := range profiles[r].Plans {
			l.cut(p, place{r, plan.Channel}, plan.LastCut)
		}
	}
}

func (l *ledger) cut(p *process, at place, cut time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.cuts[at]
	if cut.IsZero() || len(known) > 0 && !cut.After(known[len(known)-1]) {
		return
	}
	l.cuts[at] = append(known, cut)
	l.w.trace("%s closes the window of %s at %s", p.name, at.recipient.ID, cut)
	if len(known) == 0 {
		return
	}
	last := known[len(known)-1]
	if cut.Sub(last) < time.Hour {
		l.w.violated("%v has cuts at %s and %s", at, last, cut)
	}
	if zone := l.w.zoneOf(at.recipient); zone != nil && last.In(zone).Format(time.DateOnly) >= cut.In(zone).Format(time.DateOnly) {
		l.w.violated("%v has two cuts on one date: %s and %s", at, last.In(zone), cut.In(zone))
	}
}

func (l *ledger) withdrew(ids []notify.ID) {
	at := l.moment()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.notifications[id].withdrawn = at
		l.w.trace("%s is withdrawn", id)
	}
}

// marking forgets, before it may happen, that items are read.
func (l *ledger) marking(r notify.Recipient, m notify.ItemMark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range m.IDs {
		if m.Op == notify.OpUnread {
			delete(l.reads, inboxItem{r, id})
		}
	}
}

func (l *ledger) marked(r notify.Recipient, m notify.ItemMark) {
	at := l.moment()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range m.IDs {
		item := inboxItem{r, id}
		if m.Op == notify.OpSnooze {
			l.snoozes[item] = at
			l.w.trace("%s snoozes %s", r.ID, id)
		}
		if m.Op == notify.OpRead || m.Op == notify.OpArchive {
			l.everRead[item] = true
		}
		if _, known := l.reads[item]; !known && m.Op == notify.OpRead {
			l.reads[item] = at
		}
	}
}

func (l *ledger) saved(r notify.Recipient, p notify.Preferences) {
	at := l.moment()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saves[r] = append(l.saves[r], save{at, p.Version + 1, p})
	l.w.trace("%s saves version %d: %+v", r.ID, p.Version+1, p)
}

func (l *ledger) suppressed(address string) {
	at := l.moment()
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.suppressions[address]; !known {
		l.suppressions[address] = at
	}
}

func (l *ledger) unsuppressing(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.suppressions, address)
}

func (l *ledger) erased(r notify.Recipient) {
	at := l.moment()
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.gone[r]; !known {
		l.gone[r] = at
	}
	l.everGone[r] = true
	delete(l.saves, r)
	delete(l.cuts, place{r, notify.Email})
	l.w.trace("%s is erased", r.ID)
}

// restoring lets somebody live again before it happens; undo is for when it
// does not.
func (l *ledger) restoring(r notify.Recipient) (undo func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, gone := l.gone[r]
	delete(l.gone, r)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if _, again := l.gone[r]; gone && !again {
			l.gone[r] = at
		}
	}
}

func (l *ledger) claimed(p *process, t notify.Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.trace("%s claims %s %s at epoch %d (recovered: %v)", p.name, t.Kind, t.ID, t.Epoch, t.Recovered)
	l.epochs[t.ID] = t.Epoch
	if d := l.deliveries[t.ID]; d != nil && t.Recovered {
		d.recoveries++
	}
}

func (l *ledger) settled(p *process, o notify.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.trace("%s settles %s: %s (%s)", p.name, o.Task.ID, o.Status, o.Reason)
	if o.Task.Epoch < l.epochs[o.Task.ID] {
		l.w.violated("%s settled %s at epoch %d, when it was at %d", p.name, o.Task.ID, o.Task.Epoch, l.epochs[o.Task.ID])
	}
	d := l.deliveries[o.Task.ID]
	if d != nil && slices.Contains([]notify.Status{notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead}, o.Status) {
		d.finals++
	}
}

// dead lists those of the deliveries that have been given up.
func (l *ledger) dead(ids []notify.ID) []notify.ID {
	records, err := l.w.store.Deliveries(context.Background(), notify.DeliveryQuery{IDs: ids, Status: notify.StatusDead})
	if err != nil {
		l.w.violated("read the log: %v", err)
	}
	var dead []notify.ID
	for _, r := range records {
		dead = append(dead, r.ID)
	}
	return dead
}

// redelivered notes which have come back.
func (l *ledger) redelivered(ids []notify.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if d := l.deliveries[id]; d != nil {
			d.redelivered++
			l.w.trace("%s is redelivered", id)
		}
	}
}
