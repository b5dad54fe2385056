package email

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// view is what a template is given: one of the two letters. It is flat, because
// templates find fields of embedded structs slowly.
type view struct {
	Lang, Dir   string // as the attributes of HTML
	Align       string // "left" or "right": where lines begin
	Subject     string
	Preheader   string // what a list of mails shows beside the subject
	Brand       *look
	Sent        string // by whom
	Settings    string
	Unsubscribe string

	// Of one notification.
	Title   string
	When    string     // it happened, in the recipient's zone
	Body    [][]string // paragraphs of lines
	Rows    []notify.Row
	Button  *link
	Actions []link

	// Of a digest.
	Heading string
	Note    string // when it was unread, and in which zone times are
	Items   []digestItem
	All     *link  // to the inbox, if there is more than the letter shows
	More    string // says so if there is no link

	locale *locale
	body   string // of which Body shows as much as there is room for
}

// T returns a text of the recipient's language by its name in Options.Locales.
func (v view) T(id string) (string, error) { return v.locale.say(id, values{}) }

// frame is the view of what every letter has around its content.
func (c *Channel) frame(d notify.Delivery, l *locale, unsubscribe string) (view, error) {
	settings, err := checkLink("Links.Settings", d.Links.Settings)
	if err != nil {
		return view{}, err
	}
	return view{
		Lang: l.tag, Dir: l.direction, Align: l.align(), Brand: &c.o.look, Sent: l.sent,
		Settings: settings, Unsubscribe: unsubscribe, locale: l,
	}, nil
}

// letter is the view of one notification.
func (c *Channel) letter(d notify.Delivery, l *locale, unsubscribe string) (view, error) {
	v, err := c.frame(d, l, unsubscribe)
	if err != nil {
		return view{}, err
	}
	n := d.Item.Notification
	if err := checkTexts(n); err != nil {
		return view{}, err
	}
	v.Title, v.Rows, v.body = oneLine(n.Title), n.Rows, n.Body
	if v.Title == "" {
		return view{}, invalid("Item.Notification.Title", "is empty")
	}
	v.Subject = shorten(v.Title, 250)
	v.Preheader = preheader(n)
	happened := happened(d.Item).In(c.zones.find(d.Contact.TimeZone, c.o.Location))
	if v.When, err = l.say("letter.when", l.dates.in(happened, values{})); err != nil {
		return view{}, err
	}
	if v.Button, err = buttonTo(l, n.URL, d.Links.Inbox); err != nil {
		return view{}, err
	}
	for i, a := range n.Actions {
		url, err := checkLink(fmt.Sprintf("Item.Notification.Actions[%d].URL", i), a.URL)
		if err != nil {
			return view{}, err
		}
		if url != "" {
			v.Actions = append(v.Actions, link{shorten(oneLine(a.Title), 80), url})
		}
	}
	return v, nil
}

// happened is the time that a letter shows for an item.
func happened(item notify.Item) time.Time {
	if at := item.Notification.OccurredAt; !at.IsZero() {
		return at
	}
	return item.Filed
}

// preheader goes on where the subject ends: with the body, or else the rows.
func preheader(n notify.Notification) string {
	text := n.Body
	if strings.TrimSpace(text) == "" {
		var rows []string
		for _, r := range n.Rows {
			rows = append(rows, strings.TrimPrefix(r.Label+": "+r.Text, ": "))
		}
		text = strings.Join(rows, " · ")
	}
	return shorten(oneLine(text), 90)
}

// buttonTo leads to what the notification is about, or else to the inbox.
func buttonTo(l *locale, url, inbox string) (*link, error) {
	target, err := checkLink("Item.Notification.URL", url)
	if err != nil {
		return nil, err
	}
	fallback, err := checkLink("Links.Inbox", inbox)
	if err != nil {
		return nil, err
	}
	id := "letter.view"
	switch {
	case strings.HasPrefix(target, "mailto:"):
		id = "letter.write"
	case target != "":
	case fallback != "":
		id, target = "letter.inbox", fallback
	default:
		return nil, nil
	}
	title, err := l.say(id, values{})
	return &link{title, target}, err
}

func checkTexts(n notify.Notification) error {
	const field = "Item.Notification."
	if badText(n.Title) {
		return badTextIn(field + "Title")
	}
	if badText(n.Body) {
		return badTextIn(field + "Body")
	}
	for i, r := range n.Rows {
		if badText(r.Label) {
			return badTextIn(fmt.Sprintf(field+"Rows[%d].Label", i))
		}
		if badText(r.Text) {
			return badTextIn(fmt.Sprintf(field+"Rows[%d].Text", i))
		}
	}
	for i, a := range n.Actions {
		if badText(a.Title) {
			return badTextIn(fmt.Sprintf(field+"Actions[%d].Title", i))
		}
	}
	return nil
}

func badTextIn(field string) error { return invalid(field, "has a NUL or is not UTF-8") }

// letterWithin returns the letter with no more than the bounds allow.
func letterWithin(v view, b bounds) view {
	v.Title = shorten(v.Title, b.title)
	v.Body = paragraphs(shorten(v.body, b.body))
	v.Rows = slices.Clone(v.Rows[:min(len(v.Rows), b.rows)])
	for i, r := range v.Rows {
		v.Rows[i] = notify.Row{Label: shorten(oneLine(r.Label), b.label), Text: shorten(oneLine(r.Text), b.text)}
	}
	if !b.actions {
		v.Actions = nil
	}
	return v
}
