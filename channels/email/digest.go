package email

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// digestItem is one notification of a digest, as a template is given it.
type digestItem struct {
	Title string
	URL   string
	When  string
	Body  [][]string

	title, body string // of which Title and Body show as much as there is room for
}

// digest is the view of a digest.
func (c *Channel) digest(d notify.Delivery, g notify.Digest, l *locale, unsubscribe string) (view, error) {
	switch {
	case len(g.Items) == 0:
		return view{}, invalid("Digest.Items", "is empty")
	case g.Total < len(g.Items):
		return view{}, invalid("Digest.Total", "is below the number of items")
	case g.To.IsZero():
		return view{}, invalid("Digest.To", "is zero")
	}
	v, err := c.frame(d, l, unsubscribe)
	if err != nil {
		return view{}, err
	}
	zone := g.Zone
	if zone == nil {
		zone = time.UTC
	}
	cut := g.To.In(zone)
	says := l.dates.in(cut, values{Count: g.Total})
	if v.Heading, err = l.say("digest.heading", says); err != nil {
		return view{}, err
	}
	if v.Note, err = l.say("digest.note", says); err != nil {
		return view{}, err
	}
	// Its date keeps mail programs from merging the digests of several days.
	says.Heading = v.Heading
	if v.Subject, err = l.say("digest.subject", says); err != nil {
		return view{}, err
	}
	v.Subject = oneLine(v.Subject)
	if err := v.rest(g, d.Links.Inbox); err != nil {
		return view{}, err
	}
	var titles []string
	for i, item := range g.Items {
		entry, err := newDigestItem(item, cut, l)
		if err != nil {
			return view{}, fmt.Errorf("notify/email: digest item %d: %w", i, err)
		}
		v.Items, titles = append(v.Items, entry), append(titles, entry.title)
	}
	v.Preheader = shorten(strings.Join(titles, " · "), 90)
	return v, nil
}

// rest leads to what the letter does not show, if there is any.
func (v *view) rest(g notify.Digest, inbox string) error {
	inbox, err := checkLink("Links.Inbox", inbox)
	if err != nil || g.More() == 0 {
		return err
	}
	if inbox == "" {
		v.More, err = v.locale.say("digest.more", values{Count: g.More()})
		return err
	}
	title, err := v.locale.say("digest.all", values{Count: g.Total})
	v.All = &link{title, inbox}
	return err
}

func newDigestItem(item notify.Item, cut time.Time, l *locale) (digestItem, error) {
	n := item.Notification
	if err := checkTexts(n); err != nil {
		return digestItem{}, err
	}
	url, err := checkLink("Item.Notification.URL", n.URL)
	if err != nil {
		return digestItem{}, err
	}
	title := oneLine(n.Title)
	if title == "" {
		return digestItem{}, invalid("Item.Notification.Title", "is empty")
	}
	at, layout := happened(item).In(cut.Location()), "date.near"
	if at.Year() != cut.Year() {
		layout = "date.far"
	}
	when, err := l.say(layout, l.dates.in(at, values{}))
	return digestItem{URL: url, When: when, title: title, body: n.Body}, err
}

// digestWithin returns the digest with no more than the bounds allow.
func digestWithin(v view, b bounds) view {
	v.Items = slices.Clone(v.Items)
	for i := range v.Items {
		item := &v.Items[i]
		item.Title = shorten(item.title, b.title)
		item.Body = paragraphs(shorten(item.body, b.body))
	}
	return v
}
