package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// opening is the rest of a store's OpenDigests.
type opening = func([]notify.Opening) error

// plan reads a plan as it is.
func (b *bench) plan(r notify.Recipient, channel string) (notify.Plan, bool) {
	profiles, _ := b.m.Profiles(context.Background(), []notify.Recipient{r})
	for _, p := range profiles[r].Plans {
		if p.Channel == channel {
			return p, true
		}
	}
	return notify.Plan{}, false
}

// unchecked applies an opening whatever the plan is now.
func unchecked(b *bench, o *notify.Opening) {
	if p, ok := b.plan(o.Plan.Recipient, o.Plan.Channel); ok {
		o.Plan = p
	}
}

// enter has an entry wait for the next digest of r.
func (b *bench) enter(r notify.Recipient, channel string, cut time.Time) {
	n := notify.Notification{Tenant: r.Tenant, Provider: "nobody", Title: "unasked"}
	b.fresh(n, notify.Filing{Recipient: r, Entries: []notify.NewEntry{{Channel: channel, NextCut: cut}}})
}

func onDuePlans(edit func(b *bench, plans []notify.Plan) []notify.Plan) alter {
	return func(b *bench) {
		next := b.duePlans
		b.duePlans = func(ctx context.Context, channels []string, limit int) ([]notify.Plan, time.Time, error) {
			plans, at, err := next(ctx, channels, limit)
			return edit(b, plans), at, err
		}
	}
}

func onDigestEntries(edit func(digest notify.Task, entries []notify.DigestEntry) []notify.DigestEntry) alter {
	return func(b *bench) {
		next := b.digestEntries
		b.digestEntries = func(ctx context.Context, digest notify.Task) ([]notify.DigestEntry, error) {
			entries, err := next(ctx, digest)
			return edit(digest, entries), err
		}
	}
}

// remembered shows the entries that a digest had at first.
func remembered(b *bench) {
	first := map[notify.ID][]notify.DigestEntry{}
	onDigestEntries(func(digest notify.Task, entries []notify.DigestEntry) []notify.DigestEntry {
		if _, ok := first[digest.ID]; !ok {
			first[digest.ID] = entries
		}
		return first[digest.ID]
	})(b)
}

// ending changes how digests end.
func ending(status, instead notify.Status) alter {
	return onOutcome(func(b *bench, o *notify.Outcome) {
		if b.tasks[o.Task.ID].Kind == notify.KindDigest && o.Status == status {
			o.Status = instead
		}
	})
}

var brokenDigest = slices.Concat(brokenPlans, brokenOpenings, brokenEnds)

var brokenPlans = []broken{
	{"plans another cut", onEntries(func(e *notify.NewEntry) { e.NextCut = e.NextCut.Add(time.Second) }), nil},
	{"plans a cut for every entry", onReceipts(func(b *bench, batch []notify.Acceptance, _ []notify.Receipt) {
		for _, a := range batch {
			for _, f := range a.Filings {
				for _, e := range f.Entries {
					p, _ := b.plan(f.Recipient, e.Channel)
					_ = b.m.OpenDigests(context.Background(), []notify.Opening{{Plan: p, NextCut: e.NextCut}})
				}
			}
		}
	}), nil},
	{"does not tell the oldest entry", onDuePlans(func(_ *bench, plans []notify.Plan) []notify.Plan {
		for i := range plans {
			plans[i].First = time.Time{}
		}
		return plans
	}), nil},
	{"takes every plan for due", onDuePlans(func(b *bench, plans []notify.Plan) []notify.Plan {
		for _, r := range b.people {
			if p, ok := b.plan(r, notify.Email); ok && len(plans) == 0 && !p.NextCut.IsZero() {
				plans = append(plans, p)
			}
		}
		return plans
	}), nil},
	{"returns the latest plan first", onDuePlans(func(_ *bench, plans []notify.Plan) []notify.Plan {
		slices.Reverse(plans)
		return plans
	}), nil},
	{"returns plans of any channel", func(b *bench) {
		next := b.duePlans
		b.duePlans = func(ctx context.Context, _ []string, limit int) ([]notify.Plan, time.Time, error) {
			return next(ctx, []string{notify.Email, "letter"}, limit)
		}
	}, nil},
	{"forgets the last cut when a cut is planned", onProfiles(func(_ notify.Recipient, p *notify.Profile) {
		for i := range p.Plans {
			if !p.Plans[i].NextCut.IsZero() {
				p.Plans[i].LastCut = time.Time{}
			}
		}
	}), nil},
	{"forgets the last cut of an empty plan", onProfiles(func(_ notify.Recipient, p *notify.Profile) {
		for i := range p.Plans {
			if p.Plans[i].NextCut.IsZero() {
				p.Plans[i].LastCut = time.Time{}
			}
		}
	}), nil},
	{"opens a digest instead of moving its cut", onOpening(func(b *bench, o *notify.Opening) {
		if o.Cut.IsZero() {
			o.Cut, _ = b.m.Now(context.Background())
		}
	}), nil},
	{"moves a cut whatever the plan", onOpening(func(b *bench, o *notify.Opening) {
		if o.Cut.IsZero() {
			unchecked(b, o)
		}
	}), nil},
}

