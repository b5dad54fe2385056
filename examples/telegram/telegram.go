package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/bellwether-go/notify"
)

// Telegram writes to chats through a bot. An address is the id of a chat, or
// the @name of a public one.
//
// The Bot API has no place for an identity: when an answer is lost, the message
// may come twice.
type Telegram struct {
	client *http.Client
	server string // "https://api.telegram.org"
	token  string

	// migrated is told of a group that has become a supergroup and has a new id,
	// so that the host can correct its directory. Nil is nobody.
	migrated func(ctx context.Context, r notify.Recipient, id string)
}

var (
	_ notify.DigestChannel  = (*Telegram)(nil)
	_ notify.AddressChecker = (*Telegram)(nil)
	_ notify.Router         = (*Telegram)(nil)
)

// Name implements notify.Channel.
func (t *Telegram) Name() string { return "telegram" }

// Destination implements notify.Router: all chats are at the one server.
func (t *Telegram) Destination(notify.Address) string { return "bot api" }

// chat is what the Bot API takes for a chat_id.
var chat = regexp.MustCompile(`^(-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,31})$`)

// CheckAddress implements notify.AddressChecker.
func (t *Telegram) CheckAddress(a notify.Address) (notify.Address, error) {
	a.Value = strings.TrimSpace(a.Value)
	if !chat.MatchString(a.Value) {
		return a, &notify.InvalidError{Field: "Address.Value", Reason: "not the id of a chat"}
	}
	a.Meta = nil
	return a, nil
}

// Deliver implements notify.Channel.
func (t *Telegram) Deliver(ctx context.Context, d notify.Delivery) error {
	return t.send(ctx, d, letter(d.Item.Notification))
}

//snippet:start digest

// DeliverDigest implements notify.DigestChannel: the unread of a day in one
// message, the newest first, with a link to what it does not show.
func (t *Telegram) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	m := message{buttons: links(button{"Open the inbox", d.Links.Inbox})}
	m.bold(fmt.Sprintf("%d unread", digest.Total))
	for _, item := range digest.Items {
		m.line("• ", item.Notification.Title)
	}
	if more := digest.More(); more > 0 {
		m.line(fmt.Sprintf("and %d more: ", more), d.Links.Inbox)
	}
	return t.send(ctx, d, m)
}

//snippet:end digest

// letter lays out one notification.
func letter(n notify.Notification) message {
	var m message
	m.bold(n.Title)
	if n.Body != "" {
		m.line(n.Body)
	}
	for _, row := range n.Rows {
		m.line(row.Label, ": ", row.Text)
	}
	m.buttons = links(button{"Open", n.URL})
	for _, action := range n.Actions {
		m.buttons = append(m.buttons, links(button{action.Title, action.URL})...)
	}
	return m
}

// String implements fmt.Stringer without the token.
func (t *Telegram) String() string { return "telegram bot" }

// GoString implements fmt.GoStringer without the token.
func (t *Telegram) GoString() string { return t.String() }

// LogValue implements slog.LogValuer without the token.
func (t *Telegram) LogValue() slog.Value { return slog.StringValue(t.String()) }
