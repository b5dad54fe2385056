package memory

import (
	"cmp"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// The orders in which things are kept. Every one of them ends with an
// identifier, so that nothing depends on the order of insertion.

func compareAt(at time.Time, id notify.ID, otherAt time.Time, otherID notify.ID) int {
	if c := at.Compare(otherAt); c != 0 {
		return c
	}
	return strings.Compare(string(id), string(otherID))
}

func compareRecipients(a, b notify.Recipient) int {
	return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.ID, b.ID))
}

func compareAccepted(a, b *notification) int {
	return compareAt(a.accepted, a.id, b.accepted, b.id)
}

func compareOwners(a, b *item) int { return compareRecipients(a.owner.id, b.owner.id) }

func compareItems(a, b *item) int { return compareAt(a.filed, a.id, b.filed, b.id) }

func compareDue(a, b *task) int { return compareAt(a.Due, a.ID, b.Due, b.ID) }

func compareLeases(a, b *task) int { return compareAt(a.lease, a.ID, b.lease, b.ID) }

func compareFiled(a, b *task) int { return compareAt(a.Filed, a.ID, b.Filed, b.ID) }

func compareEntries(a, b *entry) int { return compareAt(a.filed, a.item.id, b.filed, b.item.id) }

func compareCuts(a, b *plan) int {
	return cmp.Or(a.nextCut.Compare(b.nextCut), compareRecipients(a.owner.id, b.owner.id),
		strings.Compare(a.channel, b.channel))
}

func compareSuppressions(a, b *notify.Suppression) int {
	return cmp.Or(strings.Compare(a.Tenant, b.Tenant), compareAddresses(a.Address, b.Address))
}

func compareAddresses(a, b notify.Address) int {
	return cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.Value, b.Value))
}
