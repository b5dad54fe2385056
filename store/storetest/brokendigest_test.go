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
	{"plans another cut", onEntries(func(e *notify.NewEntry) { e.NextCut = e.NextCut.Add(time.Second) }), []string{"preferences/plans are part of the profile", "plan/the first entry plans the cut"}},
	{"plans a cut for every entry", onReceipts(func(b *bench, batch []notify.Acceptance, _ []notify.Receipt) {
		for _, a := range batch {
			for _, f := range a.Filings {
				for _, e := range f.Entries {
					p, _ := b.plan(f.Recipient, e.Channel)
					_ = b.m.OpenDigests(context.Background(), []notify.Opening{{Plan: p, NextCut: e.NextCut}})
				}
			}
		}
	}), []string{"plan/a later entry does not move it"}},
	{"does not tell the oldest entry", onDuePlans(func(_ *bench, plans []notify.Plan) []notify.Plan {
		for i := range plans {
			plans[i].First = time.Time{}
		}
		return plans
	}), []string{"plan/a due one tells its oldest entry"}},
	{"takes every plan for due", onDuePlans(func(b *bench, plans []notify.Plan) []notify.Plan {
		for _, r := range b.people {
			if p, ok := b.plan(r, notify.Email); ok && len(plans) == 0 && !p.NextCut.IsZero() {
				plans = append(plans, p)
			}
		}
		return plans
	}), []string{"plan/not due before its cut"}},
	{"returns the latest plan first", onDuePlans(func(_ *bench, plans []notify.Plan) []notify.Plan {
		slices.Reverse(plans)
		return plans
	}), []string{"plan/the earliest come first"}},
	{"returns plans of any channel", func(b *bench) {
		next := b.duePlans
		b.duePlans = func(ctx context.Context, _ []string, limit int) ([]notify.Plan, time.Time, error) {
			return next(ctx, []string{notify.Email, "letter"}, limit)
		}
	}, []string{"plan/only of the channels that are named"}},
	{"forgets the last cut when a cut is planned", onProfiles(func(_ notify.Recipient, p *notify.Profile) {
		for i := range p.Plans {
			if !p.Plans[i].NextCut.IsZero() {
				p.Plans[i].LastCut = time.Time{}
			}
		}
	}), []string{"plan/an entry after a run plans anew"}},
	{"forgets the last cut of an empty plan", onProfiles(func(_ notify.Recipient, p *notify.Profile) {
		for i := range p.Plans {
			if p.Plans[i].NextCut.IsZero() {
				p.Plans[i].LastCut = time.Time{}
			}
		}
	}), []string{"digest/without entries there is no task", "plan/the last cut survives an empty plan"}},
	{"opens a digest instead of moving its cut", onOpening(func(b *bench, o *notify.Opening) {
		if o.Cut.IsZero() {
			o.Cut, _ = b.m.Now(context.Background())
		}
	}), []string{"plan/a zero cut only moves the next one"}},
	{"moves a cut whatever the plan", onOpening(func(b *bench, o *notify.Opening) {
		if o.Cut.IsZero() {
			unchecked(b, o)
		}
	}), []string{"plan/a move of a plan that changed does nothing"}},
}

