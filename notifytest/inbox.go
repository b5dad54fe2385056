package notifytest

import (
	"slices"

	"github.com/bellwether-go/notify"
)

// RequireInbox makes sure that the recipient's inbox shows exactly these titles,
// the newest first, read and unread ones, and returns the items.
func (c *Center) RequireInbox(r notify.Recipient, titles ...string) []notify.Item {
	c.t.Helper()
	c.Settle()
	items := c.inbox(r)
	if got := titlesOf(items); !slices.Equal(got, titles) {
		c.t.Fatalf("notifytest: the inbox of %s shows %q, want %q\n%s", r.ID, got, titles, c.story(r))
	}
	return items
}

// RequireUnread makes sure that so many items in the recipient's inbox are
// unread.
func (c *Center) RequireUnread(r notify.Recipient, unread int) {
	c.t.Helper()
	c.Settle()
	counts, err := c.Inbox(r).Counts(c.context())
	if err != nil {
		c.t.Fatalf("notifytest: Counts: %v", err)
	}
	if counts.Unread != unread {
		c.t.Fatalf("notifytest: %d items of %s are unread, want %d\n%s", counts.Unread, r.ID, unread, c.story(r))
	}
}

// RequireNextDigest returns the digest as it would be now. It has to show
// exactly these titles, the newest first.
func (c *Center) RequireNextDigest(r notify.Recipient, titles ...string) notify.Digest {
	c.t.Helper()
	c.Settle()
	digest, err := c.PreviewDigest(c.context(), r)
	if err != nil {
		c.t.Fatalf("notifytest: PreviewDigest: %v", err)
	}
	if got := titlesOf(digest.Items); !slices.Equal(got, titles) {
		c.t.Fatalf("notifytest: the next digest of %s shows %q, want %q\n%s", r.ID, got, titles, c.story(r))
	}
	return digest
}

// inbox are the items that the recipient sees, the newest first.
func (c *Center) inbox(r notify.Recipient) []notify.Item {
	c.t.Helper()
	var items []notify.Item
	for item, err := range c.Inbox(r).All(c.context(), notify.Query{}) {
		if err != nil {
			c.t.Fatalf("notifytest: the inbox of %s: %v", r.ID, err)
		}
		items = append(items, item)
	}
	return items
}

func titlesOf(items []notify.Item) []string {
	var titles []string
	for _, item := range items {
		titles = append(titles, item.Notification.Title)
	}
	return titles
}
