package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bellwether-go/notify"
)

// actor is somebody who does things to the center again and again.
type actor struct {
	w     *world
	name  string
	rng   *rand.Rand
	every time.Duration // about
	act   func(context.Context, *actor, *notify.Notifier) error
}

// cast is everybody.
func (w *world) cast() []*actor {
	var all []*actor
	for _, part := range []struct {
		name  string
		every time.Duration
		act   func(context.Context, *actor, *notify.Notifier) error
	}{
		{"sender", 8 * time.Minute, sendSomething}, {"other sender", 20 * time.Minute, sendSomething},
		{"reader", 10 * time.Minute, read}, {"chooser", 40 * time.Minute, choose}, {"nomad", 5 * time.Hour, travel},
		{"withdrawer", 50 * time.Minute, withdraw}, {"eraser", 5 * time.Hour, eraseAndRestore},
		{"registrar", 30 * time.Minute, register}, {"operator", 25 * time.Minute, operate}, {"viewer", 30 * time.Minute, view},
		{"chaos", 45 * time.Minute, disturb},
	} {
		all = append(all, &actor{w: w, name: part.name, rng: chance(w.seed, part.name, 0), every: part.every, act: part.act})
	}
	return all
}

// play acts until ctx ends.
func (a *actor) play(ctx context.Context) {
	for {
		timer := time.NewTimer(time.Duration(a.rng.Int64N(int64(2*a.every))) + time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		a.once()
	}
}

// once acts in a process that lives. That something fails is part of the play.
func (a *actor) once() {
	p := a.w.anyProcess(a.rng.IntN(2))
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.w.ctx, time.Minute)
	defer cancel()
	err := a.act(ctx, a, p.notifier)
	for _, fault := range []error{errInjected, errCrashed, context.DeadlineExceeded, notify.ErrConflict, notify.ErrNotFound} {
		if errors.Is(err, fault) {
			return
		}
	}
	if err != nil {
		a.w.violated("%s: %v", a.name, err)
	}
}

func (a *actor) somebody() notify.Recipient { return person(a.rng.IntN(teamSize)) }

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// sendSomething sends one notification; with a key it is repeated until it is
// known to be accepted.
func sendSomething(ctx context.Context, a *actor, n *notify.Notifier) error {
	id := a.w.calls.Add(1)
	note := notify.Notification{
		Tenant: tenant, Provider: pick(a.rng, "billing", "billing", "chats", "security", "news"), Title: fmt.Sprint("note ", id),
		Entity: fmt.Sprint("task/", a.rng.IntN(40)), Priority: pick(a.rng, notify.Normal, notify.High, notify.Low),
	}
	switch a.rng.IntN(12) {
	case 0:
		note.Audience = "team"
	case 1:
		note.To = team() // more than Send files itself
	case 2:
		note.To = []notify.Recipient{a.somebody()}
		now, err := n.Inbox(note.To[0]).Page(ctx, notify.Query{Limit: 1})
		if err == nil && len(now.Items) > 0 {
			note.NotBefore = now.Items[0].Filed.Add(time.Hour)
		}
	case 3:
		note.To = []notify.Recipient{a.somebody()}
		note.CollapseKey = pick(a.rng, "build", "thread")
	case 4:
		if a.rng.IntN(12) == 0 {
			note.Provider, note.Audience = "news", "crowd"
		} else {
			note.To = []notify.Recipient{a.somebody()}
		}
	default:
		note.To = []notify.Recipient{a.somebody(), a.somebody()}
	}
	if a.rng.IntN(5) == 0 {
		_, err := n.Send(ctx, note)
		return err
	}
	note.Key = fmt.Sprint(a.name, "/", id)
	return a.insist(n, note)
}

// insist repeats a Send, wherever there is a process, until it succeeds.
func (a *actor) insist(n *notify.Notifier, note notify.Notification) error {
	for {
		ctx, cancel := context.WithTimeout(a.w.ctx, time.Minute)
		receipts, err := n.Send(ctx, note)
		cancel()
		if err == nil {
			a.w.acked(note, receipts[0])
			return nil
		}
		if a.w.ctx.Err() != nil || errors.Is(err, notify.ErrInvalid) || errors.Is(err, notify.ErrConflict) {
			return fmt.Errorf("insisting: %s", err)
		}
		for wait := 5 * time.Second; ; wait *= 2 {
			<-time.After(wait)
			if p := a.w.anyProcess(a.rng.IntN(2)); p != nil {
				n = p.notifier
				break
			}
		}
	}
}

