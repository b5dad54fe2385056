package notify

import (
	"context"
	"fmt"
	"slices"
)

// maxCells bounds a preferences document.
const maxCells = 2_000

// Preferences returns what the recipient chose: the zero value for somebody who
// never did. Cells of providers and channels that are not there for them now
// are left out; saving keeps them.
func (n *Notifier) Preferences(ctx context.Context, r Recipient) (Preferences, error) {
	profile, view, err := n.preferencesOf(ctx, r)
	if err != nil {
		return Preferences{}, err
	}
	return view.shown(profile.Preferences), nil
}

// SavePreferences replaces the recipient's preferences if p.Version is still
// the stored version, and returns them with their new version; else it returns
// ErrConflict. Cells that [Notifier.Preferences] leaves out are kept. Providers
// and channels that are unknown are refused by name, unless they are stored
// already.
//
// What a switch that is turned off here had let through, and what is not
// delivered yet, is not delivered any more, also if the switch is turned on
// again.
func (n *Notifier) SavePreferences(ctx context.Context, r Recipient, p Preferences) (Preferences, error) {
	profile, view, err := n.preferencesOf(ctx, r)
	if err != nil {
		return Preferences{}, err
	}
	stored := profile.Preferences
	if err := view.check(p, stored); err != nil {
		return Preferences{}, err
	}
	if p.Version != stored.Version {
		return Preferences{}, fmt.Errorf("notify: save preferences: version %d is stale: %w", p.Version, ErrConflict)
	}
	merged := view.merge(p, stored)
	profile.OptOuts = optOutsAfter(profile.OptOuts, stored, merged, view.turnedOff(n, r, stored, merged))
	profile.Preferences = merged
	if err := n.replan(ctx, r, &profile, stored); err != nil {
		return Preferences{}, err
	}
	if err := n.store.SaveProfile(ctx, r, profile); err != nil {
		return Preferences{}, fmt.Errorf("notify: save preferences: %w", err)
	}
	n.changes.of(r)
	n.publish(ctx, []Signal{{Recipient: r, Changed: true}})
	merged.Version++
	return view.shown(merged), nil
}

func (n *Notifier) preferencesOf(ctx context.Context, r Recipient) (Profile, *view, error) {
	if err := checkRecipient(r); err != nil {
		return Profile{}, nil, err
	}
	view, err := n.viewOf(ctx, r)
	if err != nil {
		return Profile{}, nil, err
	}
	profiles, err := n.store.Profiles(ctx, []Recipient{r})
	if err != nil {
		return Profile{}, nil, fmt.Errorf("notify: read preferences: %w", err)
	}
	return profiles[r], view, nil
}

// replan moves the cuts that are planned, if the time or the zone of the digest
// has changed. The windows keep their start.
func (n *Notifier) replan(ctx context.Context, r Recipient, p *Profile, before Preferences) error {
	plans := p.Plans
	p.Plans = nil
	if before.DigestAt == p.Preferences.DigestAt && before.TimeZone == p.Preferences.TimeZone {
		return nil
	}
	now, err := n.store.Now(ctx)
	if err != nil {
		return fmt.Errorf("notify: clock: %w", err)
	}
	contacts, err := n.contacts(ctx, []Recipient{r})
	if err != nil {
		return err
	}
	zone := n.zoneOf(ctx, r, p.Preferences, contacts[r])
	for _, plan := range plans {
		if !plan.NextCut.After(now) {
			continue // none planned, or due: then it is derived anew anyhow
		}
		plan.NextCut = n.cutAfter(ctx, r, now, plan.LastCut, p.Preferences.DigestAt, zone)
		p.Plans = append(p.Plans, plan)
	}
	return nil
}

// view is what there is for a recipient to choose from.
type view struct {
	providers []Provider
	open      bool // no catalog: every well-formed provider is there
	channels  []ChannelInfo
}

func (n *Notifier) viewOf(ctx context.Context, r Recipient) (*view, error) {
	v := &view{channels: n.channelInfos, open: n.providers == nil}
	if v.open {
		return v, nil
	}
	var err error
	if v.providers, err = n.providers.Providers(ctx, r); err != nil {
		return nil, fmt.Errorf("notify: catalog: %w", err)
	}
	return v, nil
}

func (v *view) hasProvider(id string) bool {
	_, found := findProvider(v.providers, id)
	return v.open || found
}

func (v *view) hasChannel(name string) bool {
	return slices.ContainsFunc(v.channels, func(c ChannelInfo) bool { return c.Name == name })
}

// shown leaves out what is not there for the recipient now.
func (v *view) shown(p Preferences) Preferences {
	shown := p
	shown.Order, shown.Channels, shown.Choices = nil, nil, nil
	for _, id := range p.Order {
		if v.hasProvider(id) {
			shown.Order = append(shown.Order, id)
		}
	}
	eachCell(p, func(provider, channel string, mode Mode) {
		if v.hasChannel(channel) && (provider == "" || v.hasProvider(provider)) {
			setCell(&shown, provider, channel, mode)
		}
	})
	return shown
}

