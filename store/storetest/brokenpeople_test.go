package storetest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// saving and registering are the rest of a store's calls.
type (
	saving      = func(notify.Profile) error
	registering = func(notify.Registration, int) (notify.Registration, error)
)

var brokenPreferences = []broken{
	{"leaves absent recipients out", func(b *bench) {
		next := b.profiles
		b.profiles = func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
			profiles, err := next(ctx, rs)
			for r, p := range profiles {
				if p.Preferences.Version == 0 {
					delete(profiles, r)
				}
			}
			return profiles, err
		}
	}, []string{"preferences/an absent recipient has a zero profile"}},
	{"loses the hour of the digest", onSave(func(_ *bench, _ notify.Recipient, p notify.Profile, next saving) error {
		p.Preferences.DigestAt = ""
		return next(p)
	}), []string{"preferences/what is saved is loaded"}},
	{"merges what is saved", onSave(func(b *bench, r notify.Recipient, p notify.Profile, next saving) error {
		before, _ := b.m.Profiles(context.Background(), []notify.Recipient{r})
		p.OptOuts = slices.Concat(before[r].OptOuts, p.OptOuts)
		return next(p)
	}), []string{"preferences/a save replaces all"}},
	{"lets the last writer win", onSave(func(b *bench, r notify.Recipient, p notify.Profile, next saving) error {
		before, err := b.m.Profiles(context.Background(), []notify.Recipient{r})
		p.Preferences.Version = before[r].Preferences.Version
		return errors.Join(err, next(p))
	}), []string{"preferences/a stale version is a conflict", "preferences/a conflict moves no cut"}},
	{"compares versions without a lock", onSave(func(b *bench, _ notify.Recipient, p notify.Profile, next saving) (err error) {
		b.racing(func(racing bool) {
			if err = next(p); racing && errors.Is(err, notify.ErrConflict) {
				err = nil
			}
		})
		return err
	}), []string{"preferences/of savers at once exactly one wins"}},
	{"does not stamp opt-outs", onProfiles(func(_ notify.Recipient, p *notify.Profile) {
		for i := range p.OptOuts {
			p.OptOuts[i].Version = 0
		}
	}), []string{"preferences/opt-outs get the version and the instant"}},
	{"forgets the exceptions of an opt-out", onProfiles(func(_ notify.Recipient, p *notify.Profile) {
		for i := range p.OptOuts {
			p.OptOuts[i].Except = nil
		}
	}), []string{"preferences/an opt-out keeps its exceptions"}},
	{"answers for one recipient", func(b *bench) {
		next := b.profiles
		b.profiles = func(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
			return next(ctx, rs[:min(1, len(rs))])
		}
	}, []string{"preferences/several recipients at once"}},
	{"keeps plans to itself", onProfiles(func(_ notify.Recipient, p *notify.Profile) { p.Plans = nil }), []string{"plan/the first entry plans the cut"}},
	{"does not move plans on a save", onSave(func(_ *bench, _ notify.Recipient, p notify.Profile, next saving) error {
		p.Plans = nil
		return next(p)
	}), []string{"preferences/a save moves only cuts that are planned"}},
	{"moves plans on a conflict", onSave(func(b *bench, r notify.Recipient, p notify.Profile, next saving) error {
		err := next(p)
		if errors.Is(err, notify.ErrConflict) {
			before, _ := b.m.Profiles(context.Background(), []notify.Recipient{r})
			_ = next(notify.Profile{Preferences: before[r].Preferences, Plans: p.Plans})
		}
		return err
	}), []string{"preferences/a stale version is a conflict"}},
	{"shares profiles", func(b *bench) {
		cache := map[notify.Recipient]notify.Profile{}
		onProfiles(func(r notify.Recipient, p *notify.Profile) {
			if cached, ok := cache[r]; ok && cached.Preferences.Version == p.Preferences.Version {
				p.Preferences, p.OptOuts = cached.Preferences, cached.OptOuts
			}
			cache[r] = *p
		})(b)
	}, []string{"preferences/profiles belong to the caller"}},
	{"changes what is saved", onSave(func(_ *bench, _ notify.Recipient, p notify.Profile, next saving) error {
		err := next(p)
		for i := range p.OptOuts {
			p.OptOuts[i].Version = p.Preferences.Version + 1
		}
		return err
	}), []string{"preferences/what is saved is not kept"}},
}