// acked holds the store to what was acknowledged.
func (w *world) acked(note notify.Notification, receipt notify.Receipt) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if w.ledger.notifications[receipt.ID] == nil || w.ledger.keys[note.Key] != receipt.ID {
		w.violated("%s was acknowledged as %s, and was not stored", note.Key, receipt.ID)
	}
}

func read(ctx context.Context, a *actor, n *notify.Notifier) error {
	inbox := n.Inbox(a.somebody())
	page, err := inbox.Page(ctx, notify.Query{State: pick(a.rng, notify.StateInbox, notify.StateUnread, notify.StateSnoozed), Limit: 30})
	if err != nil || len(page.Items) == 0 {
		return err
	}
	m := notify.Mark{Op: pick(a.rng, notify.OpRead, notify.OpRead, notify.OpSeen, notify.OpUnread, notify.OpArchive, notify.OpSnooze)}
	if m.Op == notify.OpSnooze {
		m.Until = page.Items[0].Filed.Add(time.Duration(a.rng.IntN(600)) * time.Minute)
	}
	if m.Op == notify.OpSeen {
		m.UpTo = page.Head
	} else {
		m.IDs = []notify.ID{pick(a.rng, page.Items...).ID, page.Items[0].ID}
	}
	_, err = inbox.Mark(ctx, m)
	return err
}

func choose(ctx context.Context, a *actor, n *notify.Notifier) error {
	return a.save(ctx, n, a.somebody(), func(p *notify.Preferences) {
		channel, mode := pick(a.rng, notify.Email, notify.Email, notify.Mobile), pick(a.rng, notify.Off, notify.Daily, notify.Immediate, notify.Default)
		switch a.rng.IntN(5) {
		case 0:
			p.Muted = !p.Muted
		case 1:
			p.DigestAt = pick(a.rng, "", "07:30", "02:30", "12:00", "23:45")
		case 2:
			p.Channels = map[string]notify.Mode{channel: mode}
		default:
			p.Choices = map[string]map[string]notify.Mode{pick(a.rng, "billing", "chats", "news"): {channel: mode}}
		}
	})
}

func travel(ctx context.Context, a *actor, n *notify.Notifier) error {
	return a.save(ctx, n, person(nomad), func(p *notify.Preferences) {
		p.TimeZone = pick(a.rng, "Asia/Tokyo", "America/Los_Angeles", "Europe/London", "Pacific/Apia")
	})
}

func (a *actor) save(ctx context.Context, n *notify.Notifier, r notify.Recipient, change func(*notify.Preferences)) error {
	p, err := n.Preferences(ctx, r)
	if err != nil {
		return err
	}
	change(&p)
	_, err = n.SavePreferences(ctx, r, p)
	return err
}

func withdraw(ctx context.Context, a *actor, n *notify.Notifier) error {
	_, err := n.Withdraw(ctx, notify.Withdrawal{Tenant: tenant, Entity: fmt.Sprint("task/", a.rng.IntN(40))})
	return err
}

// eraseAndRestore erases somebody and lets the id live again some time later.
func eraseAndRestore(ctx context.Context, a *actor, n *notify.Notifier) error {
	who := person(leaver)
	if err := n.Restore(ctx, who); !errors.Is(err, notify.ErrNotFound) {
		return err
	}
	// Something is on its way just then.
	if _, err := n.Send(ctx, notify.Notification{Provider: "security", To: []notify.Recipient{who}, Title: "farewell"}); err != nil {
		return err
	}
	<-time.After(200 * time.Millisecond)
	begun := time.Now()
	if err := n.Erase(ctx, who); err != nil {
		return err
	}
	a.w.nothingUnderWay(who, begun)
	return nil
}

// nothingUnderWay checks that no call to somebody erased has been left, but by
// a process that had lost its lease.
func (w *world) nothingUnderWay(who notify.Recipient, begun time.Time) {
	if begun.UnixNano()-w.jumped.Load() < int64(2*lease) {
		return
	}
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for id, p := range w.inFlight {
		p.mu.Lock()
		away := time.Since(p.thaw) < 2*lease
		p.mu.Unlock()
		if d := w.ledger.deliveries[id]; d != nil && d.recipient == who && !p.crashed() && !away {
			w.violated("%s is under way to %s after the erasure", id, who.ID)
		}
	}
}

func register(ctx context.Context, a *actor, n *notify.Notifier) error {
	who := a.somebody()
	known, err := n.Addresses(ctx, who)
	if err != nil {
		return err
	}
	if len(known) > 1 {
		return n.Unregister(ctx, who, known[0].ID)
	}
	_, err = n.Register(ctx, who, notify.Registration{
		Address: notify.Address{Channel: notify.Mobile, Value: fmt.Sprint("token-", who.ID, "-", a.rng.IntN(3))}, Name: "phone",
	})
	return err
}
