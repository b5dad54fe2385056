package storetest

import (
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var digestChecks = []check{
	{"digest/binds what was filed before the cut", digestWindow},
	{"digest/an entry at the cut is the next one's", digestHalfOpen},
	{"digest/a late entry joins the next one", digestLate},
	{"digest/no entry is in two", digestTiling},
	{"digest/an opening is applied once", digestOnce},
	{"digest/of schedulers at once exactly one opens", digestConcurrent},
	{"digest/an opening of an unknown plan does nothing", digestUnknownPlan},
	{"digest/one stale opening does not stop the others", digestStaleAmongOthers},
	{"digest/older entries are dropped", digestOldest},
	{"digest/without entries there is no task", digestNothing},
	{"digest/a task may be held", digestLeased},
	{"digest/recipients and channels are apart", digestScope},
	{"digest/shows only what is still unread", digestUnread},
	{"digest/entries are newest first", digestOrder},
	{"digest/an expired notification leaves it", digestExpired},
	{"digest/a snoozed item leaves it until its instant", digestSnoozed},
	{"digest/a withdrawn notification leaves it", digestWithdrawn},
	{"digest/a replaced notification leaves it", digestReplaced},
	{"digest/without a task they are those that are pending", digestPending},
	{"digest/a retry reads anew", digestRetry},
}

func digestWindow(s *scene) {
	first := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(time.Second)
	second := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(2 * time.Hour)
	cut := s.plan(alice, notify.Email).NextCut
	o := s.opening(alice, cut, cut.Add(24*time.Hour))
	o.From = cut.Add(-24 * time.Hour)
	s.apply(o)
	task := s.claimOne(notify.Email)
	equal(s, "task", task, notify.Task{
		ID: o.Task.ID, Kind: notify.KindDigest, Epoch: task.Epoch, Recipient: alice, Channel: notify.Email, Lane: notify.LaneBulk,
		Bucket: 3, Filed: task.Filed, Due: task.Due, Cut: cut, From: o.From,
	})
	entries, err := s.Store.DigestEntries(s.ctx, task)
	s.ok(err, "DigestEntries")
	equal(s, "entries", entries, []notify.DigestEntry{
		{Item: second, Provider: "billing", Filed: s.item(alice, second).Filed, PreferencesVersion: 3},
		{Item: first, Provider: "billing", Filed: s.item(alice, first).Filed, PreferencesVersion: 3},
	})
	plan := s.plan(alice, notify.Email)
	equal(s, "last cut", plan.LastCut, cut)
	equal(s, "next cut with no entry left", plan.NextCut, time.Time{})
	got := s.record(o.Task.ID)
	s.that(got.Cut.Equal(cut) && got.Recipient == alice && got.Channel == notify.Email && got.Notification == "" &&
		got.Status == notify.StatusPending, "the record is %+v", got)
}

func digestHalfOpen(s *scene) {
	before := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(time.Second)
	at := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	cut := s.item(alice, at).Filed
	s.Advance(time.Second)
	next := cut.Add(24 * time.Hour)
	s.apply(s.opening(alice, cut, next))
	first := s.claimOne(notify.Email)
	equal(s, "entries before the cut", s.entries(first), []notify.ID{before})
	equal(s, "next cut with an entry left", s.plan(alice, notify.Email).NextCut, next)
	s.apply(s.opening(alice, cut.Add(time.Microsecond), next.Add(24*time.Hour)))
	equal(s, "entries at the cut", s.entries(s.claimOne(notify.Email)), []notify.ID{at})
	equal(s, "entries of the first, after the second", s.entries(first), []notify.ID{before})
}

func digestLate(s *scene) {
	first := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(2 * time.Hour)
	cut := s.plan(alice, notify.Email).NextCut
	late := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.apply(s.opening(alice, cut, cut.Add(24*time.Hour)))
	task := s.claimOne(notify.Email)
	equal(s, "entries", s.entries(task), []notify.ID{first})
	s.settle(task, notify.Outcome{Status: notify.StatusDelivered})
	s.Advance(24 * time.Hour)
	s.apply(s.opening(alice, cut.Add(24*time.Hour), time.Time{}))
	equal(s, "entries of the next", s.entries(s.claimOne(notify.Email)), []notify.ID{late})
}

func digestTiling(s *scene) {
	var want, got []notify.ID
	for range 5 {
		for range 3 {
			want = append(want, s.enter(alice, notify.Email, s.now().Add(time.Hour)))
			s.Advance(time.Second)
		}
		got = append(got, s.entries(s.digest(alice))...)
	}
	slices.Sort(got)
	equal(s, "entries of all digests", got, want)
}

func digestOnce(s *scene) {
	id := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(2 * time.Hour)
	cut := s.plan(alice, notify.Email).NextCut
	first := s.opening(alice, cut, cut.Add(24*time.Hour))
	second := s.opening(alice, cut, cut.Add(24*time.Hour))
	s.apply(first)
	later := s.enter(alice, notify.Email, cut.Add(24*time.Hour))
	s.apply(second)
	second.Cut = cut.Add(3 * time.Hour)
	s.apply(second)
	task := s.claimOne(notify.Email)
	equal(s, "task", task.ID, first.Task.ID)
	equal(s, "entries", s.entries(task), []notify.ID{id})
	equal(s, "plan", s.plan(alice, notify.Email), notify.Plan{Recipient: alice, Channel: notify.Email, NextCut: cut.Add(24 * time.Hour), LastCut: cut})
	equal(s, "entries of the next", s.entries(s.digest(alice)), []notify.ID{later})
}

func digestConcurrent(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.enter(bob, notify.Email, s.now().Add(time.Hour))
	s.Advance(2 * time.Hour)
	var openings [8][]notify.Opening
	for i := range openings {
		cut := s.plan(alice, notify.Email).NextCut
		openings[i] = []notify.Opening{s.opening(alice, cut, cut.Add(24*time.Hour)), s.opening(bob, cut, cut.Add(24*time.Hour))}
	}
	s.parallel(len(openings), func(i int) error { return s.Store.OpenDigests(s.ctx, openings[i]) })
	tasks := s.claim(notify.Email, 100)
	equal(s, "digests", len(tasks), 2)
	for _, t := range tasks {
		equal(s, "entries of each", len(s.entries(t)), 1)
	}
}

func digestUnknownPlan(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	o := s.opening(alice, s.now().Add(time.Hour), s.now().Add(25*time.Hour))
	o.Plan.Recipient = bob
	s.apply(o)
	equal(s, "plans", s.profile(bob).Plans, nil)
	equal(s, "digests", len(s.claim(notify.Email, 10)), 0)
}

func digestStaleAmongOthers(s *scene) {
	for _, r := range []notify.Recipient{alice, bob, carol} {
		s.enter(r, notify.Email, s.now().Add(time.Hour))
	}
	s.Advance(time.Minute)
	now := s.now()
	stale := s.opening(bob, now, now.Add(24*time.Hour))
	stale.Plan.NextCut = stale.Plan.NextCut.Add(time.Microsecond)
	s.apply(s.opening(alice, now, now.Add(24*time.Hour)), stale, s.opening(carol, now, now.Add(24*time.Hour)))
	var got []string
	for _, t := range s.claim(notify.Email, 10) {
		got = append(got, t.Recipient.ID)
	}
	slices.Sort(got)
	equal(s, "digests", got, []string{alice.ID, carol.ID})
}

func digestOldest(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(time.Second)
	at := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	oldest := s.item(alice, at).Filed
	s.Advance(time.Second)
	after := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(time.Second)
	o := s.opening(alice, s.now(), s.now().Add(24*time.Hour))
	o.Oldest = oldest
	s.apply(o)
	equal(s, "entries", s.entries(s.claimOne(notify.Email)), []notify.ID{after, at})
	later := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	equal(s, "entries of the next", s.entries(s.digest(alice)), []notify.ID{later})
}

func digestNothing(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	filed := s.now()
	s.Advance(2 * time.Hour)
	o := s.opening(alice, s.now(), s.now().Add(24*time.Hour))
	o.Oldest = filed.Add(time.Hour)
	s.apply(o)
	equal(s, "digests", len(s.claim(notify.Email, 10)), 0)
	equal(s, "plan", s.plan(alice, notify.Email), notify.Plan{Recipient: alice, Channel: notify.Email, LastCut: o.Cut})
}

func digestLeased(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.Advance(time.Second)
	o := s.opening(alice, s.now(), s.now().Add(time.Hour))
	o.Task.Lease = lease
	s.apply(o)
	equal(s, "claimable digests", len(s.claim(notify.Email, 10)), 0)
	s.settle(notify.Task{ID: o.Task.ID, Epoch: 1}, notify.Outcome{Status: notify.StatusDelivered})
}

func digestScope(s *scene) {
	mine := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.enter(bob, notify.Email, s.now().Add(time.Hour))
	s.enter(alice, "letter", s.now().Add(time.Hour))
	equal(s, "entries", s.entries(s.digest(alice)), []notify.ID{mine})
	for _, p := range []notify.Plan{s.plan(bob, notify.Email), s.plan(alice, "letter")} {
		s.that(!p.NextCut.IsZero() && p.LastCut.IsZero(), "the plan of %s on %s is %+v", p.Recipient.ID, p.Channel, p)
	}
}

func digestUnread(s *scene) {
	var all []notify.ID
	for range 5 {
		all = append(all, s.enter(alice, notify.Email, s.now().Add(time.Hour)))
		s.Advance(time.Second)
	}
	s.mark(alice, notify.OpRead, all[0])
	task := s.digest(alice)
	equal(s, "entries without the read one", s.entries(task), []notify.ID{all[4], all[3], all[2], all[1]})
	s.mark(alice, notify.OpRead, all[1])
	s.mark(alice, notify.OpArchive, all[2])
	s.mark(alice, notify.OpSeen, all[3])
	equal(s, "entries without the archived one", s.entries(task), []notify.ID{all[4], all[3]})
}

func digestOrder(s *scene) {
	for range 3 {
		var batch []notify.Acceptance
		for range 4 {
			f := to(alice)
			f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: s.now().Add(time.Hour)}}
			batch = append(batch, s.acceptance(invoice, f))
		}
		s.accept(batch...)
		s.Advance(time.Second)
	}
	equal(s, "entries", s.entries(s.digest(alice)), s.inbox(alice, notify.StateUnread))
}

