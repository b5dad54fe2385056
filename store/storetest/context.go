package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

var contextChecks = []check{
	{"context/every call returns the error of a cancelled one", contextCancelled},
	{"context/a deadline that has passed", contextDeadline},
	{"context/an accept cut short leaves nothing behind", contextAccept},
	{"context/a chunk cut short leaves nothing behind", contextFanOut},
	{"context/a settlement cut short leaves nothing behind", contextSettle},
	{"context/an opening cut short leaves nothing behind", contextOpenDigests},
	{"context/a save cut short leaves nothing behind", contextSave},
}

// calls are all that a store can be asked for, by name, in a scene with one
// of everything.
func (s *scene) calls() map[string]func(ctx context.Context) error {
	id := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.send(about("billing", "e"), to(bob))
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	task := s.claimOne(notify.Email)
	s.send(invoice, to(alice, s.delivery(notify.Email)))
	opening := s.opening(alice, s.now().Add(time.Hour), s.now().Add(2*time.Hour))
	reg := s.register(alice, device("t1"), 10)
	s.suppress(notify.Email, "a", "550")
	s.pause("relay", "535", time.Hour)
	st := s.Store
	calls := map[string]func(ctx context.Context) error{
		"Accept": func(ctx context.Context) error {
			_, err := st.Accept(ctx, []notify.Acceptance{s.acceptance(invoice, to(carol))})
			return err
		},
		"Withdraw": func(ctx context.Context) error {
			_, err := st.Withdraw(ctx, notify.Withdrawal{Tenant: "acme", Entity: "e"})
			return err
		},
		"Items":  func(ctx context.Context) error { _, err := st.Items(ctx, alice, notify.ItemQuery{}); return err },
		"Counts": func(ctx context.Context) error { _, err := st.Counts(ctx, alice, 10); return err },
		"Mark": func(ctx context.Context) error {
			_, err := st.Mark(ctx, alice, notify.ItemMark{Op: notify.OpRead, IDs: []notify.ID{id}})
			return err
		},
		"Profiles":    func(ctx context.Context) error { _, err := st.Profiles(ctx, []notify.Recipient{alice}); return err },
		"SaveProfile": func(ctx context.Context) error { return st.SaveProfile(ctx, alice, notify.Profile{}) },
		"Register": func(ctx context.Context) error {
			_, err := st.Register(ctx, notify.Registration{ID: s.id(), Recipient: carol, Address: device("t2")}, 10)
			return err
		},
		"Unregister": func(ctx context.Context) error { return st.Unregister(ctx, alice, reg.ID) },
		"Addresses":  func(ctx context.Context) error { _, err := st.Addresses(ctx, []notify.Recipient{alice}); return err },
		"Suppress": func(ctx context.Context) error {
			return st.Suppress(ctx, notify.Suppression{Tenant: "acme", Address: mailbox("b")})
		},
		"Unsuppress": func(ctx context.Context) error { return st.Unsuppress(ctx, "acme", notify.Email, "a") },
		"Suppressed": func(ctx context.Context) error {
			_, err := st.Suppressed(ctx, "acme", []notify.Address{mailbox("a")})
			return err
		},
		"Suppressions": func(ctx context.Context) error {
			_, err := st.Suppressions(ctx, "acme", notify.Address{}, 10)
			return err
		},
		"Claim": func(ctx context.Context) error {
			_, err := st.Claim(ctx, notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 1}})
			return err
		},
		"Renew": func(ctx context.Context) error {
			_, err := st.Renew(ctx, []notify.Lease{held(task)}, lease)
			return err
		},
		"Load": func(ctx context.Context) error { _, _, err := st.Load(ctx, []notify.Task{task}, 1); return err },
		"Settle": func(ctx context.Context) error {
			_, err := st.Settle(ctx, []notify.Outcome{{Task: held(task), Status: notify.StatusDead}})
			return err
		},
		"FanOut": func(ctx context.Context) error {
			_, _, err := st.FanOut(ctx, notify.Chunk{Task: held(task)})
			return err
		},
		"Sweep":         func(ctx context.Context) error { _, err := st.Sweep(ctx, id, 10); return err },
		"DuePlans":      func(ctx context.Context) error { _, _, err := st.DuePlans(ctx, []string{notify.Email}, 10); return err },
		"OpenDigests":   func(ctx context.Context) error { return st.OpenDigests(ctx, []notify.Opening{opening}) },
		"DigestEntries": func(ctx context.Context) error { _, err := st.DigestEntries(ctx, task); return err },
		"Pauses":        func(ctx context.Context) error { _, err := st.Pauses(ctx); return err },
		"SetPause": func(ctx context.Context) error {
			return st.SetPause(ctx, notify.Pause{Channel: notify.Email, Account: "relay"}, 0)
		},
		"Probe":      func(ctx context.Context) error { _, err := st.Probe(ctx, notify.Email, "relay", time.Hour); return err },
		"Deliveries": func(ctx context.Context) error { _, err := st.Deliveries(ctx, notify.DeliveryQuery{}); return err },
		"Redeliver":  func(ctx context.Context) error { _, err := st.Redeliver(ctx, []notify.ID{task.ID}); return err },
		"Stats":      func(ctx context.Context) error { _, err := st.Stats(ctx); return err },
		"Now":        func(ctx context.Context) error { _, err := st.Now(ctx); return err },
	}
	if p, ok := find[notify.Pager](st); ok {
		calls["Page"] = func(ctx context.Context) error {
			_, _, err := p.Page(ctx, alice, notify.ItemQuery{}, 10)
			return err
		}
	}
	if g, ok := find[notify.Glancer](st); ok {
		calls["Glance"] = func(ctx context.Context) error {
			_, err := g.Glance(ctx, []notify.Recipient{alice}, 10)
			return err
		}
	}
	if k, ok := find[notify.IngestKeyStore](st); ok {
		calls["AddIngestKey"] = func(ctx context.Context) error { return k.AddIngestKey(ctx, s.ingestKey()) }
		calls["IngestKey"] = func(ctx context.Context) error { _, err := k.IngestKey(ctx, id); return err }
		calls["IngestKeys"] = func(ctx context.Context) error { _, err := k.IngestKeys(ctx, "acme"); return err }
		calls["ExpireIngestKey"] = func(ctx context.Context) error { return k.ExpireIngestKey(ctx, "acme", id, 0) }
	}
	if p, ok := find[notify.Pruner](st); ok {
		calls["Prune"] = func(ctx context.Context) error {
			_, err := p.Prune(ctx, notify.Prune{UnreadBefore: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, 10)
			return err
		}
	}
	if e, ok := find[notify.Eraser](st); ok {
		calls["Erase"] = func(ctx context.Context) error { _, err := e.Erase(ctx, alice); return err }
		calls["Restore"] = func(ctx context.Context) error { return e.Restore(ctx, alice) }
	}
	return calls
}

