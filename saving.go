package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
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
	n.publish(ctx, []Signal{{Recipient: r}})
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

// turnedOff lists the visible cells that were on before and are off now, also
// by clearing a choice so that a default counts again.
func (v *view) turnedOff(n *Notifier, r Recipient, before, after Preferences) []OptOut {
	var off []OptOut
	for _, p := range v.providers {
		was := n.decide(Notification{}, p, Profile{Preferences: before}, r)
		is := n.decide(Notification{}, p, Profile{Preferences: after}, r)
		for i := range min(len(was), len(is)) {
			if was[i].Mode != Off && is[i].Mode == Off && is[i].Channel != Interface && !after.Muted {
				off = append(off, OptOut{Provider: p.ID, Channel: is[i].Channel})
			}
		}
	}
	return off
}

// optOutsAfter is what is remembered of switches turned off, after a save. The
// store gives those without an instant the new version.
func optOutsAfter(known []OptOut, before, after Preferences, cells []OptOut) []OptOut {
	marks := make(map[[2]string]OptOut, len(known))
	for _, o := range known {
		marks[[2]string{o.Provider, o.Channel}] = o
	}
	note := func(o OptOut) { marks[[2]string{o.Provider, o.Channel}] = o }
	if after.Muted && !before.Muted {
		note(OptOut{})
	}
	for channel, mode := range after.Channels {
		if mode != Off || before.Channels[channel] == Off {
			continue
		}
		o := OptOut{Channel: channel}
		for provider, modes := range after.Choices {
			if m := modes[channel]; m.decides() && m != Off {
				o.Except = append(o.Except, provider)
			}
		}
		slices.Sort(o.Except)
		keepFormer(marks, o)
		note(o)
	}
	for provider, modes := range after.Choices {
		for channel, mode := range modes {
			if mode == Off && before.Choices[provider][channel] != Off {
				note(OptOut{Provider: provider, Channel: channel})
			}
		}
	}
	for _, o := range cells {
		note(o)
	}
	all := slices.Collect(maps.Values(marks))
	slices.SortFunc(all, func(a, b OptOut) int {
		return slices.Compare([]string{a.Provider, a.Channel}, []string{b.Provider, b.Channel})
	})
	return all
}

// keepFormer saves what the former mark of a whole channel says about providers
// that the new one makes an exception of.
func keepFormer(marks map[[2]string]OptOut, next OptOut) {
	former, ok := marks[[2]string{"", next.Channel}]
	if !ok {
		return
	}
	for _, provider := range next.Except {
		key := [2]string{provider, next.Channel}
		if slices.Contains(former.Except, provider) || marks[key].Version >= former.Version {
			continue
		}
		marks[key] = OptOut{Provider: provider, Channel: next.Channel, Version: former.Version, At: former.At}
	}
}

// covers tells whether an opt-out is one of this cell.
func (o OptOut) covers(provider, channel string) bool {
	switch {
	case o.Channel == "":
		return true
	case o.Channel != channel:
		return false
	case o.Provider == "":
		return !slices.Contains(o.Except, provider)
	}
	return o.Provider == provider
}

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

func (n *Notifier) providerSetting(p Provider, profile Profile, r Recipient) ProviderSetting {
	row := ProviderSetting{Provider: p}
	for _, d := range n.decide(Notification{}, p, profile, r) {
		cell := Cell{Channel: d.Channel, Choice: profile.Preferences.choice(p, d.Channel), Mode: d.Mode, Rule: d.Rule}
		if d.Channel == Interface {
			cell.Mode, cell.Rule, cell.Choice = Immediate, RuleInterface, Default
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

// Explain tells what would become of a notification for a recipient, and by
// which rule, without sending it. To may be empty. Channels that the provider
// names but nobody registered are explained too.
func (n *Notifier) Explain(ctx context.Context, note Notification, r Recipient) ([]Decision, error) {
	if err := checkRecipient(r); err != nil {
		return nil, err
	}
	note.To, note.Audience = []Recipient{r}, ""
	if note.Tenant == "" {
		note.Tenant = r.Tenant
	}
	note, err := normalize(note, n.baseURL)
	if err != nil {
		return nil, err
	}
	f := n.newFiler()
	if err := f.learn(ctx, []Recipient{r}); err != nil {
		return nil, err
	}
	provider, known, err := f.provider(ctx, r, note.Provider)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, unknownProvider(note.Provider)
	}
	decisions := n.decide(note, provider, f.profiles[r], r)
	var unknown []string
	for channel := range provider.Defaults {
		unknown = append(unknown, channel)
	}
	unknown = append(unknown, provider.Forced...)
	slices.Sort(unknown)
	for _, channel := range slices.Compact(unknown) {
		if channel != Interface && n.channels[channel] == nil {
			decisions = append(decisions, Decision{channel, Off, RuleUnknownChannel})
		}
	}
	return decisions, nil
}

// PreviewDigest returns the digest as it would be if its window closed now, of
// the e-mail channel or else of the first one that has digests.
func (n *Notifier) PreviewDigest(ctx context.Context, r Recipient) (Digest, error) {
	if err := checkRecipient(r); err != nil {
		return Digest{}, err
	}
	channel := n.digestChannel()
	if channel == "" {
		return Digest{}, fmt.Errorf("notify: preview: no channel has digests: %w", errors.ErrUnsupported)
	}
	f := n.newFiler()
	if err := f.learn(ctx, []Recipient{r}); err != nil {
		return Digest{}, err
	}
	now, err := n.store.Now(ctx)
	if err != nil {
		return Digest{}, fmt.Errorf("notify: clock: %w", err)
	}
	profile := f.profiles[r]
	entries, err := n.store.DigestEntries(ctx, Task{Kind: KindDigest, Recipient: r, Channel: channel})
	if err != nil {
		return Digest{}, fmt.Errorf("notify: preview: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e DigestEntry) bool {
		return optedOut(profile, e.Provider, channel, e.PreferencesVersion)
	})
	from := findPlan(profile.Plans, channel).LastCut
	digest := Digest{}
	if len(entries) > 0 {
		if digest, err = n.letter(ctx, r, entries); err != nil {
			return Digest{}, err
		}
		if oldest := entries[len(entries)-1].Filed; from.IsZero() || now.Sub(from) > digestLookBack {
			from = oldest
		}
	}
	digest.From, digest.To, digest.Zone = from, now, f.zone(ctx, r, profile.Preferences)
	return digest, nil
}

func (n *Notifier) digestChannel() string {
	first := ""
	for _, c := range n.channelInfos {
		if c.Digest && c.Name == Email {
			return Email
		}
		if c.Digest && first == "" {
			first = c.Name
		}
	}
	return first
}