func digestExpired(s *scene) {
	n := invoice
	n.ExpiresAt = s.now().Add(time.Hour)
	f := to(alice)
	f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: s.now().Add(time.Minute)}}
	id := s.send(n, f)
	task := s.digest(alice)
	equal(s, "entries", s.entries(task), []notify.ID{id})
	s.Advance(n.ExpiresAt.Sub(s.now()))
	equal(s, "entries at the instant it expires", s.entries(task), nil)
	equal(s, "items", s.inbox(alice, notify.StateUnread), []notify.ID{id})
}

func digestSnoozed(s *scene) {
	id := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	task := s.digest(alice)
	s.snooze(alice, id, time.Minute)
	equal(s, "entries", s.entries(task), nil)
	s.Advance(2 * time.Minute)
	equal(s, "entries after the instant", s.entries(task), []notify.ID{id})
}

func digestWithdrawn(s *scene) {
	n := invoice
	n.Key = "k"
	f := to(alice)
	f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: s.now().Add(time.Hour)}}
	id := s.send(n, f)
	kept := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	task := s.digest(alice)
	s.withdraw(notify.Withdrawal{Tenant: "acme", Provider: "billing", Key: "k"})
	equal(s, "entries before the sweep", s.entries(task), []notify.ID{kept})
	s.sweep(id)
	equal(s, "entries after the sweep", s.entries(task), []notify.ID{kept})
}

