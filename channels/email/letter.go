package email

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
)

// frame is what every letter has around its content.
type frame struct {
	Subject     string
	Preheader   string // what a list of mails shows beside the subject
	Product     string
	Settings    string
	Unsubscribe string
}

func (c *Channel) frame(links notify.DeliveryLinks) (frame, error) {
	settings, err := checkLink("Links.Settings", links.Settings)
	if err != nil {
		return frame{}, err
	}
	unsubscribe, err := checkLink("Links.Unsubscribe", links.Unsubscribe)
	if err != nil {
		return frame{}, err
	}
	return frame{Product: c.o.Product, Settings: settings, Unsubscribe: unsubscribe}, nil
}

// letter is what the templates of one notification show.
type letter struct {
	frame
	Title   string
	Body    [][]string // paragraphs of lines
	Rows    []notify.Row
	Button  *link
	Actions []link

	body string
}

func (c *Channel) letter(n notify.Notification, links notify.DeliveryLinks) (letter, error) {
	f, err := c.frame(links)
	if err != nil {
		return letter{}, err
	}
	if err := checkTexts(n); err != nil {
		return letter{}, err
	}
	l := letter{frame: f, Title: oneLine(n.Title), Rows: n.Rows, body: n.Body}
	if l.Title == "" {
		return letter{}, invalid("Item.Notification.Title", "is empty")
	}
	l.Subject = shorten(l.Title, 250)
	l.Preheader = shorten(oneLine(n.Body), 90)
	if l.Button, err = button(n.URL, links.Inbox); err != nil {
		return letter{}, err
	}
	for i, a := range n.Actions {
		url, err := checkLink(fmt.Sprintf("Item.Notification.Actions[%d].URL", i), a.URL)
		if err != nil {
			return letter{}, err
		}
		if url != "" {
			l.Actions = append(l.Actions, link{shorten(oneLine(a.Title), 80), url})
		}
	}
	return l, nil
}

// button leads to what the notification is about, or else to the inbox.
func button(url, inbox string) (*link, error) {
	target, err := checkLink("Item.Notification.URL", url)
	if err != nil {
		return nil, err
	}
	fallback, err := checkLink("Links.Inbox", inbox)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(target, "mailto:"):
		return &link{"Write an e-mail", target}, nil
	case target != "":
		return &link{"View details", target}, nil
	case fallback != "":
		return &link{"Open your inbox", fallback}, nil
	}
	return nil, nil
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
func (l letter) within(b bounds) letter {
	l.Title = shorten(l.Title, b.title)
	l.Body = paragraphs(shorten(l.body, b.body))
	l.Rows = slices.Clone(l.Rows[:min(len(l.Rows), b.rows)])
	for i, r := range l.Rows {
		l.Rows[i] = notify.Row{Label: shorten(oneLine(r.Label), b.label), Text: shorten(oneLine(r.Text), b.text)}
	}
	if !b.actions {
		l.Actions = nil
	}
	return l
}