func contextCancelled(s *scene) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	s.refused(ctx, context.Canceled)
}

func contextDeadline(s *scene) {
	ctx, cancel := context.WithDeadline(s.ctx, time.Unix(0, 0))
	defer cancel()
	s.refused(ctx, context.DeadlineExceeded)
}

// refused checks that all calls return the error of ctx and change nothing.
func (s *scene) refused(ctx context.Context, want error) {
	type state struct {
		items    []notify.Item
		profiles [3]notify.Profile
		records  []notify.DeliveryRecord
		pauses   []notify.Pause
		regs     [2][]notify.Registration
		suppress []notify.Suppression
	}
	calls := s.calls()
	look := func() state {
		return state{
			append(s.items(alice, notify.ItemQuery{}), s.items(carol, notify.ItemQuery{})...),
			[3]notify.Profile{s.profile(alice), s.profile(bob), s.profile(carol)},
			s.records(notify.DeliveryQuery{}), s.pauses(), [2][]notify.Registration{s.registered(alice), s.registered(carol)},
			s.suppressed("acme", mailbox("a"), mailbox("b")),
		}
	}
	before := look()
	for name, call := range calls {
		s.is(call(ctx), want, name)
		equal(s, "what is stored after "+name, look(), before)
	}
	equal(s, "tasks that are free", len(s.claim(notify.Email, 10)), 1)
	equal(s, "withdrawn", len(s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})), 1)
}

// cutShort is a context that is cancelled when it has been looked at so many
// times: it ends a call wherever the store asks whether it should go on.
type cutShort struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func (c *cutShort) Done() <-chan struct{} {
	c.look()
	return c.Context.Done()
}

func (c *cutShort) Err() error {
	c.look()
	return c.Context.Err()
}

func (c *cutShort) look() {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
}

