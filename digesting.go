package notify

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	digestBatch = 500         // plans are closed at a time
	lookAgain   = time.Minute // at a plan of somebody about whom the directory failed
)

// openDigests closes the windows whose cut has come, and tells whether there
// were any. What to do with each is decided by closeWindow, which is pure; the
// store applies it if nobody else did so before.
func (s *session) openDigests(ctx context.Context) (bool, error) {
	var channels []string
	for _, c := range s.n.channelInfos {
		if c.Digest {
			channels = append(channels, c.Name)
		}
	}
	if len(channels) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeDeadline)
	defer cancel()
	plans, now, err := s.n.store.DuePlans(ctx, channels, digestBatch)
	if err != nil {
		return false, fmt.Errorf("notify: due digests: %w", err)
	}
	if len(plans) == 0 {
		return false, nil
	}
	recipients := make([]Recipient, len(plans))
	for i, p := range plans {
		recipients[i] = p.Recipient
	}
	slices.SortFunc(recipients, compareRecipients)
	recipients = slices.Compact(recipients)
	profiles, err := s.n.store.Profiles(ctx, recipients)
	if err != nil {
		return false, fmt.Errorf("notify: due digests: %w", err)
	}
	contacts, failed := s.n.contactsEach(ctx, recipients)
	openings := make([]Opening, len(plans))
	for i, p := range plans {
		prefs := profiles[p.Recipient].Preferences
		zone := s.n.zoneOf(ctx, p.Recipient, prefs, contacts[p.Recipient])
		o := Opening{Plan: p, NextCut: now.Add(minCutDistance)}
		err, reason := failed[p.Recipient], "directory"
		if err != nil && prefs.TimeZone == "" {
			// The zone is not known: look again soon, for the cut is derived anew.
			o.NextCut = now.Add(lookAgain)
			s.trouble(err)
		} else {
			reason = "schedule"
			err = guarded(func() (err error) {
				o, err = closeWindow(p, now, s.n.schedule, prefs.DigestAt, zone)
				return err
			})
		}
		if err != nil {
			s.n.emit(ctx, Event{Type: EventStoreFailed, Recipient: p.Recipient, Channel: p.Channel, Reason: reason, Err: err})
		}
		o.Task = NewTask{
			ID: s.n.ids.next(), Kind: KindDigest, Channel: p.Channel, Lane: LaneBulk,
			Bucket: bucket(p.Recipient.Tenant, "digest"),
		}
		openings[i] = o
	}
	slices.SortFunc(openings, func(a, b Opening) int { return compareRecipients(a.Plan.Recipient, b.Plan.Recipient) })
	if err := s.n.store.OpenDigests(ctx, openings); err != nil {
		return false, fmt.Errorf("notify: open digests: %w", err)
	}
	for _, o := range openings {
		event := Event{Type: EventDigest, Recipient: o.Plan.Recipient, Channel: o.Plan.Channel, Delivery: o.Task.ID}
		if o.Cut.IsZero() {
			event.Type, event.Delivery = EventPlanned, ""
		}
		s.n.emit(ctx, event)
	}
	if s.running {
		s.n.Wake() // there may be more
	}
	return true, nil
}

// buildDigest reads what is unread right now and builds the letter from it. It
// returns a reason if there is none to be sent.
func (a *attempt) buildDigest() (skip string, err error) {
	s, w := a.session, a.work
	ctx, cancel := context.WithTimeout(s.ctx, writeDeadline)
	defer cancel()
	profile := w.facts.Profile
	entries, err := s.n.store.DigestEntries(ctx, w.task)
	if err != nil {
		return "", fmt.Errorf("notify: digest: %w", err)
	}
	bound := len(entries)
	entries = slices.DeleteFunc(entries, func(e DigestEntry) bool {
		return optedOut(profile, e.Provider, w.task.Channel, e.PreferencesVersion)
	})
	switch {
	case len(entries) == 0 && bound > 0:
		return "opted out", nil
	case len(entries) == 0:
		return "empty", nil
	}
	digest, err := s.n.letter(ctx, w.task.Recipient, entries)
	if err != nil {
		return "", err
	}
	digest.From, digest.To = w.task.From, w.task.Cut
	digest.Zone = s.n.zoneOf(s.ctx, w.task.Recipient, profile.Preferences, w.contact)
	a.digest = &digest
	return "", nil
}

// letter reads the newest of the entries in full and counts the others.
func (n *Notifier) letter(ctx context.Context, r Recipient, entries []DigestEntry) (Digest, error) {
	ids := make([]ID, 0, n.digestLimit)
	for _, e := range entries[:min(len(entries), n.digestLimit)] {
		ids = append(ids, e.Item)
	}
	items, err := n.store.Items(ctx, r, ItemQuery{IDs: ids})
	if err != nil {
		return Digest{}, fmt.Errorf("notify: digest: %w", err)
	}
	for i := range items {
		items[i] = n.present(items[i])
	}
	digest := BuildDigest(items, entries[0].Filed, entries[0].Filed, n.digestLimit)
	// What was read between the two queries counts no more.
	digest.Total += len(entries) - len(ids)
	return digest, nil
}
