package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

var identifierChecks = []check{
	{"identifiers/recipients", identifiersRecipients},
	{"identifiers/tenants", identifiersTenants},
	{"identifiers/providers", identifiersProviders},
	{"identifiers/keys", identifiersKeys},
	{"identifiers/entities", identifiersEntities},
	{"identifiers/collapse keys", identifiersCollapseKeys},
	{"identifiers/channels", identifiersChannels},
	{"identifiers/addresses", identifiersAddresses},
	{"identifiers/suppressions", identifiersSuppressions},
	{"identifiers/choices", identifiersChoices},
}

// alike are identifiers that are different byte by byte, and that a careless
// store takes for one another or for something else.
var alike = []string{
	"a", "A", "a ", " a", "a\t", "\u00e4", "a\u0308", "\u00c4", // case, space, NFC and NFD
	"\u00df", "ss", "\u0130", "i", "I", "\u0131", // what case folding makes equal
	"\U0001f514", "\U0001f515", "\u4e2d", "\ufeffa", "a\u200b", // beyond the BMP, invisible
	"'", "\"", "`", "%", "_", "a%", "a_", "\\", "\\\\", "\\%", "''", // quotes and patterns
	"a/b", "a:b", "a|b", "a,b", "{a}", "$1", "?", ":a", "--", ";", "NULL", "0", "00", "1e0", "1", // syntax
	strings.Repeat("x", 190), strings.Repeat("x", 189) + "X", strings.Repeat("\U0001f514", 47) + "ab", // 190 bytes
}

func identifiersRecipients(s *scene) {
	var filings []notify.Filing
	for _, id := range alike {
		filings = append(filings, to(notify.Recipient{Tenant: "acme", ID: id}))
	}
	slices.SortFunc(filings, func(a, b notify.Filing) int { return compareRecipients(a.Recipient, b.Recipient) })
	s.send(invoice, filings...)
	for i, f := range filings {
		items := s.items(f.Recipient, notify.ItemQuery{})
		s.that(len(items) == 1 && items[0].Recipient == f.Recipient, "the items of %q are %s", f.Recipient.ID, brief(items))
		if i%2 == 0 {
			s.mark(f.Recipient, notify.OpRead, items[0].ID)
		}
	}
	for i, f := range filings {
		equal(s, "unread of "+f.Recipient.ID, s.counts(f.Recipient).Unread, i%2)
	}
}

func identifiersTenants(s *scene) {
	for _, tenant := range append(alike, "") {
		r := notify.Recipient{Tenant: tenant, ID: "alice"}
		n := invoice
		n.Tenant, n.Key, n.Title = tenant, "k", "for "+tenant
		id := s.send(n, to(r))
		equal(s, "tenant", s.item(r, id).Notification.Tenant, tenant)
		s.save(r, notify.Profile{})
	}
	for _, tenant := range append(alike, "") {
		r := notify.Recipient{Tenant: tenant, ID: "alice"}
		equal(s, "items of tenant "+tenant, len(s.inbox(r, notify.StateAll)), 1)
		equal(s, "version of tenant "+tenant, s.profile(r).Preferences.Version, 1)
	}
}

func identifiersProviders(s *scene) {
	want := map[string]notify.ID{}
	for _, provider := range alike {
		n := invoice
		n.Provider, n.Key = provider, "k"
		want[provider] = s.send(n, to(alice))
	}
	for provider, id := range want {
		items := s.items(alice, notify.ItemQuery{Provider: provider})
		s.that(len(items) == 1 && items[0].ID == id && items[0].Notification.Provider == provider, "the items of provider %q are %s", provider, brief(items))
		equal(s, "withdrawn of provider "+provider, s.withdraw(notify.Withdrawal{Tenant: "acme", Provider: provider, Key: "k"}), []notify.ID{id})
	}
}

func identifiersKeys(s *scene) {
	want := map[string]notify.ID{}
	for _, key := range alike {
		n := invoice
		n.Key, n.Title = key, "with "+key
		want[key] = s.send(n, to(alice))
		equal(s, "key", s.item(alice, want[key]).Notification.Key, key)
	}
	for key, id := range want {
		n := invoice
		n.Key, n.Title = key, "with "+key
		equal(s, "replay of key "+key, s.accept(s.acceptance(n, to(alice)))[0], notify.Receipt{ID: id, Replayed: true})
	}
}

func identifiersEntities(s *scene) {
	want := map[string]notify.ID{}
	for _, entity := range alike {
		want[entity] = s.send(about("billing", entity), to(alice))
	}
	for entity, id := range want {
		equal(s, "withdrawn about "+entity, s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: entity}), []notify.ID{id})
	}
}

func identifiersCollapseKeys(s *scene) {
	want := map[string]notify.ID{}
	for _, key := range alike {
		n := weather("rain")
		n.CollapseKey = key
		want[key] = s.send(n, to(alice))
	}
	equal(s, "items", len(s.inbox(alice, notify.StateAll)), len(alike))
	s.Advance(time.Second)
	for key, id := range want {
		n := weather("sun")
		n.CollapseKey = key
		newer := s.send(n, to(alice))
		equal(s, "notification of collapse key "+key, s.item(alice, id).NotificationID, newer)
	}
}

func identifiersChannels(s *scene) {
	for _, channel := range alike {
		f := to(alice, s.delivery(channel))
		f.Entries = []notify.NewEntry{{Channel: channel, NextCut: s.now().Add(time.Minute)}}
		s.send(invoice, f)
	}
	s.Advance(time.Hour)
	for _, channel := range alike {
		plans := s.duePlans(100, channel)
		s.that(len(plans) == 1 && plans[0].Channel == channel, "the plans of channel %q are %s", channel, brief(plans))
		equal(s, "channel", s.claimOne(channel).Channel, channel)
	}
}

func identifiersAddresses(s *scene) {
	for _, value := range alike {
		s.register(alice, notify.Address{Channel: notify.Mobile, Value: value}, 1000)
	}
	got := values(s.registered(alice))
	slices.Sort(got)
	want := slices.Sorted(slices.Values(alike))
	equal(s, "registered addresses", got, want)
}

func identifiersSuppressions(s *scene) {
	for i, address := range alike {
		if i%2 == 0 {
			s.suppress(notify.Email, address, "550 "+address)
		}
	}
	for i, address := range alike {
		found := s.suppressed("acme", mailbox(address))
		s.that(len(found) == 1-i%2, "for %q: %s", address, brief(found))
		if i%2 == 0 {
			equal(s, "proof", found[0].Proof, "550 "+address)
		}
	}
	for i, address := range alike {
		if i%2 == 0 {
			s.ok(s.Store.Unsuppress(s.ctx, "acme", notify.Email, address), "Unsuppress")
		}
	}
}

func identifiersChoices(s *scene) {
	p := notify.Profile{Preferences: notify.Preferences{Choices: map[string]map[string]notify.Mode{}, Order: alike}}
	for _, id := range alike {
		p.Preferences.Choices[id] = map[string]notify.Mode{id: notify.Off}
		p.OptOuts = append(p.OptOuts, notify.OptOut{Provider: id, Channel: id})
	}
	s.save(alice, p)
	got := s.profile(alice)
	equal(s, "choices", got.Preferences.Choices, p.Preferences.Choices)
	equal(s, "order", got.Preferences.Order, alike)
	equal(s, "number of opt-outs", len(got.OptOuts), len(alike))
	for _, o := range got.OptOuts {
		s.that(o.Provider == o.Channel && slices.Contains(alike, o.Provider), "the opt-out %+v was never saved", o)
	}
}
