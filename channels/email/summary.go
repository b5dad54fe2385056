package email

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// summary is what the templates of a digest show.
type summary struct {
	frame
	Heading string
	Note    string // when it was unread, and in which zone times are
	Items   []summaryItem
	All     *link  // to the inbox, if there is more than the letter shows
	More    string // says so if there is no link
}

type summaryItem struct {
	Title string
	URL   string
	When  string
	Body  [][]string

	title, body string
}

func (c *Channel) summary(d notify.Delivery, digest notify.Digest, l *locale, unsubscribe string) (summary, error) {
	switch {
	case len(digest.Items) == 0:
		return summary{}, invalid("Digest.Items", "is empty")
	case digest.Total < len(digest.Items):
		return summary{}, invalid("Digest.Total", "is below the number of items")
	case digest.To.IsZero():
		return summary{}, invalid("Digest.To", "is zero")
	}
	f, err := c.frame(d, l, unsubscribe)
	if err != nil {
		return summary{}, err
	}
	zone := digest.Zone
	if zone == nil {
		zone = time.UTC
	}
	cut := digest.To.In(zone)
	s := summary{frame: f}
	says := l.dates.in(cut, values{Count: digest.Total})
	if s.Heading, err = l.say("digest.heading", says); err != nil {
		return summary{}, err
	}
	if s.Note, err = l.say("digest.note", says); err != nil {
		return summary{}, err
	}
	// Its date keeps mail programs from merging the digests of several days.
	says.Heading = s.Heading
	if s.Subject, err = l.say("digest.subject", says); err != nil {
		return summary{}, err
	}
	s.Subject = oneLine(s.Subject)
	if err := s.rest(digest, d.Links.Inbox); err != nil {
		return summary{}, err
	}
	var titles []string
	for i, item := range digest.Items {
		entry, err := newSummaryItem(item, cut, l)
		if err != nil {
			return summary{}, fmt.Errorf("notify/email: digest item %d: %w", i, err)
		}
		s.Items, titles = append(s.Items, entry), append(titles, entry.title)
	}
	s.Preheader = shorten(strings.Join(titles, " · "), 90)
	return s, nil
}

// rest leads to what the letter does not show, if there is any.
func (s *summary) rest(digest notify.Digest, inbox string) error {
	inbox, err := checkLink("Links.Inbox", inbox)
	if err != nil || digest.More() == 0 {
		return err
	}
	if inbox == "" {
		s.More, err = s.locale.say("digest.more", values{Count: digest.More()})
		return err
	}
	title, err := s.locale.say("digest.all", values{Count: digest.Total})
	s.All = &link{title, inbox}
	return err
}

func newSummaryItem(item notify.Item, cut time.Time, l *locale) (summaryItem, error) {
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
	at, layout := happened(item).In(cut.Location()), "date.near"
	if at.Year() != cut.Year() {
		layout = "date.far"
	}
	when, err := l.say(layout, l.dates.in(at, values{}))
	return summaryItem{URL: url, When: when, title: title, body: n.Body}, err
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
