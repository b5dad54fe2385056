package integration

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/bellwether-go/notify"
)

// What the machine can do to the stores.

func (m *machine) advance(rt *rapid.T) {
	m.at = m.at.Add(one(rt, []time.Duration{time.Microsecond, time.Second, 5 * time.Minute, 11 * time.Minute, 3 * time.Hour, 30 * time.Hour}, "by"))
}

func (m *machine) accept(rt *rapid.T) {
	var batch []notify.Acceptance
	for range 1 + below(rt, 3, "notifications") {
		tenant := one(rt, []string{"acme", "acme", "beta"}, "tenant")
		a := notify.Acceptance{
			ID: m.id(), Fingerprint: one(rt, []string{"f", "g"}, "content"),
			Notification: notify.Notification{
				Tenant: tenant, Provider: one(rt, []string{"billing", "chats"}, "provider"), Title: "Title",
				Key: one(rt, []string{"", "", "k", "l"}, "key"), CollapseKey: one(rt, []string{"", "c", "d"}, "collapse"),
				Entity: one(rt, []string{"", "task/1", "task/2"}, "entity"),
			},
		}
		if rapid.Bool().Draw(rt, "expires") {
			a.Notification.ExpiresAt = m.at.Add(2 * time.Hour)
		}
		if below(rt, 4, "later") == 0 {
			a.Notification.To = some(rt, tenant)
			a.Task = &notify.NewTask{ID: m.id(), Kind: notify.KindFanOut, Lane: notify.LaneBulk, Bucket: below(rt, 3, "bucket")}
		} else {
			a.Filings = m.filings(rt, tenant)
		}
		m.notifications = append(m.notifications, a.ID)
		batch = append(batch, a)
	}
	_, _ = both(m, "accept", func(s full) ([]notify.Receipt, error) { return s.Accept(m.Context(), batch) })
}

func (m *machine) filings(rt *rapid.T, tenant string) []notify.Filing {
	var filings []notify.Filing
	for _, r := range some(rt, tenant) {
		f := notify.Filing{Recipient: r, PreferencesVersion: int64(below(rt, 3, "version"))}
		for range below(rt, 3, "deliveries") {
			t := notify.NewTask{
				ID: m.id(), Kind: notify.KindDelivery, Channel: one(rt, channels, "channel"), Lane: notify.Lane(below(rt, 3, "lane")),
				Bucket: below(rt, 3, "bucket"), Forced: rapid.Bool().Draw(rt, "forced"), Wait: time.Duration(below(rt, 2, "wait")) * time.Hour,
			}
			if below(rt, 4, "handed over") == 0 {
				t.Lease = 10 * time.Minute
				m.held = append(m.held, notify.Task{ID: t.ID, Kind: t.Kind, Channel: t.Channel, Recipient: r, Epoch: 1})
			}
			m.deliveries = append(m.deliveries, t.ID)
			f.Tasks = append(f.Tasks, t)
		}
		for _, channel := range channels {
			if below(rt, 3, "daily") == 0 {
				next := plannedIn(m, m.store, r, channel) // as the engine does
				if next.IsZero() {
					next = m.at.Add(2 * time.Hour)
				}
				f.Entries = append(f.Entries, notify.NewEntry{Channel: channel, NextCut: next})
			}
		}
		filings = append(filings, f)
	}
	return filings
}

// claim takes all or nothing of each sort: which of several that are due alike
// come first is the store's own affair.
func (m *machine) claim(rt *rapid.T) {
	most := func(label string) int { return 100 * below(rt, 2, label) }
	c := notify.Claim{
		Lease: 10 * time.Minute, Channels: map[string]int{notify.Email: most("email")},
		Urgent: most("urgent"), FanOuts: most("fan-outs"), Bucket: below(rt, 256, "bucket"), Recovered: most("recovered"),
	}
	if rapid.Bool().Draw(rt, "mobile") {
		c.Channels[notify.Mobile] = most("mobiles")
	}
	if rapid.Bool().Draw(rt, "restricted") {
		c.Providers = []string{"billing"}
	}
	claimed, _ := both(m, "claim", func(s full) ([]notify.Task, error) {
		tasks, err := s.Claim(m.Context(), c)
		slices.SortFunc(tasks, func(a, b notify.Task) int { return strings.Compare(string(a.ID), string(b.ID)) })
		return tasks, err
	})
	m.held = append(m.held, claimed...)
}

func (m *machine) renew(rt *rapid.T) {
	if len(m.held) == 0 {
		rt.Skip("nothing was claimed")
	}
	var held []notify.Lease
	for _, t := range m.leases(rt) {
		held = append(held, notify.Lease{ID: t.ID, Epoch: t.Epoch, Charge: rapid.Bool().Draw(rt, "charge")})
	}
	_, _ = both(m, "renew", func(s full) ([]notify.ID, error) { return s.Renew(m.Context(), held, 20*time.Minute) })
}

