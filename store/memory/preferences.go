package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// Profiles implements [notify.PreferenceStore].
func (s *Store) Profiles(ctx context.Context, recipients []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	profiles := make(map[notify.Recipient]notify.Profile, len(recipients))
	for _, id := range recipients {
		profiles[id] = s.profile(id)
	}
	return profiles, nil
}

func (s *Store) profile(id notify.Recipient) notify.Profile {
	r := s.recipients[id]
	if r == nil {
		return notify.Profile{Erased: s.hasTombstone(id)}
	}
	p := notify.Profile{
		Preferences: copyPreferences(r.preferences),
		OptOuts:     cloneOptOuts(r.optOuts),
		Erased:      r.erased,
	}
	for _, planned := range r.plans {
		p.Plans = append(p.Plans, planned.export())
	}
	slices.SortFunc(p.Plans, func(a, b notify.Plan) int { return strings.Compare(a.Channel, b.Channel) })
	return p
}

// SaveProfile implements [notify.PreferenceStore]. For an erased recipient it
// returns ErrNotFound. A plan without a NextCut moves nothing.
func (s *Store) SaveProfile(ctx context.Context, who notify.Recipient, p notify.Profile) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	r := s.admit(who)
	if r == nil {
		return notify.ErrNotFound
	}
	if r.preferences.Version != p.Preferences.Version {
		return notify.ErrConflict
	}
	r.preferences = copyPreferences(p.Preferences)
	r.preferences.Version++
	r.optOuts = copyOptOuts(p.OptOuts, r.preferences.Version, now)
	for _, moved := range p.Plans {
		planned := r.plans[moved.Channel]
		if planned != nil && !planned.nextCut.IsZero() && !moved.NextCut.IsZero() {
			s.planCut(planned, moved.NextCut)
		}
	}
	return nil
}

// copyOptOuts copies opt-outs and completes those that happen now.
func copyOptOuts(optOuts []notify.OptOut, version int64, now time.Time) []notify.OptOut {
	optOuts = cloneOptOuts(optOuts)
	for i := range optOuts {
		o := &optOuts[i]
		if o.At.IsZero() {
			o.At, o.Version = now, version
		}
		o.At = stamp(o.At)
	}
	return optOuts
}

func cloneOptOuts(optOuts []notify.OptOut) []notify.OptOut {
	optOuts = slices.Clone(optOuts)
	for i := range optOuts {
		optOuts[i].Except = slices.Clone(optOuts[i].Except)
	}
	return optOuts
}

func copyPreferences(p notify.Preferences) notify.Preferences {
	p.Order = slices.Clone(p.Order)
	p.Channels = maps.Clone(p.Channels)
	p.Choices = maps.Clone(p.Choices)
	for provider, cells := range p.Choices {
		p.Choices[provider] = maps.Clone(cells)
	}
	return p
}