var brokenOpenings = []broken{
	{"forgets where the window begins", onTask(func(_ *bench, t *notify.Task) { t.From = time.Time{} }), nil},
	{"binds what is filed at the cut", onOpening(func(_ *bench, o *notify.Opening) {
		if !o.Cut.IsZero() {
			o.Cut = o.Cut.Add(time.Microsecond)
		}
	}), nil},
	{"binds all that is pending", onOpening(func(b *bench, o *notify.Opening) {
		if now, _ := b.m.Now(context.Background()); !o.Cut.IsZero() {
			o.Cut = now.Add(time.Microsecond)
		}
	}), nil},
	{"repeats the entries of the digest before", func(b *bench) {
		var all []notify.DigestEntry
		onDigestEntries(func(_ notify.Task, entries []notify.DigestEntry) []notify.DigestEntry {
			all = append(all, entries...)
			return all
		})(b)
	}, nil},
	{"opens a digest whatever the plan", onOpening(unchecked), nil},
	{"opens digests without a lock", onOpenings(func(b *bench, openings []notify.Opening, next opening) (err error) {
		b.racing(func(racing bool) {
			for i := range openings {
				if racing {
					now, _ := b.m.Now(context.Background())
					b.mu.Lock()
					b.enter(openings[i].Plan.Recipient, notify.Email, now)
					unchecked(b, &openings[i])
					b.mu.Unlock()
					openings[i].Cut = now.Add(time.Microsecond)
				}
			}
			err = next(openings)
		})
		return err
	}), nil},
	{"makes a plan for an opening", onOpening(func(b *bench, o *notify.Opening) {
		if _, ok := b.plan(o.Plan.Recipient, o.Plan.Channel); !ok {
			b.enter(o.Plan.Recipient, o.Plan.Channel, o.Plan.NextCut)
		}
	}), nil},
	{"stops at a stale opening", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		for i := range openings {
			now, ok := b.plan(openings[i].Plan.Recipient, openings[i].Plan.Channel)
			if ok && !now.NextCut.Equal(openings[i].Plan.NextCut) {
				return next(openings[:i])
			}
		}
		return next(openings)
	}), nil},
	{"keeps what is too old", onOpening(func(_ *bench, o *notify.Opening) { o.Oldest = time.Time{} }), nil},
	{"sends an empty digest", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		err := next(openings)
		for _, o := range openings {
			found, _ := b.m.Deliveries(context.Background(), notify.DeliveryQuery{IDs: []notify.ID{o.Task.ID}})
			if len(found) == 0 && !o.Cut.IsZero() {
				o.Task.Kind = notify.KindDelivery
				b.fresh(notify.Notification{Tenant: "acme", Provider: "nobody"}, notify.Filing{Recipient: o.Plan.Recipient, Tasks: []notify.NewTask{o.Task}})
			}
		}
		return err
	}), nil},
	{"opens digests of other recipients", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		for _, o := range slices.Clone(openings) {
			for _, r := range b.people {
				if p, ok := b.plan(r, o.Plan.Channel); ok && r != o.Plan.Recipient {
					other := o
					other.Plan, other.Task.ID = p, o.Task.ID[:35]+"x"
					openings = append(openings, other)
				}
			}
		}
		return next(openings)
	}), nil},
	{"reads a digest once", remembered, nil},
	{"lists entries oldest first", onDigestEntries(func(_ notify.Task, entries []notify.DigestEntry) []notify.DigestEntry {
		slices.Reverse(entries)
		return entries
	}), nil},
	{"has no pending entries", onDigestEntries(func(digest notify.Task, entries []notify.DigestEntry) []notify.DigestEntry {
		if digest.ID == "" {
			return nil
		}
		return entries
	}), nil},
	{"opens a digest in two steps", func(b *bench) {
		next := b.openDigests
		b.openDigests = func(ctx context.Context, openings []notify.Opening) error {
			openings = slices.Clone(openings)
			for i := range openings {
				o := &openings[i]
				moved := *o
				moved.Cut = time.Time{}
				if err := next(ctx, []notify.Opening{moved}); err != nil {
					return err
				}
				o.Plan.NextCut = o.NextCut
			}
			return next(ctx, openings)
		}
	}, nil},
}

