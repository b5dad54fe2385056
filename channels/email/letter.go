package email

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// frame is what every letter has around its content, and what a template may
// use of it.
type frame struct {
	Lang, Dir   string // as the attributes of HTML
	Align       string // "left" or "right": where lines begin
	Subject     string
	Preheader   string // what a list of mails shows beside the subject
	Brand       look
	Sent        string // by whom
	Settings    string
	Unsubscribe string

	locale *locale
}

// T returns a text of the recipient's language by its name in Options.Locales.
func (f frame) T(id string) (string, error) { return f.locale.say(id, values{}) }

func (c *Channel) frame(d notify.Delivery, l *locale, unsubscribe string) (frame, error) {
	settings, err := checkLink("Links.Settings", d.Links.Settings)
	if err != nil {
		return frame{}, err
	}
	sent, err := l.say("footer.sent", values{Name: l.isolate(c.o.look.Name)})
	if err != nil {
		return frame{}, err
	}
	return frame{
		Lang: l.tag, Dir: l.direction, Align: l.align(), Brand: c.o.look, Sent: sent,
		Settings: settings, Unsubscribe: unsubscribe, locale: l,
	}, nil
}

// letter is what the templates of one notification show.
type letter struct {
	frame
	Title   string
	When    string     // it happened, in the recipient's zone
	Body    [][]string // paragraphs of lines
	Rows    []notify.Row
	Button  *link
	Actions []link

	body string
}

func (c *Channel) letter(d notify.Delivery, l *locale, unsubscribe string) (letter, error) {
	f, err := c.frame(d, l, unsubscribe)
	if err != nil {
		return letter{}, err
	}
	n := d.Item.Notification
	if err := checkTexts(n); err != nil {
		return letter{}, err
	}
	v := letter{frame: f, Title: oneLine(n.Title), Rows: n.Rows, body: n.Body}
	if v.Title == "" {
		return letter{}, invalid("Item.Notification.Title", "is empty")
	}
	v.Subject = shorten(v.Title, 250)
	v.Preheader = preheader(n)
	happened := happened(d.Item).In(c.zones.find(d.Contact.TimeZone, c.o.Location))
	if v.When, err = l.say("letter.when", l.dates.in(happened, values{})); err != nil {
		return letter{}, err
	}
	if v.Button, err = button(l, n.URL, d.Links.Inbox); err != nil {
		return letter{}, err
	}
	for i, a := range n.Actions {
		url, err := checkLink(fmt.Sprintf("Item.Notification.Actions[%d].URL", i), a.URL)
		if err != nil {
			return letter{}, err
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

// button leads to what the notification is about, or else to the inbox.
func button(l *locale, url, inbox string) (*link, error) {
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
	texts := map[string]string{"Title": n.Title, "Body": n.Body}
	for i, r := range n.Rows {
		texts[fmt.Sprintf("Rows[%d].Label", i)] = r.Label
		texts[fmt.Sprintf("Rows[%d].Text", i)] = r.Text
	}
	for i, a := range n.Actions {
		texts[fmt.Sprintf("Actions[%d].Title", i)] = a.Title
	}
	for field, s := range texts {
		if badText(s) {
			return invalid("Item.Notification."+field, "has a NUL or is not UTF-8")
		}
	}
	return nil
}

// within returns the letter with no more than the bounds allow.
func (v letter) within(b bounds) letter {
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
