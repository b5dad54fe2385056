package browser

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

// Message is what a browser gets: Declarative Web Push, whose members are those
// of the Notifications API. A member that is empty is left out.
type Message struct {
	WebPush      int          `json:"web_push"` // always 8030, which tells the form
	Notification Notification `json:"notification"`
	AppBadge     int          `json:"app_badge"` // the recipient's unread items
}

// Notification is the part that is shown.
type Notification struct {
	Title     string   `json:"title"`
	Body      string   `json:"body,omitempty"`
	Navigate  string   `json:"navigate,omitempty"` // absolute, http or https
	Lang      string   `json:"lang,omitempty"`     // BCP 47
	Dir       string   `json:"dir,omitempty"`      // "rtl"; else the browser finds out
	Tag       string   `json:"tag"`                // one with the same tag is replaced
	Icon      string   `json:"icon,omitempty"`
	Silent    bool     `json:"silent"`              // without sound or vibration
	Timestamp int64    `json:"timestamp,omitempty"` // milliseconds since 1970
	Actions   []Action `json:"actions,omitempty"`   // at most two
	AppBadge  string   `json:"app_badge"`           // as early readers expect it
	Data      Data     `json:"data"`
}

// Action is a button.
type Action struct {
	Action   string `json:"action"` // the action's Key
	Title    string `json:"title"`
	Navigate string `json:"navigate"`
}

// Data is for the code of the page.
type Data struct {
	ID        notify.ID `json:"id"`                  // of the item
	Delivery  string    `json:"delivery"`            // the same for every attempt
	Tenant    string    `json:"tenant,omitempty"`    // with Recipient: who it is for, so that a page
	Recipient string    `json:"recipient,omitempty"` // where somebody else has logged in can drop it
	Provider  string    `json:"provider,omitempty"`
}

const (
	declarative = 8030 // named after RFC 8030
	maxActions  = 2    // that browsers show
)

// message writes a delivery with everything that it could show.
func message(d notify.Delivery) *Message {
	n := d.Item.Notification
	identity := d.Identity()
	m := &Message{
		WebPush:  declarative,
		AppBadge: max(d.Unread, 0),
		Notification: Notification{
			Title:    oneLine(n.Title),
			Body:     clean(body(n)),
			Navigate: link(n.URL),
			Lang:     language(d.Contact.Locale),
			Tag:      topic(n, identity),
			Icon:     link(n.Icon),
			Silent:   n.Priority < notify.Normal,
			AppBadge: strconv.Itoa(max(d.Unread, 0)),
			Data: Data{
				ID: d.Item.ID, Delivery: identity, Provider: valid(n.Provider),
				Tenant: valid(d.Recipient.Tenant), Recipient: valid(d.Recipient.ID),
			},
		},
	}
	if m.Notification.Navigate == "" {
		m.Notification.Navigate = link(d.Links.Inbox)
	}
	if rightToLeft(m.Notification.Lang) {
		m.Notification.Dir = "rtl"
	}
	if at := happened(d.Item); !at.IsZero() {
		m.Notification.Timestamp = at.UnixMilli()
	}
	for _, a := range n.Actions {
		to := link(a.URL)
		if len(m.Notification.Actions) < maxActions && to != "" && strings.TrimSpace(a.Title) != "" {
			m.Notification.Actions = append(m.Notification.Actions, Action{valid(a.Key), oneLine(a.Title), to})
		}
	}
	return m
}

// body is the text and the rows under it.
func body(n notify.Notification) string {
	if len(n.Rows) == 0 {
		return n.Body
	}
	var lines strings.Builder
	lines.WriteString(n.Body)
	for _, row := range n.Rows {
		if row.Label == "" && row.Text == "" {
			continue
		}
		if lines.Len() > 0 {
			lines.WriteByte('\n')
		}
		if row.Label != "" {
			lines.WriteString(row.Label)
			lines.WriteString(": ")
		}
		lines.WriteString(row.Text)
	}
	return lines.String()
}

func happened(item notify.Item) time.Time {
	if at := item.Notification.OccurredAt; !at.IsZero() {
		return at
	}
	return item.Filed
}

// topic is what a newer message replaces an older one by, with the push service
// and on the screen: at most 32 characters of base64url (RFC 8030, 5.4).
func topic(n notify.Notification, identity string) string {
	if n.CollapseKey == "" {
		return identity
	}
	sum := sha256.Sum256([]byte(n.Provider + "\x00" + n.CollapseKey))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:32]
}

// link returns a URL that a browser may be sent to, or nothing: one of the web,
// with a host, without a user name, and without what parsers read differently.
func link(raw string) string {
	scheme, rest, _ := strings.Cut(raw, "://")
	if !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return ""
	}
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' || r == utf8.RuneError }) {
		return ""
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	if host == "" || strings.Contains(host, "@") {
		return ""
	}
	return raw
}

// encode writes JSON with room for what encryption adds to most messages.
func encode(m *Message) ([]byte, error) {
	buffer := bytes.NewBuffer(make([]byte, 0, records[len(records)-1]))
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false) // nobody reads it as HTML, and it would be longer
	if err := encoder.Encode(m); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
