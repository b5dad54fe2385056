package storetest

import (
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var suppressionChecks = []check{
	{"suppressions/what is suppressed is found", suppressionsFound},
	{"suppressions/without an instant it is the present", suppressionsNow},
	{"suppressions/a second one keeps instant and proof", suppressionsKept},
	{"suppressions/lifting", suppressionsLifted},
	{"suppressions/only the addresses asked for", suppressionsAsked},
	{"suppressions/listed by channel and address", suppressionsListed},
	{"suppressions/tenants are apart", suppressionsTenants},
}

// suppress records an address of the tenant acme.
func (s *scene) suppress(channel, address, proof string) {
	err := s.Store.Suppress(s.ctx, notify.Suppression{
		Tenant: "acme", Address: notify.Address{Channel: channel, Value: address}, Proof: proof, At: s.now(),
	})
	s.ok(err, "Suppress")
}

// suppressed asks which of the addresses of a tenant are suppressed.
func (s *scene) suppressed(tenant string, addresses ...notify.Address) []notify.Suppression {
	found, err := s.Store.Suppressed(s.ctx, tenant, addresses)
	s.ok(err, "Suppressed")
	return found
}

// mailbox is an address on the email channel.
func mailbox(address string) notify.Address {
	return notify.Address{Channel: notify.Email, Value: address}
}

func suppressionsFound(s *scene) {
	s.during("At", func() time.Time {
		s.suppress(notify.Email, "a@b.example", "550 5.1.1")
		found := s.suppressed("acme", mailbox("a@b.example"))
		equal(s, "number of suppressions", len(found), 1)
		want := notify.Suppression{Tenant: "acme", Address: mailbox("a@b.example"), Proof: "550 5.1.1", At: found[0].At}
		equal(s, "suppression", found[0], want)
		return found[0].At
	})
}

func suppressionsNow(s *scene) {
	s.during("At", func() time.Time {
		s.ok(s.Store.Suppress(s.ctx, notify.Suppression{Tenant: "acme", Address: mailbox("a")}), "Suppress")
		found := s.suppressed("acme", mailbox("a"))
		equal(s, "number of suppressions", len(found), 1)
		return found[0].At
	})
}

func suppressionsKept(s *scene) {
	s.suppress(notify.Email, "a@b.example", "550 5.1.1")
	before := s.suppressed("acme", mailbox("a@b.example"))
	s.Advance(time.Minute)
	s.suppress(notify.Email, "a@b.example", "by hand")
	equal(s, "suppressions", s.suppressed("acme", mailbox("a@b.example")), before)
}

func suppressionsLifted(s *scene) {
	s.suppress(notify.Email, "a@b.example", "550")
	s.suppress(notify.Email, "c@d.example", "550")
	s.ok(s.Store.Unsuppress(s.ctx, "acme", notify.Email, "a@b.example"), "Unsuppress")
	equal(s, "suppressions", len(s.suppressed("acme", mailbox("a@b.example"))), 0)
	equal(s, "suppressions of the other", len(s.suppressed("acme", mailbox("c@d.example"))), 1)
	s.is(s.Store.Unsuppress(s.ctx, "acme", notify.Email, "a@b.example"), notify.ErrNotFound, "Unsuppress for the second time")
	s.is(s.Store.Unsuppress(s.ctx, "globex", notify.Email, "c@d.example"), notify.ErrNotFound, "Unsuppress of another tenant")
	s.is(s.Store.Unsuppress(s.ctx, "acme", notify.Mobile, "c@d.example"), notify.ErrNotFound, "Unsuppress on another channel")
}

func suppressionsAsked(s *scene) {
	for _, a := range []string{"a", "b", "c"} {
		s.suppress(notify.Email, a, "550")
	}
	s.suppress(notify.Webhook, "d", "410")
	var got []string
	for _, found := range s.suppressed("acme", mailbox("c"), mailbox("a"), mailbox("d"), mailbox("x")) {
		got = append(got, found.Address.Value)
	}
	slices.Sort(got)
	equal(s, "suppressed addresses", got, []string{"a", "c"})
	equal(s, "suppressed among none", len(s.suppressed("acme")), 0)
}

func suppressionsListed(s *scene) {
	want := []notify.Address{
		mailbox("B@b.example"), mailbox("a@b.example"), mailbox("b@b.example"), mailbox("\u00e9@b.example"),
		{Channel: notify.Webhook, Value: "A"}, {Channel: notify.Webhook, Value: "a"},
	}
	for _, i := range []int{3, 0, 5, 1, 4, 2} {
		s.suppress(want[i].Channel, want[i].Value, "550")
	}
	var got []notify.Address
	for after := (notify.Address{}); len(got) <= len(want); {
		page, err := s.Store.Suppressions(s.ctx, "acme", after, 4)
		s.ok(err, "Suppressions")
		for _, p := range page {
			got = append(got, p.Address)
		}
		if len(page) < 4 {
			break
		}
		after = page[3].Address
	}
	equal(s, "suppressions in pages", got, want)
}

func suppressionsTenants(s *scene) {
	s.suppress(notify.Email, "a", "550")
	equal(s, "suppressed in another tenant", len(s.suppressed("globex", mailbox("a"))), 0)
	list, err := s.Store.Suppressions(s.ctx, "globex", notify.Address{}, 10)
	s.ok(err, "Suppressions")
	equal(s, "suppressions of another tenant", len(list), 0)
}
