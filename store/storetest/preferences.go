package storetest

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

var preferenceChecks = []check{
	{"preferences/an absent recipient has a zero profile", preferencesAbsent},
	{"preferences/what is saved is loaded", preferencesRoundTrip},
	{"preferences/a save replaces all", preferencesReplace},
	{"preferences/a stale version is a conflict", preferencesStale},
	{"preferences/of savers at once exactly one wins", preferencesConcurrent},
	{"preferences/opt-outs get the version and the instant", preferencesOptOuts},
	{"preferences/an opt-out keeps its exceptions", preferencesExcept},
	{"preferences/several recipients at once", preferencesBatch},
	{"preferences/plans are part of the profile", preferencesPlans},
	{"preferences/a save moves only cuts that are planned", preferencesMovePlans},
	{"preferences/a conflict moves no cut", preferencesConflictPlans},
	{"preferences/profiles belong to the caller", preferencesCopies},
	{"preferences/what is saved is not kept", preferencesNotKept},
}

// chosen is a document with every field set.
func chosen(version int64) notify.Preferences {
	return notify.Preferences{
		Version: version, Muted: true, Order: []string{"chats", "billing"},
		Channels: map[string]notify.Mode{notify.Email: notify.Daily, notify.Mobile: notify.Off},
		Choices: map[string]map[string]notify.Mode{
			"billing": {notify.Email: notify.Immediate}, "chats": {notify.Email: notify.Off, notify.Browser: notify.Default},
		},
		DigestAt: "07:30", TimeZone: "America/Sao_Paulo",
	}
}

// save stores a profile.
func (s *scene) save(r notify.Recipient, p notify.Profile) {
	s.ok(s.Store.SaveProfile(s.ctx, r, p), "SaveProfile")
}

func preferencesAbsent(s *scene) {
	s.save(alice, notify.Profile{Preferences: chosen(0)})
	equal(s, "profile", s.profile(bob), notify.Profile{})
	none, err := s.Store.Profiles(s.ctx, nil)
	s.ok(err, "Profiles of nobody")
	equal(s, "number of profiles of nobody", len(none), 0)
}

func preferencesRoundTrip(s *scene) {
	s.save(alice, notify.Profile{Preferences: chosen(0)})
	equal(s, "preferences", s.profile(alice).Preferences, chosen(1))
}

func preferencesReplace(s *scene) {
	s.save(alice, notify.Profile{Preferences: chosen(0), OptOuts: []notify.OptOut{{Channel: notify.Mobile}, {}}})
	s.save(alice, notify.Profile{Preferences: notify.Preferences{Version: 1, Order: []string{"news"}}, OptOuts: []notify.OptOut{{Channel: notify.Email}}})
	p := s.profile(alice)
	equal(s, "version", p.Preferences.Version, 2)
	equal(s, "order", p.Preferences.Order, []string{"news"})
	s.that(!p.Preferences.Muted && len(p.Preferences.Channels) == 0 && len(p.Preferences.Choices) == 0 &&
		p.Preferences.DigestAt == "" && p.Preferences.TimeZone == "", "the preferences keep what was replaced: %+v", p.Preferences)
	s.that(len(p.OptOuts) == 1 && p.OptOuts[0].Channel == notify.Email, "the opt-outs are %+v", p.OptOuts)
}

func preferencesStale(s *scene) {
	s.is(s.Store.SaveProfile(s.ctx, alice, notify.Profile{Preferences: chosen(1)}), notify.ErrConflict, "SaveProfile of a version never stored")
	equal(s, "profile", s.profile(alice), notify.Profile{})
	s.save(alice, notify.Profile{Preferences: chosen(0)})
	s.save(alice, notify.Profile{Preferences: chosen(1)})
	for _, version := range []int64{0, 1, 3} {
		stale := notify.Profile{Preferences: notify.Preferences{Version: version}, OptOuts: []notify.OptOut{{}}}
		s.is(s.Store.SaveProfile(s.ctx, alice, stale), notify.ErrConflict, "SaveProfile of a stale version")
		equal(s, "profile", s.profile(alice), notify.Profile{Preferences: chosen(2)})
	}
}

func preferencesConcurrent(s *scene) {
	for version := range int64(3) {
		var won atomic.Int64
		s.parallel(4, func(int) error {
			err := s.Store.SaveProfile(s.ctx, alice, notify.Profile{Preferences: chosen(version)})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, notify.ErrConflict) {
				return err
			}
			return nil
		})
		equal(s, "savers that won", won.Load(), 1)
		equal(s, "version", s.profile(alice).Preferences.Version, version+1)
	}
}

