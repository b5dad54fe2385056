package integration

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bellwether-go/notify"
)

// What people and operators do, and what is visible of it all.

func (m *machine) mark(rt *rapid.T) {
	r := one(rt, people, "whose")
	mark := notify.ItemMark{
		Op: one(rt, []notify.Op{notify.OpSeen, notify.OpRead, notify.OpUnread, notify.OpArchive, notify.OpUnarchive, notify.OpSnooze}, "op"),
	}
	if mark.Op == notify.OpSnooze {
		mark.Until = m.at.Add(one(rt, []time.Duration{-time.Hour, time.Minute, 4 * time.Hour}, "until"))
	}
	if len(m.notifications) == 0 || below(rt, 4, "all") == 0 {
		mark.UpTo = notify.Position{Filed: m.at.Add(-time.Duration(below(rt, 3, "up to")) * time.Hour), ID: "zzz"}
		mark.Provider = one(rt, []string{"", "billing"}, "provider")
	} else {
		for range 1 + below(rt, 3, "items") {
			mark.IDs = append(mark.IDs, one(rt, m.notifications, "item"))
		}
	}
	_, _ = both(m, "mark", func(s full) (int, error) { return s.Mark(m.Context(), r, mark) })
}

func (m *machine) save(rt *rapid.T) {
	r := one(rt, people, "whose")
	profiles, err := m.oracle.Profiles(m.Context(), people)
	if err != nil {
		rt.Fatal(err)
	}
	p := profiles[r]
	p.Preferences.Muted = rapid.Bool().Draw(rt, "muted")
	p.Preferences.Version -= int64(below(rt, 4, "stale") / 3)
	if rapid.Bool().Draw(rt, "opts out") {
		p.OptOuts = append(p.OptOuts[:0:0], notify.OptOut{Channel: one(rt, channels, "of"), Except: []string{"chats"}})
	}
	for i := range p.Plans {
		p.Plans[i].NextCut = m.at.Add(time.Duration(1+below(rt, 3, "cut")) * time.Hour)
	}
	_, _ = both(m, "save", func(s full) (bool, error) { return true, s.SaveProfile(m.Context(), r, p) })
}

func (m *machine) register(rt *rapid.T) {
	m.at = m.at.Add(time.Microsecond) // which of several of one instant is the oldest is the store's own affair
	reg := notify.Registration{
		ID: m.id(), Recipient: one(rt, people, "whose"), Name: one(rt, []string{"", "phone"}, "name"),
		Address: notify.Address{
			Channel: one(rt, channels, "channel"), Value: one(rt, []string{"t1", "t2", "T1", "t3"}, "value"),
			Meta: json.RawMessage(one(rt, []string{`{"a":1}`, `{"a":2}`}, "meta")),
		},
	}
	stored, err := both(m, "register", func(s full) (notify.Registration, error) { return s.Register(m.Context(), reg, 2) })
	if err == nil {
		m.registrations = append(m.registrations, stored.ID)
	}
}

func (m *machine) unregister(rt *rapid.T) {
	if len(m.registrations) == 0 {
		rt.Skip("nothing is registered")
	}
	r, id := one(rt, people, "whose"), one(rt, m.registrations, "which")
	_, _ = both(m, "unregister", func(s full) (bool, error) { return true, s.Unregister(m.Context(), r, id) })
}

func (m *machine) suppress(rt *rapid.T) {
	address := notify.Address{Channel: one(rt, channels, "channel"), Value: one(rt, []string{"t1", "T1", "x@example.org"}, "value")}
	tenant := one(rt, []string{"", "acme"}, "tenant")
	if rapid.Bool().Draw(rt, "again usable") {
		_, _ = both(m, "unsuppress", func(s full) (bool, error) {
			return true, s.Unsuppress(m.Context(), tenant, address.Channel, address.Value)
		})
		return
	}
	entry := notify.Suppression{Tenant: tenant, Address: address, Proof: one(rt, []string{"550", "551"}, "proof")}
	_, _ = both(m, "suppress", func(s full) (bool, error) { return true, s.Suppress(m.Context(), entry) })
}

func (m *machine) redeliver(rt *rapid.T) {
	if len(m.deliveries) == 0 {
		rt.Skip("nothing was filed")
	}
	ids := []notify.ID{one(rt, m.deliveries, "one"), one(rt, m.deliveries, "other")}
	_, _ = both(m, "redeliver", func(s full) (int, error) { return s.Redeliver(m.Context(), ids) })
}

func (m *machine) pause(rt *rapid.T) {
	p := notify.Pause{Channel: one(rt, channels, "channel"), Account: one(rt, []string{"", "relay"}, "account"), Reason: "535"}
	d := time.Duration(below(rt, 3, "for")) * 30 * time.Second
	if rapid.Bool().Draw(rt, "probe") {
		_, _ = both(m, "probe", func(s full) (bool, error) { return s.Probe(m.Context(), p.Channel, p.Account, time.Minute) })
		return
	}
	_, _ = both(m, "pause", func(s full) (bool, error) { return true, s.SetPause(m.Context(), p, d) })
}

