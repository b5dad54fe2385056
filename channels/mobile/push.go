package mobile

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// push is a notification as a phone shows it, before it takes the form of a
// platform.
type push struct {
	id       string // the same for every attempt: a UUID
	tag      string // what replaces each other on the screen
	thread   string // what is shown as one group
	title    string
	body     string
	content  content
	badge    int
	priority notify.Priority
	quiet    bool
	collapse bool // replaces what still waits for the device
	now      time.Time
	expires  time.Time

	registered time.Time // of the token; zero if that is not known
}

// content is what the app gets beside the texts. Firebase wants text for every
// value, so Apple gets it too.
type content struct {
	Version      string `json:"v"`
	ID           string `json:"id"`
	Notification string `json:"notification_id"`
	Provider     string `json:"provider"`
	Link         string `json:"link,omitempty"`
	Badge        string `json:"badge"`
	Icon         string `json:"icon,omitempty"`
}

// contentVersion grows when an app that reads the keys of today would
// misunderstand those of tomorrow.
const contentVersion = "1"

var errExpired = errors.New("notify/mobile: the notification has expired")

// push makes a delivery what a phone shows. It depends on nothing else.
func (c *Channel) push(d notify.Delivery, now time.Time) push {
	n := d.Item.Notification
	p := push{
		id:       uuid(d.Identity()),
		tag:      string(d.Item.ID),
		thread:   cmp.Or(n.Entity, n.Provider),
		title:    straight(n.Title),
		body:     straight(text(n)),
		badge:    max(0, d.Unread),
		priority: n.Priority,
		quiet:    n.Silent || n.Priority < notify.Normal,
		collapse: n.CollapseKey != "",
		now:      now,
		expires:  now.Add(c.o.Keep),
		content: content{
			Version:      contentVersion,
			ID:           string(d.Item.ID),
			Notification: string(d.Item.NotificationID),
			Provider:     n.Provider,
			Link:         cmp.Or(n.URL, d.Links.Inbox),
			Badge:        strconv.Itoa(max(0, d.Unread)),
			Icon:         n.Icon,
		},
		registered: d.Registered,
	}
	if p.tag == "" {
		p.tag = p.id
	}
	if !n.ExpiresAt.IsZero() && n.ExpiresAt.Before(p.expires) {
		p.expires = n.ExpiresAt
	}
	return p
}

// text is the body with the rows below it.
func text(n notify.Notification) string {
	if len(n.Rows) == 0 {
		return n.Body
	}
	lines := make([]string, 0, len(n.Rows)+1)
	if n.Body != "" {
		lines = append(lines, n.Body)
	}
	for _, row := range n.Rows {
		if row.Label == "" {
			lines = append(lines, row.Text)
			continue
		}
		lines = append(lines, row.Label+": "+row.Text)
	}
	return strings.Join(lines, "\n")
}

// straight drops characters that turn the direction of what follows: nothing on
// the screen of a phone confines them, and a text could pretend with them to be
// of another app. Marks that only say the direction of their neighbours stay.
func straight(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, s)
}

// uuid writes the 32 digits of a [notify.Delivery.Identity] as a UUID of
// version 8 (RFC 9562), which is for ids that are made from others.
func uuid(identity string) string {
	b := make([]byte, 0, 36)
	for i, part := range []string{identity[:8], identity[8:12], identity[12:16], identity[16:20], identity[20:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = append(b, part...)
	}
	b[14], b[19] = '8', '8'
	return string(b)
}
