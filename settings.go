package notify

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Settings is what a settings page shows.
type Settings struct {
	Version   int64
	Muted     bool
	DigestAt  string // the time that holds, chosen or not
	TimeZone  string // the zone that holds
	Channels  []ChannelSetting
	Providers []ProviderSetting // in the recipient's order
}

// ChannelSetting is a column of the settings page.
type ChannelSetting struct {
	Name       string
	Digest     bool      // offers Daily
	Choice     Mode      // for all providers; Default if nothing is chosen
	Reachable  bool      // there is an address, or none is needed
	NextDigest time.Time // zero if the channel has none
}

// ProviderSetting is a row of the settings page.
type ProviderSetting struct {
	Provider Provider
	Cells    []Cell // the interface first, then the channels
}

// Cell is a provider on a channel.
type Cell struct {
	Channel string
	Choice  Mode // what the recipient chose; Default if nothing
	Mode    Mode // what holds
	Unmuted Mode // what would hold if nothing were muted: Mode, unless Rule is "muted"
	Rule    string
	Locked  bool // the recipient cannot change it: Rule says why
}

// Settings returns what a settings page shows: the providers in the recipient's
// order, what holds in each cell and why, which cells are locked, and when the
// next digest comes.
func (n *Notifier) Settings(ctx context.Context, r Recipient) (Settings, error) {
	profile, view, err := n.preferencesOf(ctx, r)
	if err != nil {
		return Settings{}, err
	}
	contacts, err := n.contacts(ctx, []Recipient{r})
	if err != nil {
		return Settings{}, err
	}
	registered, err := n.store.Addresses(ctx, []Recipient{r})
	if err != nil {
		return Settings{}, fmt.Errorf("notify: settings: %w", err)
	}
	now, err := n.store.Now(ctx)
	if err != nil {
		return Settings{}, fmt.Errorf("notify: clock: %w", err)
	}
	prefs := profile.Preferences
	zone := n.zoneOf(ctx, r, prefs, contacts[r])
	settings := Settings{Version: prefs.Version, Muted: prefs.Muted, DigestAt: prefs.DigestAt, TimeZone: zone.String()}
	if daily, ok := n.schedule.(DailyAt); ok && settings.DigestAt == "" {
		settings.DigestAt = string(daily)
	}
	for _, p := range view.ordered(prefs.Order) {
		settings.Providers = append(settings.Providers, n.providerSetting(p, profile, r))
	}
	for _, c := range view.channels {
		cs := ChannelSetting{Name: c.Name, Digest: c.Digest, Choice: Default}
		if m := prefs.Channels[c.Name]; m.decides() {
			cs.Choice = m
		}
		cs.Reachable = n.reachable(c.Name, contacts[r], registered[r])
		if c.Digest {
			cs.NextDigest = n.nextDigest(ctx, r, settings, profile, c.Name, now, zone)
		}
		settings.Channels = append(settings.Channels, cs)
	}
	return settings, nil
}

// nextDigest is the cut that is planned, or the one that would be for an item
// that is filed now. There is none where nothing is daily.
func (n *Notifier) nextDigest(ctx context.Context, r Recipient, s Settings, p Profile, channel string, now time.Time, zone *time.Location) time.Time {
	plan := findPlan(p.Plans, channel)
	if !plan.NextCut.IsZero() {
		return plan.NextCut
	}
	daily := slices.ContainsFunc(s.Providers, func(p ProviderSetting) bool {
		return slices.ContainsFunc(p.Cells, func(c Cell) bool { return c.Channel == channel && c.Mode == Daily })
	})
	if !daily && (p.Preferences.Channels[channel] != Daily || p.Preferences.Muted) {
		return time.Time{}
	}
	return n.cutAfter(ctx, r, now, plan.LastCut, p.Preferences.DigestAt, zone)
}

// Providers returns the providers that a recipient can get, as the catalog has
// them: titles and icons for what shows an inbox. Without a catalog there are
// none.
func (n *Notifier) Providers(ctx context.Context, r Recipient) ([]Provider, error) {
	if err := checkRecipient(r); err != nil {
		return nil, err
	}
	view, err := n.viewOf(ctx, r)
	if err != nil {
		return nil, err
	}
	return slices.Clone(view.providers), nil
}

func (n *Notifier) providerSetting(p Provider, profile Profile, r Recipient) ProviderSetting {
	row := ProviderSetting{Provider: p}
	decisions := n.decide(Notification{}, p, profile, r)
	profile.Preferences.Muted = false
	unmuted := n.decide(Notification{}, p, profile, r)
	for i, d := range decisions {
		cell := Cell{Channel: d.Channel, Choice: profile.Preferences.choice(p, d.Channel), Mode: d.Mode, Unmuted: unmuted[i].Mode, Rule: d.Rule}
		if d.Channel == Interface {
			cell.Mode, cell.Unmuted, cell.Rule, cell.Choice = Immediate, Immediate, RuleInterface, Default
		}
		cell.Locked = cell.Rule == RuleInterface || cell.Rule == RuleForced
		row.Cells = append(row.Cells, cell)
	}
	return row
}

func (n *Notifier) reachable(channel string, contact Contact, registered []Registration) bool {
	if free, ok := n.channels[channel].(Addressless); ok && free.Addressless() {
		return true
	}
	return slices.ContainsFunc(contact.Addresses, func(a Address) bool { return a.Channel == channel }) ||
		slices.ContainsFunc(registered, func(reg Registration) bool { return reg.Address.Channel == channel })
}

// ordered puts the providers of the order first; the others follow as they were
// registered.
func (v *view) ordered(order []string) []Provider {
	var ordered []Provider
	taken := make(map[string]bool, len(v.providers))
	for _, id := range order {
		if p, ok := findProvider(v.providers, id); ok && !taken[p.ID] {
			ordered = append(ordered, p)
			taken[p.ID] = true
		}
	}
	for _, p := range v.providers {
		if !taken[p.ID] {
			ordered = append(ordered, p)
		}
	}
	return ordered
}
