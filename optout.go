package notify

import (
	"maps"
	"slices"
)

// turnedOff lists the visible cells that were on before and are off now, also
// by clearing a choice so that a default counts again.
func (v *view) turnedOff(n *Notifier, r Recipient, before, after Preferences) []OptOut {
	var off []OptOut
	if after.Muted {
		return nil // one mark stands for all of them
	}
	for _, p := range v.judged(before, after) {
		was := n.decide(Notification{}, p, Profile{Preferences: before}, r)
		is := n.decide(Notification{}, p, Profile{Preferences: after}, r)
		for i := range min(len(was), len(is)) {
			if was[i].Mode != Off && is[i].Mode == Off && is[i].Channel != Interface {
				off = append(off, OptOut{Provider: p.ID, Channel: is[i].Channel, Except: keptOn(after, p.ID, is[i].Channel)})
			}
		}
	}
	return off
}

// judged are the providers whose cells may have been turned off. Without a
// catalog they are those that somebody chose something for, and one without an
// id that stands for all others.
func (v *view) judged(before, after Preferences) []Provider {
	if !v.open {
		return v.providers
	}
	ids := append(slices.Collect(maps.Keys(before.Choices)), slices.Collect(maps.Keys(after.Choices))...)
	slices.Sort(ids)
	all := []Provider{{}}
	for _, id := range slices.Compact(ids) {
		all = append(all, Provider{ID: id})
	}
	return all
}

// keptOn lists the exceptions of an opt-out of a whole channel: providers whose
// own cell is on.
func keptOn(p Preferences, provider, channel string) []string {
	var except []string
	for id, modes := range p.Choices {
		if m := modes[channel]; provider == "" && m.decides() && m != Off {
			except = append(except, id)
		}
	}
	slices.Sort(except)
	return except
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
		o := OptOut{Channel: channel, Except: keptOn(after, "", channel)}
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
		if o.Provider == "" {
			keepFormer(marks, o)
		}
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