var brokenEnds = []broken{
	{"releases what was delivered", ending(notify.StatusDelivered, notify.StatusDead), nil},
	{"releases what was skipped", ending(notify.StatusSkipped, notify.StatusDead), nil},
	{"forgets what is snoozed", func(b *bench) {
		next := b.settle
		b.settle = func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
			var snoozed []notify.Item
			for _, r := range b.people {
				items, _ := b.m.Items(ctx, r, notify.ItemQuery{State: notify.StateSnoozed})
				snoozed = append(snoozed, items...)
			}
			for _, it := range snoozed {
				_, _ = b.m.Mark(ctx, it.Recipient, notify.ItemMark{Op: notify.OpSnooze, IDs: []notify.ID{it.ID}})
			}
			lost, err := next(ctx, outcomes)
			for _, it := range snoozed {
				_, _ = b.m.Mark(ctx, it.Recipient, notify.ItemMark{Op: notify.OpSnooze, IDs: []notify.ID{it.ID}, Until: it.Snoozed})
			}
			return lost, err
		}
	}, nil},
	{"releases nothing of a dead digest", ending(notify.StatusDead, notify.StatusSkipped), nil},
	{"moves the cut for what it releases", func(b *bench) {
		next := b.settle
		b.settle = func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
			lost, err := next(ctx, outcomes)
			for _, o := range outcomes {
				t := b.tasks[o.Task.ID]
				if p, ok := b.plan(t.Recipient, t.Channel); ok && !o.NextCut.IsZero() {
					_ = b.m.OpenDigests(ctx, []notify.Opening{{Plan: p, NextCut: o.NextCut}})
				}
			}
			return lost, err
		}
	}, nil},
	{"releases what may have been sent", func(b *bench) {
		next := b.settle
		b.settle = func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
			lost, err := next(ctx, outcomes)
			for _, o := range outcomes {
				if t := b.tasks[o.Task.ID]; t.Unknown && o.Status == notify.StatusDead {
					b.enter(t.Recipient, t.Channel, o.NextCut)
				}
			}
			return lost, err
		}
	}, nil},
	{"supersedes without a reason", onRecords(func(_ *bench, _ notify.DeliveryQuery, records []notify.DeliveryRecord) []notify.DeliveryRecord {
		for i := range records {
			records[i].Reason = ""
		}
		return records
	}), nil},
	{"supersedes what is held", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		for id, epoch := range b.epochs {
			back := notify.Outcome{Task: notify.Lease{ID: id, Epoch: epoch}, Status: notify.StatusPending}
			_, _ = b.m.Settle(context.Background(), []notify.Outcome{back})
		}
		return next(openings)
	}), nil},
	{"opens no digest while another waits", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		return next(slices.DeleteFunc(openings, func(o notify.Opening) bool {
			waiting, _ := b.m.Deliveries(context.Background(), notify.DeliveryQuery{Recipient: &o.Plan.Recipient, Status: notify.StatusPending})
			return len(waiting) > 0
		}))
	}), nil},
	{"supersedes everybody's", func(b *bench) {
		opened := 0
		onOpenings(func(_ *bench, openings []notify.Opening, next opening) error {
			opened++
			return next(openings)
		})(b)
		onRecords(func(_ *bench, _ notify.DeliveryQuery, records []notify.DeliveryRecord) []notify.DeliveryRecord {
			for i := range records {
				if opened > 1 {
					records[i].Status = notify.StatusSkipped
				}
			}
			return records
		})(b)
	}, nil},
}
