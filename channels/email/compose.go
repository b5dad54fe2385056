package email

import (
	"errors"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// Preview returns the letter of one notification as it would be sent, without
// sending it. It depends on the delivery and the options alone: the same
// delivery gives the same bytes. The error is a [notify.InvalidError].
func (c *Channel) Preview(d notify.Delivery) ([]byte, error) {
	e, err := c.envelope(d)
	if err != nil {
		return nil, err
	}
	n := d.Item.Notification
	if d.Item.Filed.IsZero() {
		return nil, invalid("Item.Filed", "is zero")
	}
	l, err := c.letter(n, d.Links)
	if err != nil {
		return nil, err
	}
	e.date = d.Item.Filed
	e.subject = l.Subject
	e.list = listLabel(n.Provider)
	return c.fit(e, letterTemplates, letterSize, letterLimits, func(b bounds) any { return l.within(b) })
}

// PreviewDigest returns the daily letter as it would be sent, without sending
// it. Items keep their order. The error is a [notify.InvalidError].
func (c *Channel) PreviewDigest(d notify.Delivery, digest notify.Digest) ([]byte, error) {
	e, err := c.envelope(d)
	if err != nil {
		return nil, err
	}
	s, err := c.summary(digest, d.Links)
	if err != nil {
		return nil, err
	}
	e.date = digest.To
	e.subject = s.Subject
	e.list = "digest"
	return c.fit(e, digestTemplates, digestSize(len(digest.Items)), digestLimits, func(b bounds) any { return s.within(b) })
}

// envelope is what the header is written from.
type envelope struct {
	identity    string
	to          mail.Address
	date        time.Time
	subject     string
	list        string
	unsubscribe string
}

func (c *Channel) envelope(d notify.Delivery) (envelope, error) {
	a, err := c.CheckAddress(d.Address)
	if err != nil {
		return envelope{}, err
	}
	if badText(d.Contact.Name) {
		return envelope{}, invalid("Contact.Name", "has a NUL or is not UTF-8")
	}
	unsubscribe, err := checkLink("Links.Unsubscribe", d.Links.Unsubscribe)
	if err != nil {
		return envelope{}, err
	}
	return envelope{
		identity:    d.Identity(),
		to:          mail.Address{Name: shorten(oneLine(d.Contact.Name), maxName), Address: a.Value},
		unsubscribe: unsubscribe,
	}, nil
}

// header writes the fields, always in this order.
func (c *Channel) header(e envelope) []byte {
	var h header
	h.add("Date", e.date.UTC().Format(time.RFC1123Z))
	h.add("From", mailboxWords(c.o.from)...)
	if c.o.replyTo.Address != "" {
		h.add("Reply-To", mailboxWords(c.o.replyTo)...)
	}
	h.add("To", mailboxWords(e.to)...)
	h.add("Subject", textWords(e.subject)...)
	h.add("Message-ID", "<notify."+e.identity+"@"+c.o.Domain+">")
	h.add("Auto-Submitted", "auto-generated")
	h.add("X-Auto-Response-Suppress", "All")
	h.add("List-Id", "<"+e.list+".notify."+c.o.Domain+">")
	// One click is for https alone (RFC 8058), and a link cannot be folded: one
	// that is too long for a line stays in the footer.
	if strings.HasPrefix(e.unsubscribe, "https://") && len(e.unsubscribe) < hardLine-len("List-Unsubscribe: <>") {
		h.add("List-Unsubscribe", "<"+e.unsubscribe+">")
		h.add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	h.add("Content-Language", "en")
	return h.Bytes()
}

// listLabel makes a provider id a label of List-Id, by which people filter.
func listLabel(provider string) string {
	label := strings.Map(func(r rune) rune {
		if r < 0x80 && checkDomain(string(r)) == nil {
			return r
		}
		return '-'
	}, strings.ToLower(provider))
	label = strings.Trim(label[:min(len(label), maxLabel)], "-")
	if label == "" {
		return "provider"
	}
	return label
}

// The most that a message may have in bytes. Above 102 KB large mail services
// cut it off, and the way to unsubscribe with it.
const letterSize = 30 << 10

func digestSize(items int) int { return min(60<<10+max(items-5, 0)*8<<10, 100<<10) }

// bounds are how much of a notification is shown.
type bounds struct {
	title, body, label, text int // characters; of rows label and text
	rows                     int
	actions                  bool
}

var letterLimits = []bounds{
	{title: 500, body: 16384, rows: 20, label: 200, text: 1000, actions: true},
	{title: 500, body: 6000, rows: 20, label: 100, text: 300, actions: true},
	{title: 500, body: 2000, rows: 20, label: 60, text: 120, actions: true},
	{title: 300, body: 800, rows: 10, label: 40, text: 80, actions: true},
	{title: 200, body: 400, rows: 5, label: 40, text: 60, actions: true},
	{title: 200, body: 400, rows: 5, label: 40, text: 60},
	{title: 120},
}

var digestLimits = []bounds{
	{title: 300, body: 300},
	{title: 200, body: 160},
	{title: 120, body: 60},
	{title: 80},
}

// fit composes within the first bounds that keep the message below size, or
// else within the narrowest.
func (c *Channel) fit(e envelope, t templates, size int, steps []bounds, view func(bounds) any) ([]byte, error) {
	head := c.header(e)
	var message []byte
	for _, b := range steps {
		text, html, err := t.render(view(b))
		if err != nil {
			return nil, err
		}
		body, err := mimeBody(text, html, "=_notify_"+e.identity)
		if err != nil {
			return nil, err
		}
		message = append(head[:len(head):len(head)], body...)
		if len(message) <= size {
			break
		}
	}
	return message, nil
}

// refused makes the error of a letter that cannot be composed one that the
// engine understands.
func refused(err error) error {
	if errors.Is(err, notify.ErrInvalid) {
		return &notify.DeliveryError{Class: notify.Permanent, Err: err}
	}
	return err
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
