package storetest

import (
	"time"

	"github.com/bellwether-go/notify"
)

// enter files an item for r whose digest entry waits on a channel; if no cut
// is planned there, next is.
func (s *scene) enter(r notify.Recipient, channel string, next time.Time) notify.ID {
	f := to(r)
	f.PreferencesVersion = 3
	f.Entries = []notify.NewEntry{{Channel: channel, NextCut: next}}
	return s.send(invoice, f)
}

// plan reads the plan of r on a channel.
func (s *scene) plan(r notify.Recipient, channel string) notify.Plan {
	for _, p := range s.profile(r).Plans {
		if p.Channel == channel {
			return p
		}
	}
	s.fail("%s has no plan on %s", r.ID, channel)
	return notify.Plan{}
}

// duePlans reads the plans that are due on channels.
func (s *scene) duePlans(limit int, channels ...string) []notify.Plan {
	plans, _, err := s.Store.DuePlans(s.ctx, channels, limit)
	s.ok(err, "DuePlans")
	return plans
}

// opening closes the window of r's plan on the email channel at cut.
func (s *scene) opening(r notify.Recipient, cut, next time.Time) notify.Opening {
	plan := s.plan(r, notify.Email)
	return notify.Opening{
		Plan: plan, Cut: cut, From: plan.LastCut, NextCut: next,
		Task: notify.NewTask{ID: s.id(), Kind: notify.KindDigest, Channel: notify.Email, Lane: notify.LaneBulk, Bucket: 3},
	}
}

// apply applies openings.
func (s *scene) apply(openings ...notify.Opening) {
	s.ok(s.Store.OpenDigests(s.ctx, openings), "OpenDigests")
}

// drop closes the window of r's plan without binding an entry.
func (s *scene) drop(r notify.Recipient) {
	o := s.opening(r, s.now().Add(time.Hour), time.Time{})
	o.Oldest = o.Cut
	s.apply(o)
}

// digest moves on and binds all that is pending for r on the email channel to
// a digest, which it claims.
func (s *scene) digest(r notify.Recipient) notify.Task {
	s.Advance(time.Second)
	s.apply(s.opening(r, s.now(), s.now().Add(24*time.Hour)))
	return s.claimOne(notify.Email)
}

// entries are the items in a digest, in their order.
func (s *scene) entries(digest notify.Task) []notify.ID {
	entries, err := s.Store.DigestEntries(s.ctx, digest)
	s.ok(err, "DigestEntries")
	var found []notify.ID
	for _, e := range entries {
		found = append(found, e.Item)
	}
	return found
}
