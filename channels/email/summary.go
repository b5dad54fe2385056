package email

import (
	"fmt"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// summary is what the templates of a digest show.
type summary struct {
	frame
	Heading string
	At      string // the cut, in the recipient's zone
	Zone    string
	Items   []summaryItem
	All     *link // to the inbox, if there is more than the letter shows
	More    int   // how many it does not show, if there is no link
}

type summaryItem struct {
	Title string
	URL   string
	When  string
	Body  [][]string

	title, body string
}

func (c *Channel) summary(digest notify.Digest, links notify.DeliveryLinks) (summary, error) {
	f, err := c.frame(links)
	if err != nil {
		return summary{}, err
	}
	switch {
	case len(digest.Items) == 0:
		return summary{}, invalid("Digest.Items", "is empty")
	case digest.Total < len(digest.Items):
		return summary{}, invalid("Digest.Total", "is below the number of items")
	case digest.To.IsZero():
		return summary{}, invalid("Digest.To", "is zero")
	}
	zone := digest.Zone
	if zone == nil {
		zone = time.UTC
	}
	cut := digest.To.In(zone)
	name := zone.String()
	if name == "Local" || name == "" {
		name = cut.Format("MST")
	}
	s := summary{frame: f, At: cut.Format("Monday, 2 January 2006, 15:04"), Zone: oneLine(name)}
	s.Heading = count(digest.Total, "unread notification", "unread notifications")
	// The date keeps mail programs from merging the digests of several days.
	s.Subject = fmt.Sprintf("%s, %s (%s)", s.Heading, cut.Format("Mon 2 Jan 2006"), s.Zone)

	inbox, err := checkLink("Links.Inbox", links.Inbox)
	if err != nil {
		return summary{}, err
	}
	if digest.Total > len(digest.Items) {
		if inbox != "" {
			s.All = &link{fmt.Sprintf("See all %d notifications", digest.Total), inbox}
		} else {
			s.More = digest.Total - len(digest.Items)
		}
	}
	for i, item := range digest.Items {
		entry, err := newSummaryItem(item, cut)
		if err != nil {
			return summary{}, fmt.Errorf("notify/email: digest item %d: %w", i, err)
		}
		s.Items = append(s.Items, entry)
	}
	s.Preheader = shorten(s.Items[0].title, 90)
	return s, nil
}

func newSummaryItem(item notify.Item, cut time.Time) (summaryItem, error) {
	n := item.Notification
	if err := checkTexts(n); err != nil {
		return summaryItem{}, err
	}
	url, err := checkLink("Item.Notification.URL", n.URL)
	if err != nil {
		return summaryItem{}, err
	}
	title := oneLine(n.Title)
	if title == "" {
		return summaryItem{}, invalid("Item.Notification.Title", "is empty")
	}
	happened := n.OccurredAt
	if happened.IsZero() {
		happened = item.Filed
	}
	happened = happened.In(cut.Location())
	layout := "Mon 2 Jan, 15:04"
	if happened.Year() != cut.Year() {
		layout = "Mon 2 Jan 2006, 15:04"
	}
	return summaryItem{URL: url, When: happened.Format(layout), title: title, body: n.Body}, nil
}

// within returns the digest with no more than the bounds allow.
func (s summary) within(b bounds) summary {
	s.Items = slices.Clone(s.Items)
	for i := range s.Items {
		item := &s.Items[i]
		item.Title = shorten(item.title, b.title)
		item.Body = paragraphs(shorten(item.body, b.body))
	}
	return s
}
