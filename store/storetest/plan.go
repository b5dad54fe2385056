package storetest

import (
	"time"

	"github.com/bellwether-go/notify"
)

var planChecks = []check{
	{"plan/the first entry plans the cut", planFirst},
	{"plan/a later entry does not move it", planKept},
	{"plan/a due one tells its oldest entry", planDue},
	{"plan/not due before its cut", planNotDue},
	{"plan/the earliest come first", planOrder},
	{"plan/only of the channels that are named", planChannels},
	{"plan/an entry after a run plans anew", planAnew},
	{"plan/the last cut survives an empty plan", planLastCut},
	{"plan/a zero cut only moves the next one", planMoved},
	{"plan/a move of a plan that changed does nothing", planMovedStale},
}

func planFirst(s *scene) {
	cut := s.now().Add(time.Hour)
	s.enter(alice, notify.Email, cut)
	equal(s, "plan", s.plan(alice, notify.Email), notify.Plan{Recipient: alice, Channel: notify.Email, NextCut: cut})
}

func planKept(s *scene) {
	cut := s.now().Add(2 * time.Hour)
	s.enter(alice, notify.Email, cut)
	s.enter(alice, notify.Email, cut.Add(-time.Hour))
	s.enter(alice, notify.Email, cut.Add(time.Hour))
	equal(s, "cut", s.plan(alice, notify.Email).NextCut, cut)
}

func planDue(s *scene) {
	cut := s.now().Add(time.Hour)
	first := s.enter(alice, notify.Email, cut)
	s.Advance(time.Minute)
	s.enter(alice, notify.Email, cut)
	s.Advance(cut.Sub(s.now()))
	s.during("instant of the answer", func() time.Time {
		plans, at, err := s.Store.DuePlans(s.ctx, []string{notify.Email}, 10)
		s.ok(err, "DuePlans")
		want := notify.Plan{Recipient: alice, Channel: notify.Email, NextCut: cut, First: s.item(alice, first).Filed}
		equal(s, "due plans", plans, []notify.Plan{want})
		return at
	})
}

func planNotDue(s *scene) {
	cut := s.now().Add(time.Hour)
	s.enter(alice, notify.Email, cut)
	s.Advance(59 * time.Minute)
	equal(s, "plans before the cut", len(s.duePlans(10, notify.Email)), 0)
	s.Advance(cut.Sub(s.now()))
	equal(s, "plans at the cut", len(s.duePlans(10, notify.Email)), 1)
	s.apply(s.opening(alice, cut, time.Time{}))
	equal(s, "plans after it was opened", len(s.duePlans(10, notify.Email)), 0)
}

func planOrder(s *scene) {
	now := s.now()
	s.enter(alice, notify.Email, now.Add(3*time.Minute))
	s.enter(bob, notify.Email, now.Add(time.Minute))
	s.enter(carol, "letter", now.Add(2*time.Minute))
	s.Advance(time.Hour)
	var got []notify.Recipient
	for _, p := range s.duePlans(10, notify.Email, "letter") {
		got = append(got, p.Recipient)
	}
	equal(s, "plans", got, []notify.Recipient{bob, carol, alice})
	first := s.duePlans(2, notify.Email, "letter")
	s.that(len(first) == 2 && first[0].Recipient == bob && first[1].Recipient == carol, "the first two plans are %s", brief(first))
}

func planChannels(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Minute))
	s.enter(alice, "letter", s.now().Add(time.Minute))
	s.Advance(time.Hour)
	plans := s.duePlans(10, "letter", "fax")
	s.that(len(plans) == 1 && plans[0].Channel == "letter", "the plans are %s", brief(plans))
	equal(s, "plans of no channel", len(s.duePlans(10)), 0)
}

func planAnew(s *scene) {
	cut := s.now().Add(time.Hour)
	s.enter(alice, notify.Email, cut)
	s.Advance(2 * time.Hour)
	s.apply(s.opening(alice, cut, cut.Add(24*time.Hour)))
	equal(s, "next cut with no entry left", s.plan(alice, notify.Email).NextCut, time.Time{})
	again := s.now().Add(24 * time.Hour)
	s.enter(alice, notify.Email, again)
	equal(s, "plan", s.plan(alice, notify.Email), notify.Plan{Recipient: alice, Channel: notify.Email, NextCut: again, LastCut: cut})
}

func planLastCut(s *scene) {
	cut := s.now().Add(time.Hour)
	id := s.enter(alice, notify.Email, cut)
	s.Advance(2 * time.Hour)
	s.apply(s.opening(alice, cut, time.Time{}))
	s.settle(s.claimOne(notify.Email), notify.Outcome{Status: notify.StatusDelivered})
	s.mark(alice, notify.OpArchive, id)
	s.Advance(72 * time.Hour)
	equal(s, "plan", s.plan(alice, notify.Email), notify.Plan{Recipient: alice, Channel: notify.Email, LastCut: cut})
}

func planMoved(s *scene) {
	cut := s.now().Add(time.Hour)
	id := s.enter(alice, notify.Email, cut)
	s.Advance(2 * time.Hour)
	moved := s.now().Add(time.Hour)
	s.apply(s.opening(alice, time.Time{}, moved))
	equal(s, "plan", s.plan(alice, notify.Email), notify.Plan{Recipient: alice, Channel: notify.Email, NextCut: moved})
	equal(s, "digests", len(s.claim(notify.Email, 10)), 0)
	equal(s, "entries of the next digest", s.entries(s.digest(alice)), []notify.ID{id})
}

func planMovedStale(s *scene) {
	cut := s.now().Add(time.Hour)
	s.enter(alice, notify.Email, cut)
	stale := s.opening(alice, time.Time{}, cut.Add(2*time.Hour))
	s.apply(s.opening(alice, time.Time{}, cut.Add(time.Hour)))
	s.apply(stale)
	equal(s, "cut", s.plan(alice, notify.Email).NextCut, cut.Add(time.Hour))
}