// cut calls do again and again, each time with a context that ends a little
// later, until do succeeds. After each error nothing may be left behind.
func (s *scene) cut(do func(ctx context.Context) error, untouched func() error) {
	for looks := range int64(10_000) {
		ctx, cancel := context.WithCancel(s.ctx)
		c := &cutShort{Context: ctx, cancel: cancel}
		c.left.Store(looks)
		err := do(c)
		cancel()
		if err == nil {
			return
		}
		s.that(errors.Is(err, context.Canceled), "cut short after %d looks: %v", looks, err)
		s.ok(untouched(), fmt.Sprintf("after a call cut short at look %d", looks))
	}
	s.fail("the call never succeeds")
}

// empty returns an error if one of the inboxes has items.
func (s *scene) empty(recipients ...notify.Recipient) error {
	for _, r := range recipients {
		if items := s.items(r, notify.ItemQuery{State: notify.StateAll}); len(items) > 0 {
			return fmt.Errorf("%s has %d items", r.ID, len(items))
		}
	}
	return nil
}

func contextAccept(s *scene) {
	n := invoice
	n.Key = "k"
	batch := []notify.Acceptance{
		s.acceptance(n, to(alice, s.delivery(notify.Email))), s.acceptance(weather("rain"), to(alice), to(bob)), s.fanOut(invoice, carol),
	}
	s.cut(func(ctx context.Context) error {
		receipts, err := s.Store.Accept(ctx, batch)
		if err == nil {
			equal(s, "receipt of the key", receipts[0].ID, batch[0].ID)
		}
		return err
	}, func() error { return s.empty(alice, bob) })
	equal(s, "items", len(s.inbox(alice, notify.StateAll)), 2)
	equal(s, "fan-out", s.claimFanOut().ID, batch[2].Task.ID)
	equal(s, "delivery", s.claimOne(notify.Email).ID, batch[0].Filings[0].Tasks[0].ID)
}

func contextFanOut(s *scene) {
	task := s.begin(alice, bob)
	c := notify.Chunk{Task: held(task), Filings: []notify.Filing{to(alice, s.delivery(notify.Email)), to(bob)}, Cursor: bob.ID, Done: true}
	s.cut(func(ctx context.Context) error {
		_, _, err := s.Store.FanOut(ctx, c)
		return err
	}, func() error { return s.empty(alice, bob) })
	equal(s, "items", len(s.inbox(bob, notify.StateAll)), 1)
	s.claimOne(notify.Email)
}

func contextSettle(s *scene) {
	reg := s.register(alice, device("t1"), 10)
	first, second := s.hold(), s.hold()
	s.cut(func(ctx context.Context) error {
		lost, err := s.Store.Settle(ctx, []notify.Outcome{
			{Task: held(first), Status: notify.StatusDead, Addresses: []notify.AddressOutcome{{Registration: reg.ID, Error: "410"}}},
			{Task: held(second), Status: notify.StatusDelivered},
		})
		if err == nil {
			equal(s, "lost leases", lost, nil)
		}
		return err
	}, func() error {
		if pending := len(s.records(notify.DeliveryQuery{Status: notify.StatusPending})); pending != 2 {
			return fmt.Errorf("%d of 2 tasks are pending", pending)
		}
		if s.registered(alice)[0].LastError != "" {
			return errors.New("the outcome of an address is recorded")
		}
		return nil
	})
	equal(s, "pending", len(s.records(notify.DeliveryQuery{Status: notify.StatusPending})), 0)
}

func contextOpenDigests(s *scene) {
	id := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(2 * time.Hour)
	before := s.plan(alice, notify.Email)
	o := s.opening(alice, before.NextCut, before.NextCut.Add(24*time.Hour))
	s.cut(func(ctx context.Context) error { return s.Store.OpenDigests(ctx, []notify.Opening{o}) }, func() error {
		if after := s.plan(alice, notify.Email); after != before {
			return fmt.Errorf("the plan is %+v", after)
		}
		return nil
	})
	equal(s, "entries", s.entries(s.claimOne(notify.Email)), []notify.ID{id})
}

func contextSave(s *scene) {
	cut := s.now().Add(time.Hour)
	s.enter(alice, notify.Email, cut)
	before := s.profile(alice)
	p := notify.Profile{
		Preferences: chosen(0), OptOuts: []notify.OptOut{{}},
		Plans: []notify.Plan{{Recipient: alice, Channel: notify.Email, NextCut: cut.Add(time.Hour)}},
	}
	s.cut(func(ctx context.Context) error { return s.Store.SaveProfile(ctx, alice, p) }, func() error {
		equal(s, "profile", s.profile(alice), before)
		return nil
	})
	equal(s, "preferences", s.profile(alice).Preferences, chosen(1))
}
