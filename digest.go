package notify

import (
	"cmp"
	"slices"
	"time"
)

// Digest is the daily letter: what is unread of a window.
type Digest struct {
	Items []Item // the newest, newest first; at most [Options].DigestLimit
	Total int    // how many are unread; above len(Items) a letter links to the rest
	From  time.Time
	To    time.Time // the cut: items at this instant belong to the next digest
	Zone  *time.Location
}

// defaultDigestLimit is how many items a letter shows.
const defaultDigestLimit = 5

// More returns how many unread items the letter does not show. Above zero it
// links to the inbox.
func (d Digest) More() int { return d.Total - len(d.Items) }

// BuildDigest makes the letter of those items that are neither read nor
// archived: the newest by (Filed, ID), newest first and at most limit (5 if it
// is not positive), and the true Total.
//
// It leaves no item out for its time: from and to are the label, which says
// [from, to), and to's location becomes the Zone. A snoozed item counts, since
// only the caller knows what time it is. The given items are not changed, nor
// is their order.
func BuildDigest(unread []Item, from, to time.Time, limit int) Digest {
	if limit <= 0 {
		limit = defaultDigestLimit
	}
	var shown []*Item
	for i := range unread {
		if item := &unread[i]; item.Read.IsZero() && item.Archived.IsZero() {
			shown = append(shown, item)
		}
	}
	slices.SortFunc(shown, func(a, b *Item) int {
		return cmp.Or(b.Filed.Compare(a.Filed), cmp.Compare(b.ID, a.ID))
	})

	d := Digest{Total: len(shown), From: from, To: to, Zone: to.Location()}
	for _, item := range shown[:min(limit, len(shown))] {
		d.Items = append(d.Items, *item)
	}
	return d
}