func digestReplaced(s *scene) {
	f := to(alice)
	f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: s.now().Add(time.Hour)}}
	first := s.send(weather("rain"), f)
	task := s.digest(alice)
	equal(s, "entries", s.entries(task), []notify.ID{first})
	s.Advance(time.Second)
	s.send(weather("sun"), f)
	equal(s, "entries of the digest before", s.entries(task), nil)
	equal(s, "entries of the next", s.entries(s.digest(alice)), []notify.ID{first})
}

func digestPending(s *scene) {
	waiting := notify.Task{Kind: notify.KindDigest, Recipient: alice, Channel: notify.Email}
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	bound := s.digest(alice)
	equal(s, "pending entries when all are bound", s.entries(waiting), nil)
	s.enter(bob, notify.Email, s.now().Add(time.Hour))
	s.enter(alice, "letter", s.now().Add(time.Hour))
	read, first := s.enter(alice, notify.Email, s.now().Add(time.Hour)), s.enter(alice, notify.Email, s.now().Add(time.Hour))
	s.mark(alice, notify.OpRead, read)
	s.Advance(time.Second)
	second := s.enter(alice, notify.Email, s.now().Add(time.Hour))
	equal(s, "pending entries", s.entries(waiting), []notify.ID{second, first})
	equal(s, "bound entries", len(s.entries(bound)), 1)
}

func digestRetry(s *scene) {
	first, second := s.enter(alice, notify.Email, s.now().Add(time.Hour)), s.enter(alice, notify.Email, s.now().Add(time.Hour))
	task := s.digest(alice)
	for _, status := range []notify.Status{notify.StatusPending, notify.StatusUnknown} {
		s.settle(task, notify.Outcome{Status: status, RetryIn: time.Minute, Charge: true})
		s.Advance(time.Hour)
		task = s.claimOne(notify.Email)
		got := s.entries(task)
		slices.Sort(got)
		equal(s, "entries", got, []notify.ID{first, second})
	}
	s.mark(alice, notify.OpRead, first)
	equal(s, "entries", s.entries(task), []notify.ID{second})
}
