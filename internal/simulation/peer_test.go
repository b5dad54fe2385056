package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/bellwether-go/notify"
)

// peer is a channel of one process, and the server that it leads to. What the
// server accepts is written into the ledger.
type peer struct {
	p    *process
	name string
}

func (c peer) Name() string { return c.name }

// Destination implements [notify.Router]: servers fail one by one.
func (c peer) Destination(a notify.Address) string { return c.name + " server of " + a.Value[:1] }

// outage lets one of the servers refuse everything for so long.
func (w *world) outage(server string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[server] = time.Now().Add(d)
}

func (w *world) isDown(server string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Before(w.down[server]) && !w.faults.isHealed()
}

func (c peer) Deliver(ctx context.Context, d notify.Delivery) error {
	return c.call(ctx, "Deliver", d, nil)
}

// mail is a peer that has digests.
type mail struct{ peer }

func (c mail) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	return c.call(ctx, "DeliverDigest", d, &digest)
}

// device is a peer that shows a badge.
type device struct{ peer }

func (device) WantsUnread() bool { return true }

// call is what a delivery meets on its way to the server and back.
func (c peer) call(ctx context.Context, point string, d notify.Delivery, digest *notify.Digest) error {
	p := c.p
	w := p.w
	p.awaitThaw()
	if p.crashed() {
		return errCrashed
	}
	c.begins(d, digest)
	defer c.ends(d)
	kind := w.faults.next(point)
	rng := chance(w.seed, "peer "+string(d.Recipient.ID)+point, uint64(w.calls.Add(1)))
	switch kind {
	case failBefore:
		return c.refuse(rng, d)
	case crashBefore:
		p.crash("before " + point)
	case stallBefore:
		p.pause(context.Background(), stall) // it ignores its context
	case freezeBefore:
		p.freeze(away)
		p.awaitThaw()
	}
	if w.isDown(c.Destination(d.Address)) {
		return errors.New("the server is down")
	}
	p.pause(ctx, time.Duration(rng.IntN(3000))*time.Millisecond)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.awaitThaw()
	if p.crashed() {
		return errCrashed
	}
	told := c.accept(d, digest)
	switch kind {
	case failAfter:
		return c.confuse(rng)
	case crashAfter:
		p.crash("after " + point)
	case stallAfter:
		p.pause(context.Background(), time.Duration(20+rng.IntN(30))*time.Second) // longer than an attempt may last
	case freezeAfter:
		p.freeze(away)
		p.awaitThaw()
	}
	if p.crashed() || ctx.Err() != nil {
		return errors.Join(errCrashed, ctx.Err())
	}
	told()
	return nil
}

// refuse is an answer of a server that has not accepted.
func (c peer) refuse(rng *rand.Rand, d notify.Delivery) error {
	refused := errors.New("refused")
	switch x := rng.IntN(20); {
	case x < 8:
		return refused
	case x < 11:
		return &notify.DeliveryError{RetryAfter: time.Duration(rng.IntN(600)) * time.Second, Err: refused}
	case x < 12:
		return &notify.DeliveryError{Class: notify.Unknown, Err: refused}
	case x < 13:
		return &notify.DeliveryError{Class: notify.Permanent, Err: refused}
	case x < 14:
		return &notify.DeliveryError{Class: notify.Gone, Err: refused}
	case x < 18:
		return &notify.DeliveryError{Class: notify.Misconfigured, Err: refused}
	case x < 19:
		panic(fmt.Sprintf("poison %s", d.ID))
	default:
		runtime.Goexit()
		return nil
	}
}

// confuse is how a call may end after the server has accepted.
func (c peer) confuse(rng *rand.Rand) error {
	switch rng.IntN(4) {
	case 0:
		panic("after the dot")
	case 1:
		runtime.Goexit()
	}
	return &notify.DeliveryError{Class: notify.Unknown, Err: errors.New("connection lost after the dot")}
}