// owned finds what is registered at an address.
func (b *bench) owned(a notify.Address) (notify.Registration, bool) {
	found, _ := b.m.Addresses(context.Background(), append(b.people, user("alice"), user("bob"), user("carol")))
	for _, regs := range found {
		for _, reg := range regs {
			if reg.Address.Channel == a.Channel && reg.Address.Value == a.Value {
				return reg, true
			}
		}
	}
	return notify.Registration{}, false
}

func user(id string) notify.Recipient { return notify.Recipient{Tenant: "acme", ID: id} }

// evict drops the first registered address of r if there are limit on any channel.
func (b *bench) evict(r notify.Recipient, limit int, on func(notify.Registration) bool) {
	found, _ := b.m.Addresses(context.Background(), []notify.Recipient{r})
	regs := slices.DeleteFunc(found[r], func(reg notify.Registration) bool { return !on(reg) })
	if len(regs) >= limit {
		_ = b.m.Unregister(context.Background(), r, regs[0].ID)
	}
}

var brokenAddresses = []broken{
	{"loses the name of a device", onRegistrations(func(_ *bench, regs []notify.Registration) []notify.Registration {
		for i := range regs {
			regs[i].Name = ""
		}
		return regs
	}), []string{"addresses/what is registered is listed"}},
	{"gives an address a new id", onRegister(func(b *bench, reg notify.Registration, limit int, next registering) (notify.Registration, error) {
		if first, ok := b.owned(reg.Address); ok && first.Recipient == reg.Recipient {
			_ = b.m.Unregister(context.Background(), reg.Recipient, first.ID)
		}
		return next(reg, limit)
	}), []string{"addresses/the same again is updated and keeps its id"}},
	{"never rebinds", onRegister(func(b *bench, reg notify.Registration, limit int, next registering) (notify.Registration, error) {
		if first, ok := b.owned(reg.Address); ok && first.Recipient != reg.Recipient {
			return reg, notify.ErrConflict
		}
		return next(reg, limit)
	}), []string{"addresses/the same keys rebind it"}},
	{"always rebinds", onRegister(func(b *bench, reg notify.Registration, limit int, next registering) (notify.Registration, error) {
		if first, ok := b.owned(reg.Address); ok && first.Recipient != reg.Recipient {
			reg.Address.Meta = first.Address.Meta
		}
		return next(reg, limit)
	}), []string{"addresses/other keys are refused"}},
	{"compares owners without a lock", onRegister(func(b *bench, reg notify.Registration, limit int, next registering) (got notify.Registration, err error) {
		b.racing(func(racing bool) {
			if got, err = next(reg, limit); racing && errors.Is(err, notify.ErrConflict) {
				err = nil
			}
		})
		return got, err
	}), []string{"addresses/of owners at once exactly one wins"}},
	{"has no limit of addresses", onRegister(func(_ *bench, reg notify.Registration, _ int, next registering) (notify.Registration, error) {
		return next(reg, 1000)
	}), []string{"addresses/the limit drops the first registered"}},
	{"drops an address for an update", onRegister(func(b *bench, reg notify.Registration, limit int, next registering) (notify.Registration, error) {
		b.evict(reg.Recipient, limit, func(other notify.Registration) bool { return other.Address.Channel == reg.Address.Channel })
		return next(reg, limit)
	}), []string{"addresses/updating at the limit drops nothing"}},
	{"limits addresses of all channels", onRegister(func(b *bench, reg notify.Registration, limit int, next registering) (notify.Registration, error) {
		b.evict(reg.Recipient, limit, func(notify.Registration) bool { return true })
		return next(reg, limit)
	}), []string{"addresses/the limit is per recipient and channel"}},
	{"lets anybody unregister", func(b *bench) {
		next := b.unregister
		b.unregister = func(ctx context.Context, r notify.Recipient, id notify.ID) error {
			for _, other := range []string{"alice", "bob"} {
				if err := next(ctx, user(other), id); err == nil {
					return nil
				}
			}
			return next(ctx, r, id)
		}
	}, []string{"addresses/only the owner unregisters"}},
	{"lists addresses newest first", onRegistrations(func(_ *bench, regs []notify.Registration) []notify.Registration {
		slices.Reverse(regs)
		return regs
	}), []string{"addresses/oldest first, per recipient"}},
	{"knows addresses of every channel", onFacts(func(b *bench, t notify.Task, f *notify.Facts) {
		found, _ := b.m.Addresses(context.Background(), []notify.Recipient{t.Recipient})
		f.Addresses = found[t.Recipient]
	}), []string{"addresses/facts have those of the channel"}},
	{"forgets what an attempt learnt", onOutcome(func(_ *bench, o *notify.Outcome) { o.Addresses = nil }), []string{"addresses/outcomes are recorded"}},
	{"learns from one outcome of a batch", func(b *bench) {
		next := b.settle
		b.settle = func(ctx context.Context, outcomes []notify.Outcome) ([]notify.ID, error) {
			outcomes = slices.Clone(outcomes)
			for i := 1; i < len(outcomes); i++ {
				outcomes[i].Addresses = nil
			}
			return next(ctx, outcomes)
		}
	}, []string{"addresses/outcomes settled together add up"}},
	{"keeps an address that is gone", onAddressOutcome(func(o *notify.AddressOutcome) { o.Gone = false }), []string{"addresses/gone removes it"}},
	{"drops an address that is back", onAddressOutcome(func(o *notify.AddressOutcome) { o.Since = o.Since.Add(time.Hour) }), []string{"addresses/gone spares what was registered anew"}},
	{"shares registrations", func(b *bench) {
		cache := map[notify.ID]notify.Registration{}
		onRegistrations(func(_ *bench, regs []notify.Registration) []notify.Registration {
			for i, reg := range regs {
				if cached, ok := cache[reg.ID]; ok {
					regs[i] = cached
				} else {
					cache[reg.ID] = reg
				}
			}
			return regs
		})(b)
	}, []string{"addresses/registrations belong to the caller"}},
	{"loses the proof", onSuppress(func(_ *bench, sup *notify.Suppression) { sup.Proof = "" }), []string{"suppressions/what is suppressed is found"}},
	{"suppresses since 1970", onSuppress(func(_ *bench, sup *notify.Suppression) {
		if sup.At.IsZero() {
			sup.At = time.Unix(0, 0)
		}
	}), []string{"suppressions/without an instant it is the present"}},
	{"suppresses anew", onSuppress(func(b *bench, sup *notify.Suppression) {
		_ = b.m.Unsuppress(context.Background(), sup.Tenant, sup.Address.Channel, sup.Address.Value)
	}), []string{"suppressions/a second one keeps instant and proof"}},
	{"lifts what is not suppressed", func(b *bench) {
		next := b.unsuppress
		b.unsuppress = func(ctx context.Context, tenant, channel, address string) error {
			if err := next(ctx, tenant, channel, address); !errors.Is(err, notify.ErrNotFound) {
				return err
			}
			return nil
		}
	}, []string{"suppressions/lifting"}},
	{"returns all that is suppressed", func(b *bench) {
		b.suppressed = func(ctx context.Context, tenant string, _ []notify.Address) ([]notify.Suppression, error) {
			return b.m.Suppressions(ctx, tenant, notify.Address{}, 1000)
		}
	}, []string{"suppressions/only the addresses asked for"}},
	{"lists suppressions without regard to case", func(b *bench) {
		next := b.suppressions
		b.suppressions = func(ctx context.Context, tenant string, after notify.Address, limit int) ([]notify.Suppression, error) {
			page, err := next(ctx, tenant, after, limit)
			slices.SortStableFunc(page, func(a, b notify.Suppression) int {
				return strings.Compare(strings.ToLower(a.Address.Value), strings.ToLower(b.Address.Value))
			})
			return page, err
		}
	}, []string{"suppressions/listed by channel and address"}},
	{"suppresses for all tenants", both(onSuppress(func(_ *bench, sup *notify.Suppression) { sup.Tenant = "" }), func(b *bench) {
		next := b.suppressed
		b.suppressed = func(ctx context.Context, _ string, addresses []notify.Address) ([]notify.Suppression, error) {
			found, err := next(ctx, "", addresses)
			for i := range found {
				found[i].Tenant = "acme"
			}
			return found, err
		}
	}), []string{"suppressions/tenants are apart"}},
}

func onAddressOutcome(edit func(o *notify.AddressOutcome)) alter {
	return onOutcome(func(_ *bench, o *notify.Outcome) {
		o.Addresses = slices.Clone(o.Addresses)
		for i := range o.Addresses {
			edit(&o.Addresses[i])
		}
	})
}

func onSuppress(edit func(b *bench, sup *notify.Suppression)) alter {
	return func(b *bench) {
		next := b.suppress
		b.suppress = func(ctx context.Context, sup notify.Suppression) error {
			edit(b, &sup)
			return next(ctx, sup)
		}
	}
}
