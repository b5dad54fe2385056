package notify

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// storeBatch is how many recipients one query of the store is asked about.
const storeBatch = 500

// filer decides what recipients get of notifications. It asks the store and the
// host's Catalog and Directory, all outside of any transaction, and remembers
// the answers for the length of one call.
type filer struct {
	n         *Notifier
	profiles  map[Recipient]Profile
	contacts  map[Recipient]Contact
	providers map[providerKey]Provider
	now       time.Time

	asked time.Time // before the profiles were read, by the clock of this process
	mark  uint64    // of the changes by then
}

type providerKey struct {
	recipient Recipient
	id        string
}

func (n *Notifier) newFiler() *filer { return &filer{n: n} }

// learn reads the profiles of the recipients.
func (f *filer) learn(ctx context.Context, recipients []Recipient) error {
	f.asked, f.mark = time.Now(), f.n.changes.mark()
	for chunk := range slices.Chunk(recipients, storeBatch) {
		profiles, err := f.n.store.Profiles(ctx, chunk)
		if err != nil {
			return fmt.Errorf("notify: read preferences: %w", err)
		}
		if f.profiles == nil {
			f.profiles = profiles
			continue
		}
		maps.Copy(f.profiles, profiles)
	}
	return nil
}

// provider finds a provider in the catalog of a recipient; without a catalog
// every id is one.
func (f *filer) provider(ctx context.Context, r Recipient, id string) (Provider, bool, error) {
	switch catalog := f.n.providers.(type) {
	case nil:
		return Provider{ID: id}, true, nil
	case Providers:
		p, ok := findProvider(catalog, id)
		return p, ok, nil
	}
	key := providerKey{r, id}
	if p, ok := f.providers[key]; ok {
		return p, true, nil
	}
	all, err := f.n.providers.Providers(ctx, r)
	if err != nil {
		return Provider{}, false, fmt.Errorf("notify: catalog: %w", err)
	}
	p, ok := findProvider(all, id)
	if ok {
		if f.providers == nil {
			f.providers = make(map[providerKey]Provider)
		}
		f.providers[key] = p
	}
	return p, ok, nil
}

// findProvider finds a provider by its id or a former one. If there is none, it
// returns one that is nothing but the id.
func findProvider(all []Provider, id string) (Provider, bool) {
	for _, p := range all {
		if p.ID == id || slices.Contains(p.Aliases, id) {
			return p, true
		}
	}
	return Provider{ID: id}, false
}

// file decides what r gets of the notification.
func (f *filer) file(ctx context.Context, note Notification, provider Provider, lane Lane, r Recipient) Filing {
	profile := f.profiles[r]
	filing := Filing{Recipient: r, PreferencesVersion: profile.Preferences.Version}
	if profile.Erased || note.Silent {
		return filing
	}
	for _, d := range f.n.decide(note, provider, profile, r) {
		if d.Channel == Interface || f.n.channels[d.Channel] == nil {
			continue
		}
		switch d.Mode {
		case Daily:
			filing.Entries = append(filing.Entries, NewEntry{Channel: d.Channel, NextCut: f.cut(ctx, r, profile, d.Channel)})
		case Immediate:
			filing.Tasks = append(filing.Tasks, NewTask{
				ID: f.n.ids.next(), Kind: KindDelivery, Channel: d.Channel, Lane: lane,
				Bucket: bucket(r.Tenant, note.Provider), Forced: d.Rule == RuleForced,
				Wait: provider.Wait[d.Channel],
			})
		}
	}
	return filing
}

// decide asks the resolver. Its answer on the interface is ignored: nothing can
// switch that off.
func (n *Notifier) decide(note Notification, provider Provider, profile Profile, r Recipient) []Decision {
	return n.resolver.Resolve(Question{
		Recipient:   r,
		Erased:      profile.Erased,
		Silent:      note.Silent,
		Actor:       note.Actor == r,
		Provider:    provider,
		Preferences: profile.Preferences,
		Channels:    n.channelInfos,
	})
}