// merge puts the visible part of p over the hidden part of what is stored.
func (v *view) merge(p, stored Preferences) Preferences {
	merged := p
	merged.Order, merged.Channels, merged.Choices = v.mergeOrder(p.Order, stored.Order), nil, nil
	eachCell(stored, func(provider, channel string, mode Mode) {
		if !v.hasChannel(channel) || provider != "" && !v.hasProvider(provider) {
			setCell(&merged, provider, channel, mode)
		}
	})
	eachCell(p, func(provider, channel string, mode Mode) { setCell(&merged, provider, channel, mode) })
	return merged
}

// mergeOrder keeps hidden providers in their places.
func (v *view) mergeOrder(order, stored []string) []string {
	var merged []string
	rest := order
	for _, id := range stored {
		switch {
		case slices.Contains(order, id) || v.hasProvider(id):
			if len(rest) > 0 {
				merged, rest = append(merged, rest[0]), rest[1:]
			}
		default:
			merged = append(merged, id)
		}
	}
	return append(merged, rest...)
}

// eachCell visits the modes of a document that are set; provider "" stands for
// the whole channel.
func eachCell(p Preferences, visit func(provider, channel string, mode Mode)) {
	for channel, mode := range p.Channels {
		visit("", channel, mode)
	}
	for provider, cells := range p.Choices {
		for channel, mode := range cells {
			visit(provider, channel, mode)
		}
	}
}

// setCell sets a mode; Default and whatever is no mode are not kept, nor is
// anything about the interface.
func setCell(p *Preferences, provider, channel string, mode Mode) {
	if !mode.decides() || channel == Interface {
		return
	}
	if provider == "" {
		if p.Channels == nil {
			p.Channels = make(map[string]Mode)
		}
		p.Channels[channel] = mode
		return
	}
	if p.Choices == nil {
		p.Choices = make(map[string]map[string]Mode)
	}
	if p.Choices[provider] == nil {
		p.Choices[provider] = make(map[string]Mode)
	}
	p.Choices[provider][channel] = mode
}

// check validates a document that is to be saved.
func (v *view) check(p, stored Preferences) error {
	if p.TimeZone != "" {
		if _, err := loadZone(p.TimeZone); err != nil {
			return err
		}
	}
	if p.DigestAt != "" {
		if _, _, err := parseClock(p.DigestAt); err != nil {
			return invalid("DigestAt", "%.16q is no time of day from 00:00 to 23:59", p.DigestAt)
		}
	}
	seen := make(map[string]bool, len(p.Order))
	for i, id := range p.Order {
		if seen[id] {
			return invalid(fmt.Sprintf("Order[%d]", i), "%.190q comes twice", id)
		}
		seen[id] = true
		if !v.hasProvider(id) && !slices.Contains(stored.Order, id) && stored.Choices[id] == nil {
			return invalid(fmt.Sprintf("Order[%d]", i), "no provider %.190q", id)
		}
		if err := checkIdentifier(fmt.Sprintf("Order[%d]", i), id, true); err != nil {
			return err
		}
	}
	var errs []error
	cells := 0
	eachCell(p, func(provider, channel string, mode Mode) {
		cells++
		errs = append(errs, v.checkCell(stored, provider, channel, mode))
	})
	if cells > maxCells || len(p.Order) > maxCells {
		return invalid("Choices", "more than %d cells", maxCells)
	}
	return firstError(errs)
}

func (v *view) checkCell(stored Preferences, provider, channel string, mode Mode) error {
	field, before := fmt.Sprintf("Channels[%.190s]", channel), stored.Channels[channel]
	if provider != "" {
		field, before = fmt.Sprintf("Choices[%.190s][%.190s]", provider, channel), stored.Choices[provider][channel]
	}
	switch {
	case mode != Default && !mode.decides():
		return invalid(field, "%.32q is no mode", string(mode))
	case channel == Interface && (mode == Off || mode == Daily):
		return invalid(field, "the interface is always on")
	case channel == Interface || before != Default:
		return nil
	case !v.hasChannel(channel):
		return invalid(field, "no such channel")
	case provider != "" && !v.hasProvider(provider):
		return invalid(field, "no such provider")
	}
	if provider != "" {
		if err := checkIdentifier(field, provider, true); err != nil {
			return err
		}
	}
	return nil
}

// firstError picks one of several errors, always the same one.
func firstError(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	slices.SortFunc(errs, func(a, b error) int { return slices.Compare([]byte(a.Error()), []byte(b.Error())) })
	return errs[0]
}