func (m *machine) prune(rt *rapid.T) {
	p := notify.Prune{}
	if rapid.Bool().Draw(rt, "read") {
		p.ReadBefore = m.at.Add(-time.Hour)
	}
	if rapid.Bool().Draw(rt, "log") {
		p.DeliveriesBefore = m.at.Add(-time.Hour)
	}
	if below(rt, 4, "unread") == 0 {
		p.UnreadBefore = m.at.Add(-24 * time.Hour)
	}
	// In which order rows go is the store's own affair: all that is old goes.
	_, _ = both(m, "prune", func(s full) (bool, error) {
		for {
			removed, err := s.Prune(m.Context(), p, 5)
			if err != nil || removed < 5 {
				return true, err
			}
		}
	})
}

func (m *machine) erase(rt *rapid.T) {
	if below(rt, 3, "really") > 0 {
		rt.Skip("not this time")
	}
	r := one(rt, people, "whom")
	_, _ = both(m, "erase", func(s full) (bool, error) { return s.Erase(m.Context(), r) })
}

func (m *machine) restore(rt *rapid.T) {
	r := one(rt, people, "whom")
	_, _ = both(m, "restore", func(s full) (bool, error) { return true, s.Restore(m.Context(), r) })
}

// compareAll compares all that can be seen.
func (m *machine) compareAll(*rapid.T) {
	ctx := m.Context()
	for _, r := range people {
		for _, q := range []notify.ItemQuery{
			{State: notify.StateAll}, {State: notify.StateInbox, Ascending: true}, {State: notify.StateUnread, Provider: "billing", Limit: 3},
			{State: notify.StateArchived}, {State: notify.StateSnoozed}, {State: notify.StateAll, After: notify.Position{Filed: m.at.Add(-time.Hour)}},
		} {
			_, _ = both(m, "items", func(s full) ([]notify.Item, error) { return s.Items(ctx, r, q) })
		}
		_, _ = both(m, "counts", func(s full) (notify.Counts, error) { return s.Counts(ctx, r, 2) })
		for _, channel := range channels {
			_, _ = both(m, "pending entries", func(s full) ([]notify.DigestEntry, error) {
				return s.DigestEntries(ctx, notify.Task{Recipient: r, Channel: channel})
			})
		}
	}
	_, _ = both(m, "profiles", m.profiles)
	_, _ = both(m, "addresses", func(s full) (map[notify.Recipient][]notify.Registration, error) { return s.Addresses(ctx, people) })
	_, _ = both(m, "deliveries", func(s full) ([]notify.DeliveryRecord, error) {
		return s.Deliveries(ctx, notify.DeliveryQuery{Limit: 1000})
	})
	_, _ = both(m, "suppressions", func(s full) ([]notify.Suppression, error) { return s.Suppressions(ctx, "acme", notify.Address{}, 100) })
	_, _ = both(m, "pauses", func(s full) ([]notify.Pause, error) { return s.Pauses(ctx) })
	_, _ = both(m, "stats", func(s full) (notify.Stats, error) {
		stats, err := s.Stats(ctx)
		if err == nil && m.leftPlanned(stats.NextCut) {
			stats.NextCut = time.Time{}
		}
		return stats, err
	})
	if len(m.held) > 0 {
		m.compareWork()
	}
}

// compareWork compares what the last tasks that were claimed are told.
func (m *machine) compareWork() {
	last := m.held[max(0, len(m.held)-4):]
	_, _ = both(m, "facts", func(s full) ([]notify.Facts, error) {
		facts, _, err := s.Load(m.Context(), last, 5)
		for _, f := range facts {
			m.dropLeft(s, f.Profile)
		}
		return facts, err
	})
	for _, t := range last {
		if t.Kind == notify.KindDigest {
			_, _ = both(m, "entries", func(s full) ([]notify.DigestEntry, error) { return s.DigestEntries(m.Context(), t) })
		}
	}
}

// profiles are those of all people.
func (m *machine) profiles(s full) (map[notify.Recipient]notify.Profile, error) {
	all, err := s.Profiles(m.Context(), people)
	for _, profile := range all {
		m.dropLeft(s, profile)
	}
	return all, err
}

// dropLeft takes out of a profile the cuts that are left planned: where the items
// went that were all a plan had, a store may let its cut come and close nothing.
func (m *machine) dropLeft(s full, profile notify.Profile) {
	for i, plan := range profile.Plans {
		if !m.planned(plan.Recipient, plan.Channel).IsZero() {
			continue
		}
		entries, err := s.DigestEntries(m.Context(), notify.Task{Recipient: plan.Recipient, Channel: plan.Channel})
		require.NoError(m, err)
		require.Empty(m, entries, "entries wait, and no cut is planned")
		profile.Plans[i].NextCut = time.Time{}
	}
}

// planned is the cut that the oracle has planned.
func (m *machine) planned(r notify.Recipient, channel string) time.Time {
	return plannedIn(m, m.oracle, r, channel)
}

func plannedIn(m *machine, s notify.Store, r notify.Recipient, channel string) time.Time {
	profiles, err := s.Profiles(m.Context(), []notify.Recipient{r})
	require.NoError(m, err)
	for _, plan := range profiles[r].Plans {
		if plan.Channel == channel {
			return plan.NextCut
		}
	}
	return time.Time{}
}

// leftPlanned tells whether the cut is one that only the store has, or the
// oracle's while the store has such an earlier one.
func (m *machine) leftPlanned(cut time.Time) bool {
	for _, r := range people {
		for _, channel := range channels {
			left := plannedIn(m, m.store, r, channel)
			if m.planned(r, channel).IsZero() && !left.IsZero() && !left.After(cut) {
				return true
			}
		}
	}
	return false
}