// cut is the next cut of a recipient's digest on a channel: the one that is
// planned, or one computed from the last. When the store comes to another
// answer meanwhile, its own stands.
func (f *filer) cut(ctx context.Context, r Recipient, profile Profile, channel string) time.Time {
	plan := findPlan(profile.Plans, channel)
	if !plan.NextCut.IsZero() {
		return plan.NextCut
	}
	if f.now.IsZero() {
		now, err := f.n.store.Now(ctx)
		if err != nil {
			f.n.emit(ctx, Event{Type: EventStoreFailed, Reason: "clock", Err: err})
			now = time.Now() // the cut is computed anew when it comes due
		}
		f.now = now
	}
	zone := f.zone(ctx, r, profile.Preferences)
	return f.n.cutAfter(ctx, r, f.now, plan.LastCut, profile.Preferences.DigestAt, zone)
}

func findPlan(plans []Plan, channel string) Plan {
	for _, p := range plans {
		if p.Channel == channel {
			return p
		}
	}
	return Plan{}
}

// cutAfter asks the schedule. A schedule that does not answer properly is
// reported, and a day from now stands in for it, so that nothing is lost.
func (n *Notifier) cutAfter(ctx context.Context, r Recipient, after, last time.Time, at string, zone *time.Location) time.Time {
	var cut time.Time
	err := guarded(func() (err error) {
		cut, err = nextCut(n.schedule, after, last, at, zone)
		return err
	})
	if err != nil {
		n.emit(ctx, Event{Type: EventStoreFailed, Recipient: r, Reason: "schedule", Err: err})
		return after.Add(24 * time.Hour)
	}
	return cut
}

// zone is the recipient's time zone. The directory is asked only when the
// preferences do not tell.
func (f *filer) zone(ctx context.Context, r Recipient, prefs Preferences) *time.Location {
	var contact Contact
	if prefs.TimeZone == "" {
		known, ok := f.contacts[r]
		if !ok {
			answer, err := f.n.contacts(ctx, []Recipient{r})
			if err != nil {
				f.n.emit(ctx, Event{Type: EventStoreFailed, Recipient: r, Reason: "directory", Err: err})
			}
			known = answer[r]
			if f.contacts == nil {
				f.contacts = make(map[Recipient]Contact)
			}
			f.contacts[r] = known
		}
		contact = known
	}
	return f.n.zoneOf(ctx, r, prefs, contact)
}

// know asks the directory about many recipients at once, for those whose zone
// will be needed: somebody who is missed is asked about alone.
func (f *filer) know(ctx context.Context, recipients []Recipient, provider Provider) {
	var ask []Recipient
	for _, r := range recipients {
		profile := f.profiles[r]
		_, known := f.contacts[r]
		if !known && profile.Preferences.TimeZone == "" && f.n.mayDigest(profile, provider) {
			ask = append(ask, r)
		}
	}
	if len(ask) == 0 {
		return
	}
	answer, err := f.n.contacts(ctx, ask)
	if err != nil {
		f.n.emit(ctx, Event{Type: EventStoreFailed, Reason: "directory", Err: err})
		return
	}
	if f.contacts == nil {
		f.contacts = make(map[Recipient]Contact, len(ask))
	}
	for _, r := range ask {
		f.contacts[r] = answer[r]
	}
}

// mayDigest tells whether a digest may have to be planned: something says daily
// on a channel that has digests and no cut planned yet.
func (n *Notifier) mayDigest(p Profile, provider Provider) bool {
	return slices.ContainsFunc(n.channelInfos, func(c ChannelInfo) bool {
		prefs := p.Preferences
		daily := c.Default == Daily || provider.Defaults[c.Name] == Daily || prefs.Channels[c.Name] == Daily ||
			prefs.choice(provider, c.Name) == Daily
		return c.Digest && daily && findPlan(p.Plans, c.Name).NextCut.IsZero()
	})
}

func (n *Notifier) zoneOf(ctx context.Context, r Recipient, prefs Preferences, contact Contact) *time.Location {
	zone, bad := digestZone(prefs, contact, n.location)
	if bad {
		n.emit(ctx, Event{Type: EventZone, Recipient: r, Reason: "the directory names an unknown time zone"})
	}
	return zone
}

// laneOf puts what is urgent first and what is for many last.
func (n *Notifier) laneOf(note Notification) Lane {
	switch {
	case note.Priority == High:
		return LaneUrgent
	case note.Priority == Low || note.Audience != "" || len(note.To) > n.inlineFanOut:
		return LaneBulk
	}
	return LaneNormal
}

// bucket hashes those between whom turns are taken into 0 to 255.
func bucket(parts ...string) int {
	h := fnv.New32a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p)) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	sum := h.Sum32()
	return int((sum ^ sum>>8 ^ sum>>16 ^ sum>>24) & 0xff)
}
