package storetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// fold makes of an identifier what a careless collation compares.
func fold(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

func onNotification(edit func(n *notify.Notification)) alter {
	return onAcceptance(func(a *notify.Acceptance) { edit(&a.Notification) })
}

var brokenValues = slices.Concat(brokenIdentifiers, []broken{
	{"loses the icon", onContent(func(n *notify.Notification) { n.Icon = "" }), []string{"values/the largest notification is kept"}},
	{"cuts long bodies", onContent(func(n *notify.Notification) { n.Body = n.Body[:min(len(n.Body), 10_000)] }), []string{"values/the largest notification is kept"}},
	{"compacts data", onContent(func(n *notify.Notification) {
		var compact bytes.Buffer
		if json.Compact(&compact, n.Data) == nil && compact.Len() > 0 {
			n.Data = compact.Bytes()
		}
	}), []string{"values/every field is kept", "values/data is kept byte for byte"}},
	{"takes null for no data", onContent(func(n *notify.Notification) {
		if string(n.Data) == "null" {
			n.Data = nil
		}
	}), []string{"values/no data and null are two things"}},
	{"trims text", onContent(func(n *notify.Notification) { n.Title = strings.TrimSpace(n.Title) }), []string{"values/text is kept as it is"}},
	{"takes a zero time for 1970", onContent(func(n *notify.Notification) {
		if n.OccurredAt.IsZero() {
			n.OccurredAt = time.Unix(0, 0).UTC()
		}
	}), []string{"values/a zero time stays zero"}},
	{"takes 1970 for a zero time", onContent(func(n *notify.Notification) {
		if n.OccurredAt.Unix() == 0 {
			n.OccurredAt = time.Time{}
		}
	}), []string{"values/times at the edges"}},
	{"rounds instants", onNotification(func(n *notify.Notification) { n.OccurredAt = n.OccurredAt.Round(time.Microsecond) }), []string{"values/times are truncated to microseconds"}},
	{"tells local time", onItem(func(it *notify.Item) { it.Filed = it.Filed.In(time.FixedZone("", 3600)) }), []string{"claim/a wait holds a task back"}},
	{"compacts meta", onRegistrations(func(_ *bench, regs []notify.Registration) []notify.Registration {
		for i := range regs {
			var compact bytes.Buffer
			if json.Compact(&compact, regs[i].Address.Meta) == nil {
				regs[i].Address.Meta = compact.Bytes()
			}
		}
		return regs
	}), []string{"addresses/other keys are refused"}},
	{"keeps a thousand recipients", onFacts(func(_ *bench, _ notify.Task, f *notify.Facts) {
		f.Notification.To = f.Notification.To[:min(len(f.Notification.To), 1000)]
	}), []string{"values/ten thousand recipients"}},
	{"drops empty rows", onContent(func(n *notify.Notification) {
		n.Rows = slices.DeleteFunc(n.Rows, func(r notify.Row) bool { return r == notify.Row{} })
	}), []string{"values/no rows and empty ones are the same"}},
	{"has a clock that stands still", func(b *bench) {
		start, _ := b.m.Now(context.Background())
		b.now = func(context.Context) (time.Time, error) { return start, nil }
	}, []string{"clock/is UTC in microseconds and moves on"}},
})

var brokenIdentifiers = []broken{
	{"folds recipients", both(
		onFilings(func(f *notify.Filing) { f.Recipient.ID = fold(f.Recipient.ID) }),
		onQuery(func(_ *bench, r *notify.Recipient, _ *notify.ItemQuery) { r.ID = fold(r.ID) }),
	), []string{"identifiers/recipients"}},
	{"folds tenants", both(
		onFilings(func(f *notify.Filing) { f.Recipient.Tenant = fold(f.Recipient.Tenant) }),
		onQuery(func(_ *bench, r *notify.Recipient, _ *notify.ItemQuery) { r.Tenant = fold(r.Tenant) }),
		onNotification(func(n *notify.Notification) { n.Tenant = fold(n.Tenant) }),
	), []string{"identifiers/tenants"}},
	{"folds providers", onNotification(func(n *notify.Notification) { n.Provider = fold(n.Provider) }), []string{"identifiers/providers"}},
	{"folds keys", onNotification(func(n *notify.Notification) { n.Key = fold(n.Key) }), []string{"identifiers/keys"}},
	{"folds entities", onNotification(func(n *notify.Notification) { n.Entity = fold(n.Entity) }), []string{"identifiers/entities"}},
	{"folds collapse keys", onNotification(func(n *notify.Notification) { n.CollapseKey = fold(n.CollapseKey) }), []string{"identifiers/collapse keys"}},
	{"folds channels", onNewTasks(func(t *notify.NewTask) { t.Channel = fold(t.Channel) }), []string{"identifiers/channels"}},
	{"folds addresses", onRegister(func(_ *bench, reg notify.Registration, limit int, next registering) (notify.Registration, error) {
		reg.Address.Value = fold(reg.Address.Value)
		return next(reg, limit)
	}), []string{"values/meta of an address is kept byte for byte", "identifiers/addresses"}},
	{"folds suppressions", onSuppress(func(_ *bench, sup *notify.Suppression) { sup.Address.Value = fold(sup.Address.Value) }), []string{"identifiers/suppressions"}},
	{"folds choices", onSave(func(_ *bench, _ notify.Recipient, p notify.Profile, next saving) error {
		folded := map[string]map[string]notify.Mode{}
		for provider, cells := range p.Preferences.Choices {
			folded[fold(provider)] = cells
		}
		p.Preferences.Choices = folded
		return next(p)
	}), []string{"identifiers/choices"}},
}