// begins checks that the call may be made at all.
func (c peer) begins(d notify.Delivery, digest *notify.Digest) {
	p, w, l := c.p, c.p.w, c.p.w.ledger
	p.mu.Lock()
	loaded, looked, handed := p.loads[d.ID], p.looks[d.ID], p.handed[d.ID]
	p.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	w.trace("%s calls %s for %s, to %s, attempt %d", p.name, c.name, d.ID, d.Address.Value, d.Attempt)
	w.inFlight[d.ID] = p
	known := l.deliveries[d.ID]
	if known == nil {
		w.violated("%s: a delivery that nobody filed: %s", p.name, d.ID)
		return
	}
	if loaded == 0 {
		w.violated("%s: %s is sent without a look", p.name, d.ID)
	}
	if handed && !known.created {
		w.violated("%s: %s is sent, and was not filed: its recipient is erased", p.name, d.ID)
	}
	if at, is := l.gone[d.Recipient]; is && at < loaded {
		w.violated("%s: %s is sent to %s, who is erased", p.name, d.ID, d.Recipient.ID)
	}
	if at, is := l.suppressions[d.Address.Value]; is && at < loaded {
		w.violated("%s: %s is sent to %s, which is suppressed", p.name, d.ID, d.Address.Value)
	}
	if digest != nil {
		for _, item := range digest.Items {
			c.mayBeIn(d, item, loaded, looked)
		}
		if digest.Total != len(digest.Items) {
			w.violated("%s: %s tells of %d items and shows %d", p.name, d.ID, digest.Total, len(digest.Items))
		}
		return
	}
	n := l.notifications[known.notification]
	if n != nil && n.withdrawn > 0 && n.withdrawn < loaded {
		w.violated("%s: %s is sent, though %s is withdrawn", p.name, d.ID, known.notification)
	}
	if known.forced {
		return
	}
	if at, is := l.reads[inboxItem{d.Recipient, d.Item.ID}]; is && at < loaded {
		w.violated("%s: %s is sent, though %s is read", p.name, d.ID, d.Item.ID)
	}
	if version, is := l.optedOut(d.Recipient, known.provider, c.name, known.version, loaded); is {
		w.violated("%s: %s is sent, filed under version %d and opted out by %d", p.name, d.ID, known.version, version)
	}
}

// mayBeIn checks that an item may be in a letter.
func (c peer) mayBeIn(d notify.Delivery, item notify.Item, loaded, looked moment) {
	p, w, l := c.p, c.p.w, c.p.w.ledger
	if at, is := l.reads[inboxItem{d.Recipient, item.ID}]; is && at < looked {
		w.violated("%s: digest %s has %s, which is read", p.name, d.ID, item.ID)
	}
	n := l.notifications[item.NotificationID]
	if n != nil && n.withdrawn > 0 && n.withdrawn < looked {
		w.violated("%s: digest %s has %s, which is withdrawn", p.name, d.ID, item.NotificationID)
	}
	version := l.entries[entry{item.NotificationID, d.Recipient, c.name}]
	if by, is := l.optedOut(d.Recipient, item.Notification.Provider, c.name, version, loaded); is {
		w.violated("%s: digest %s has %s, filed under version %d and opted out by %d", p.name, d.ID, item.NotificationID, version, by)
	}
}

// optedOut tells whether a save after the given version, and before the moment,
// turned the cell off.
func (l *ledger) optedOut(r notify.Recipient, provider, channel string, version int64, before moment) (int64, bool) {
	for _, s := range l.saves[r] {
		if s.version > version && s.at < before && l.w.mode(s.preferences, provider, channel) == notify.Off {
			return s.version, true
		}
	}
	return 0, false
}

// accept is the effect: the server has it. The caller calls told when the
// process is going to learn of it.
func (c peer) accept(d notify.Delivery, digest *notify.Digest) (told func()) {
	w, l := c.p.w, c.p.w.ledger
	c.p.mu.Lock()
	looked := c.p.looks[d.ID]
	c.p.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.deliveries[d.ID]
	if known == nil {
		return func() {}
	}
	w.trace("%s accepts %s for %s", c.name, d.ID, d.Address.Value)
	a := known.accepts[d.Address.Value]
	if a == nil {
		a = &accepts{identity: d.Identity()}
		known.accepts[d.Address.Value] = a
	}
	a.times++
	a.untold++
	if a.identity != d.Identity() {
		w.violated("%s came to %s as %s and as %s", d.ID, d.Address.Value, a.identity, d.Identity())
	}
	if known.channel != c.name || known.recipient != d.Recipient || (digest == nil) != (known.notification != "") {
		w.violated("%s is for %v by %s, and went to %v by %s", d.ID, known.recipient, known.channel, d.Recipient, c.name)
	}
	if digest != nil {
		for _, item := range digest.Items {
			w.inLetter(d, item, looked)
		}
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		a.untold--
	}
}

func (c peer) ends(d notify.Delivery) {
	c.p.w.ledger.mu.Lock()
	defer c.p.w.ledger.mu.Unlock()
	delete(c.p.w.inFlight, d.ID)
}

// inLetter holds an item to one digest: another letter that has it must be the
// same one again, unless the item was snoozed while the first was on its way.
func (w *world) inLetter(d notify.Delivery, item notify.Item, looked moment) {
	at := letter{d.Recipient, item.NotificationID}
	first, known := w.letters[at]
	if !known {
		w.letters[at] = appearance{d.ID, looked}
		return
	}
	snoozed := w.ledger.snoozes[inboxItem{d.Recipient, item.ID}]
	if first.digest != d.ID && snoozed < first.looked {
		w.violated("%s is in two digests for %s: %s and %s", item.NotificationID, d.Recipient.ID, first.digest, d.ID)
	}
}

type letter struct {
	recipient    notify.Recipient
	notification notify.ID
}

// appearance is when an item was put into its first digest.
type appearance struct {
	digest notify.ID
	looked moment
}