func preferencesOptOuts(s *scene) {
	cell := notify.OptOut{Provider: "billing", Channel: notify.Email}
	s.during("instant of the opt-out", func() time.Time {
		s.save(alice, notify.Profile{OptOuts: []notify.OptOut{cell}})
		found := s.profile(alice).OptOuts
		equal(s, "number of opt-outs", len(found), 1)
		cell.At, cell.Version = found[0].At, 1
		equal(s, "opt-out", found[0], cell)
		return cell.At
	})
	s.Advance(time.Minute)
	s.save(alice, notify.Profile{Preferences: notify.Preferences{Version: 1}, OptOuts: []notify.OptOut{cell, {Channel: notify.Mobile}, {}}})
	for _, o := range s.profile(alice).OptOuts {
		if o.Provider != "" {
			equal(s, "opt-out that stood", o, cell)
			continue
		}
		equal(s, "version of a new opt-out", o.Version, 2)
		s.that(o.At.After(cell.At), "the new opt-out is not later than the old one: %+v", o)
	}
	equal(s, "number of opt-outs", len(s.profile(alice).OptOuts), 3)
}

func preferencesExcept(s *scene) {
	except := []string{"chats", "billing"}
	s.save(alice, notify.Profile{OptOuts: []notify.OptOut{{Channel: notify.Email, Except: except}}})
	except[0] = "changed"
	found := s.profile(alice).OptOuts
	equal(s, "number of opt-outs", len(found), 1)
	slices.Sort(found[0].Except)
	equal(s, "exceptions", found[0].Except, []string{"billing", "chats"})
	found[0].Except[0] = "changed"
	s.that(slices.Contains(s.profile(alice).OptOuts[0].Except, "billing"), "the caller changed what is stored")
}

func preferencesBatch(s *scene) {
	namesake := notify.Recipient{Tenant: "globex", ID: alice.ID}
	s.save(alice, notify.Profile{Preferences: chosen(0)})
	s.save(namesake, notify.Profile{Preferences: notify.Preferences{Muted: true}})
	got, err := s.Store.Profiles(s.ctx, []notify.Recipient{carol, alice, namesake, bob})
	s.ok(err, "Profiles")
	equal(s, "number of profiles", len(got), 4)
	equal(s, "preferences", got[alice].Preferences, chosen(1))
	equal(s, "preferences of the namesake", got[namesake].Preferences, notify.Preferences{Version: 1, Muted: true})
	equal(s, "profile of an absent one", got[carol], notify.Profile{})
}

func preferencesPlans(s *scene) {
	cut := s.now().Add(time.Hour)
	s.enter(alice, notify.Email, cut)
	equal(s, "plans", s.profile(alice).Plans, []notify.Plan{{Recipient: alice, Channel: notify.Email, NextCut: cut}})
	equal(s, "plans of another", s.profile(bob).Plans, nil)
}

func preferencesMovePlans(s *scene) {
	cut := s.now().Add(2 * time.Hour)
	s.enter(alice, notify.Email, cut)
	s.enter(alice, "letter", cut)
	s.enter(bob, notify.Email, cut)
	s.drop(bob)
	moved := cut.Add(-time.Hour)
	plans := []notify.Plan{{Channel: notify.Email, NextCut: moved}, {Channel: "chat", NextCut: moved}}
	s.save(alice, notify.Profile{Plans: plans})
	s.save(bob, notify.Profile{Plans: plans})
	equal(s, "cut that was moved", s.plan(alice, notify.Email).NextCut, moved)
	equal(s, "cut that was not named", s.plan(alice, "letter").NextCut, cut)
	equal(s, "number of plans", len(s.profile(alice).Plans), 2)
	equal(s, "cut where none was planned", s.plan(bob, notify.Email).NextCut, time.Time{})
}

func preferencesConflictPlans(s *scene) {
	cut := s.now().Add(2 * time.Hour)
	s.enter(alice, notify.Email, cut)
	stale := notify.Profile{Preferences: chosen(7), Plans: []notify.Plan{{Channel: notify.Email, NextCut: cut.Add(-time.Hour)}}}
	s.is(s.Store.SaveProfile(s.ctx, alice, stale), notify.ErrConflict, "SaveProfile")
	equal(s, "cut", s.plan(alice, notify.Email).NextCut, cut)
}

func preferencesCopies(s *scene) {
	s.save(alice, notify.Profile{Preferences: chosen(0), OptOuts: []notify.OptOut{{Channel: notify.Mobile}}})
	spoil(s.profile(alice))
	equal(s, "preferences", s.profile(alice).Preferences, chosen(1))
	equal(s, "channel of the opt-out", s.profile(alice).OptOuts[0].Channel, notify.Mobile)
}

// spoil changes a profile in place.
func spoil(p notify.Profile) {
	p.Preferences.Order[0] = "changed"
	p.Preferences.Channels[notify.Email] = notify.Off
	p.Preferences.Choices["billing"][notify.Email] = notify.Off
	p.OptOuts[0].Channel = "changed"
}

func preferencesNotKept(s *scene) {
	p := notify.Profile{Preferences: chosen(0), OptOuts: []notify.OptOut{{Channel: notify.Mobile}}}
	s.save(alice, p)
	equal(s, "version of what was given", p.Preferences.Version, 0)
	equal(s, "opt-out of what was given", p.OptOuts[0], notify.OptOut{Channel: notify.Mobile})
	spoil(p)
	equal(s, "preferences", s.profile(alice).Preferences, chosen(1))
	equal(s, "channel of the opt-out", s.profile(alice).OptOuts[0].Channel, notify.Mobile)
}