func (m *machine) settle(rt *rapid.T) {
	if len(m.held) == 0 {
		rt.Skip("nothing was claimed")
	}
	var outcomes []notify.Outcome
	for _, t := range m.leases(rt) {
		o := notify.Outcome{
			Task: notify.Lease{ID: t.ID, Epoch: t.Epoch}, Charge: rapid.Bool().Draw(rt, "charge"),
			Status: one(rt, []notify.Status{
				notify.StatusPending, notify.StatusUnknown, notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead,
			}, "status"),
			Reason: one(rt, []string{"", "why"}, "reason"), Error: one(rt, []string{"", "bad"}, "error"),
			RetryIn: time.Duration(below(rt, 2, "retry")) * time.Minute,
		}
		if rapid.Bool().Draw(rt, "accepted") {
			o.Accepted = []string{"0123456789abcdef0123456789abcdef"}
		}
		if t.Kind == notify.KindDigest {
			o.NextCut = m.at.Add(time.Hour)
		}
		if t.Kind == notify.KindDelivery && len(m.registrations) > 0 && rapid.Bool().Draw(rt, "learnt") {
			o.Addresses = []notify.AddressOutcome{{
				Registration: one(rt, m.registrations, "of"), Error: one(rt, []string{"", "410"}, "said"),
				Gone: below(rt, 3, "gone") == 0, Since: m.at.Add(-time.Hour),
			}}
		}
		outcomes = append(outcomes, o)
	}
	_, _ = both(m, "settle", func(s full) ([]notify.ID, error) { return s.Settle(m.Context(), outcomes) })
}

func (m *machine) fanOut(rt *rapid.T) {
	if len(m.held) == 0 {
		rt.Skip("nothing was claimed")
	}
	for _, t := range m.leases(rt, notify.KindFanOut) {
		c := notify.Chunk{
			Task: notify.Lease{ID: t.ID, Epoch: t.Epoch}, Filings: m.filings(rt, t.Recipient.Tenant),
			Cursor: one(rt, []string{"a", "b"}, "cursor"), Done: rapid.Bool().Draw(rt, "done"),
		}
		if below(rt, 3, "bad recipient") == 0 {
			c.Rejected = []notify.Rejection{{ID: m.id(), Recipient: notify.Recipient{Tenant: t.Recipient.Tenant, ID: "bad"}, Reason: "bad"}}
			m.deliveries = append(m.deliveries, c.Rejected[0].ID)
		}
		_, _ = both(m, "fan out", func(s full) (notify.Receipt, error) {
			at, withdrawn, err := s.FanOut(m.Context(), c)
			return notify.Receipt{Filed: at, Withdrawn: withdrawn}, err
		})
	}
}

func (m *machine) withdraw(rt *rapid.T) {
	w := notify.Withdrawal{Tenant: one(rt, []string{"acme", "beta"}, "tenant")}
	if rapid.Bool().Draw(rt, "by key") {
		w.Provider, w.Key = one(rt, []string{"billing", "chats"}, "provider"), one(rt, []string{"k", "l"}, "key")
	} else {
		w.Provider, w.Entity = one(rt, []string{"", "billing"}, "provider"), one(rt, []string{"task/1", "task/2"}, "entity")
	}
	_, _ = both(m, "withdraw", func(s full) ([]notify.ID, error) { return s.Withdraw(m.Context(), w) })
}

func (m *machine) sweep(rt *rapid.T) {
	if len(m.notifications) == 0 {
		rt.Skip("nothing was accepted")
	}
	id, limit := one(rt, m.notifications, "notification"), 1+below(rt, 3, "limit")
	_, _ = both(m, "sweep", func(s full) ([]notify.Recipient, error) { return s.Sweep(m.Context(), id, limit) })
}

func (m *machine) openDigests(rt *rapid.T) {
	type due struct {
		Plans []notify.Plan
		Now   time.Time
	}
	found, _ := both(m, "due plans", func(s full) (due, error) {
		plans, now, err := s.DuePlans(m.Context(), channels, 100)
		return due{slices.DeleteFunc(plans, func(p notify.Plan) bool { return p.First.IsZero() }), now}, err
	})
	var openings []notify.Opening
	for _, p := range found.Plans {
		o := notify.Opening{Plan: p, Cut: p.NextCut, From: p.LastCut, NextCut: m.at.Add(time.Hour), Task: notify.NewTask{
			ID: m.id(), Kind: notify.KindDigest, Channel: p.Channel, Lane: notify.LaneBulk, Bucket: 1,
		}}
		switch below(rt, 5, "how") {
		case 0: // only moved
			o.Cut = time.Time{}
		case 1: // dropping what is old
			o.Oldest = p.NextCut.Add(-time.Hour)
		case 2: // as somebody else read it before
			o.Plan.LastCut = m.at.Add(-100 * time.Hour)
		}
		m.deliveries = append(m.deliveries, o.Task.ID)
		openings = append(openings, o)
	}
	_, _ = both(m, "open digests", func(s full) (bool, error) { return true, s.OpenDigests(m.Context(), openings) })
}