var brokenOpenings = []broken{
	{"forgets where the window begins", onTask(func(_ *bench, t *notify.Task) { t.From = time.Time{} }), []string{"digest/binds what was filed before the cut"}},
	{"binds what is filed at the cut", onOpening(func(_ *bench, o *notify.Opening) {
		if !o.Cut.IsZero() {
			o.Cut = o.Cut.Add(time.Microsecond)
		}
	}), []string{
		"digest/superseding needs no entry of its own",
		"digest/an entry at the cut is the next one's",
		"plan/an entry after a run plans anew",
	}},
	{"binds all that is pending", onOpening(func(b *bench, o *notify.Opening) {
		if now, _ := b.m.Now(context.Background()); !o.Cut.IsZero() {
			o.Cut = now.Add(time.Microsecond)
		}
	}), []string{"plan/the last cut survives an empty plan"}},
	{"repeats the entries of the digest before", func(b *bench) {
		var all []notify.DigestEntry
		onDigestEntries(func(_ notify.Task, entries []notify.DigestEntry) []notify.DigestEntry {
			all = append(all, entries...)
			return all
		})(b)
	}, []string{"digest/a withdrawn notification leaves it"}},
	{"opens a digest whatever the plan", onOpening(unchecked), []string{"digest/an opening is applied once"}},
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
	}), []string{"digest/of schedulers at once exactly one opens"}},
	{"makes a plan for an opening", onOpening(func(b *bench, o *notify.Opening) {
		if _, ok := b.plan(o.Plan.Recipient, o.Plan.Channel); !ok {
			b.enter(o.Plan.Recipient, o.Plan.Channel, o.Plan.NextCut)
		}
	}), []string{"digest/an opening of an unknown plan does nothing"}},
	{"stops at a stale opening", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		for i := range openings {
			now, ok := b.plan(openings[i].Plan.Recipient, openings[i].Plan.Channel)
			if ok && !now.NextCut.Equal(openings[i].Plan.NextCut) {
				return next(openings[:i])
			}
		}
		return next(openings)
	}), []string{"digest/one stale opening does not stop the others"}},
	{"keeps what is too old", onOpening(func(_ *bench, o *notify.Opening) { o.Oldest = time.Time{} }), []string{"digest/older entries are dropped"}},
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
	}), []string{"context/an opening cut short leaves nothing behind"}},
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
	}), []string{"digest/recipients and channels are apart"}},
	{"reads a digest once", remembered, []string{
		"digest/an expired notification leaves it",
		"digest/a snoozed item leaves it until its instant",
		"digest/a replaced notification leaves it",
		"digest/a retry reads anew",
	}},
	{"lists entries oldest first", onDigestEntries(func(_ notify.Task, entries []notify.DigestEntry) []notify.DigestEntry {
		slices.Reverse(entries)
		return entries
	}), []string{"digest/shows only what is still unread", "digest/entries are newest first"}},
	{"has no pending entries", onDigestEntries(func(digest notify.Task, entries []notify.DigestEntry) []notify.DigestEntry {
		if digest.ID == "" {
			return nil
		}
		return entries
	}), []string{"digest/without a task they are those that are pending"}},
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
	}, []string{"context/an opening cut short leaves nothing behind"}},
}

var brokenEnds = []broken{
	{"releases what was delivered", ending(notify.StatusDelivered, notify.StatusDead), []string{"digest/delivered it removes its entries", "digest/a late entry joins the next one"}},
	{"releases what was skipped", ending(notify.StatusSkipped, notify.StatusDead), []string{"digest/skipped it removes its entries"}},
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
	}, []string{"digest/a snoozed entry waits for another one"}},
	{"releases nothing of a dead digest", ending(notify.StatusDead, notify.StatusSkipped), []string{"digest/dead it releases its entries"}},
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
	}, []string{"digest/released entries keep a cut that is planned"}},
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
	}, []string{"digest/dead and unknown it releases nothing"}},
	{"supersedes without a reason", onRecords(func(_ *bench, _ notify.DeliveryQuery, records []notify.DeliveryRecord) []notify.DeliveryRecord {
		for i := range records {
			records[i].Reason = ""
		}
		return records
	}), []string{"fanout/rejections are logged"}},
	{"supersedes what is held", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		for id, epoch := range b.epochs {
			back := notify.Outcome{Task: notify.Lease{ID: id, Epoch: epoch}, Status: notify.StatusPending}
			_, _ = b.m.Settle(context.Background(), []notify.Outcome{back})
		}
		return next(openings)
	}), []string{"digest/one whose lease expired is not superseded"}},
	{"opens no digest while another waits", onOpenings(func(b *bench, openings []notify.Opening, next opening) error {
		return next(slices.DeleteFunc(openings, func(o notify.Opening) bool {
			waiting, _ := b.m.Deliveries(context.Background(), notify.DeliveryQuery{Recipient: &o.Plan.Recipient, Status: notify.StatusPending})
			return len(waiting) > 0
		}))
	}), []string{"digest/a held one is not superseded", "digest/no entry is in two"}},
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
	}, []string{"digest/one whose lease expired is not superseded", "digest/superseding is per recipient and channel"}},
}
