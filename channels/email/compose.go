package email

import (
	"errors"
	"slices"

	"github.com/bellwether-go/notify"
)

// Preview returns the letter of one notification as it would be sent, without
// sending it. It depends on the delivery and the options alone: the same
// delivery gives the same bytes. The error is a [notify.InvalidError].
func (c *Channel) Preview(d notify.Delivery) ([]byte, error) {
	unsubscribe, err := c.unsubscribe(d, d.Item.Notification.Provider)
	if err != nil {
		return nil, err
	}
	return c.preview(d, unsubscribe)
}

func (c *Channel) preview(d notify.Delivery, unsubscribe string) ([]byte, error) {
	l := c.locales.find(d.Contact.Locale, c.locale)
	e, err := c.envelope(d, l, unsubscribe)
	if err != nil {
		return nil, err
	}
	if d.Item.Filed.IsZero() {
		return nil, invalid("Item.Filed", "is zero")
	}
	v, err := c.letter(d, l, unsubscribe)
	if err != nil {
		return nil, err
	}
	e.date = d.Item.Filed
	e.subject = v.Subject
	e.list = listLabel(d.Item.Notification.Provider)
	e.thread = threadOf(d.Recipient, d.Item.Notification)
	return c.fit(e, "letter", letterSize, letterLimits, func(b bounds) view { return letterWithin(v, b) })
}

// PreviewDigest returns the daily letter as it would be sent, without sending
// it. Items keep their order. The error is a [notify.InvalidError].
func (c *Channel) PreviewDigest(d notify.Delivery, digest notify.Digest) ([]byte, error) {
	unsubscribe, err := c.unsubscribe(d, "")
	if err != nil {
		return nil, err
	}
	return c.previewDigest(d, digest, unsubscribe)
}

func (c *Channel) previewDigest(d notify.Delivery, digest notify.Digest, unsubscribe string) ([]byte, error) {
	l := c.locales.find(d.Contact.Locale, c.locale)
	e, err := c.envelope(d, l, unsubscribe)
	if err != nil {
		return nil, err
	}
	v, err := c.digest(d, digest, l, unsubscribe)
	if err != nil {
		return nil, err
	}
	e.date = digest.To
	e.subject = v.Subject
	e.list = "digest"
	return c.fit(e, "digest", digestSize(len(digest.Items)), digestLimits, func(b bounds) view { return digestWithin(v, b) })
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
	{title: 400, body: 1200, rows: 16, label: 50, text: 100, actions: true},
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
func (c *Channel) fit(e envelope, name string, size int, steps []bounds, show func(bounds) view) ([]byte, error) {
	head := c.header(e)
	parts := spareForms.Get().(*forms)
	defer spareForms.Put(parts)
	var message []byte
	for _, b := range steps {
		v := show(b)
		err := c.templates.render(name, &v, parts)
		if err != nil {
			return nil, err
		}
		message, err = appendBody(slices.Clip(head), parts.text.trimmed(), parts.html.trimmed(), "=_notify_"+e.identity)
		if err != nil {
			return nil, err
		}
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
