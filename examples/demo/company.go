package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/store/sqlite"
	_ "modernc.org/sqlite"
)

// The people, and where Raj lives.
var (
	ann     = notify.User("ann")
	raj     = notify.User("raj")
	both    = []notify.Recipient{ann, raj}
	kolkata = time.FixedZone("IST", 5*3600+1800)
)

// The sources of notifications. Chats send no letters unless somebody asks for
// them; billing always does.
var providers = notify.Providers{
	{ID: "billing", Title: "Billing", Description: "invoices and payments", Forced: []string{notify.Email}},
	{ID: "chats", Title: "Chats", Description: "messages of colleagues", Defaults: map[string]notify.Mode{notify.Email: notify.Off}},
	{ID: "crm", Title: "CRM", Description: "leads and deals"},
}

// Two of the morning's events, of which the demo asks why they go where.
var (
	lunch   = notify.Notification{Provider: "chats", To: both, Title: "Mia: lunch at one?", URL: "/chats/mia", Actor: notify.User("mia")}
	invoice = notify.Notification{
		Provider: "billing", To: both, Title: "Invoice 2026-05 is due on Friday", URL: "/invoices/2026-05",
		Rows: []notify.Row{{Label: "Amount", Text: "120.00 EUR"}, {Label: "Due", Text: "8 May 2026"}},
	}
)

var morning = []notify.Notification{
	lead("Northwind", "12,000 EUR"),
	lead("Größe & Söhne", "8,500 EUR"),
	lead("Contoso", "41,000 EUR"),
	{Provider: "crm", To: both, Title: "Deal won: Fabrikam", Body: "Signed this morning by both sides.", URL: "/deals/fabrikam"},
	invoice,
	{Provider: "chats", To: both, Title: "Tom: the numbers for April are in", URL: "/chats/tom"},
	lunch,
	{Provider: "chats", To: both, Title: "Tom: can somebody look at Contoso?", URL: "/chats/tom"},
}

func lead(name, worth string) notify.Notification {
	return notify.Notification{
		Provider: "crm", To: both, Title: "New lead: " + name, URL: "/leads", Entity: "lead/" + name,
		Rows: []notify.Row{{Label: "Worth", Text: worth}},
	}
}

// company is a host with its notification center.
type company struct {
	center *notify.Notifier
	db     *sql.DB
}

// surroundings are what differs between the terminal and the web.
type surroundings struct {
	base  string // URL of the host
	now   func() time.Time
	relay string // mail server
	push  notify.Channel
	// unsubscribe makes the links of letters; nil makes none.
	unsubscribe func(notify.Recipient, string) string
}

func openCompany(ctx context.Context, file string, around surroundings) (*company, error) {
	name := url.URL{Scheme: "file", Path: file} // which may hold a question mark
	db, err := sql.Open("sqlite", name.String()+"?_txlock=immediate"+
		"&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	if err := sqlite.Migrate(ctx, db, nil); err != nil {
		return nil, err
	}
	store, err := sqlite.New(db, &sqlite.Options{Now: around.now})
	if err != nil {
		return nil, err
	}
	letters, err := email.New(email.Options{Relay: around.relay, From: "Example Ltd <notify@example.com>", Unsubscribe: around.unsubscribe})
	if err != nil {
		return nil, err
	}
	channels := []notify.Channel{letters}
	if around.push != nil {
		channels = append(channels, around.push)
	}
	center, err := notify.New(store, &notify.Options{
		Channels:  channels,
		Providers: providers,
		Directory: notify.People{
			ann: {Name: "Ann Müller", TimeZone: "Europe/Berlin", Addresses: []notify.Address{{Channel: notify.Email, Value: "ann@example.com"}}},
			raj: {Name: "Raj Patel", TimeZone: "Asia/Kolkata", Addresses: []notify.Address{{Channel: notify.Email, Value: "raj@example.com"}}},
		},
		BaseURL: around.base,
		Links: notify.Links{
			Inbox:    func(r notify.Recipient) string { return around.base + "/inbox" },
			Settings: func(r notify.Recipient) string { return around.base + "/settings" },
		},
	})
	if err != nil {
		return nil, err
	}
	return &company{center: center, db: db}, nil
}

// Close closes the database.
func (c *company) Close() error { return c.db.Close() }

// choose saves what the two wish for.
func (c *company) choose(ctx context.Context) error {
	if _, err := c.center.SavePreferences(ctx, raj, notify.Preferences{
		Order:    []string{"crm", "chats"},
		Channels: map[string]notify.Mode{notify.Email: notify.Daily},
		DigestAt: "18:00",
	}); err != nil {
		return err
	}
	_, err := c.center.SavePreferences(ctx, ann, notify.Preferences{
		Choices: map[string]map[string]notify.Mode{"crm": {notify.Email: notify.Immediate}},
	})
	return err
}

// readNewest marks the newest item as read and returns its title.
func (c *company) readNewest(ctx context.Context, who notify.Recipient) (string, error) {
	inbox := c.center.Inbox(who)
	page, err := inbox.Page(ctx, notify.Query{Limit: 1})
	if err != nil {
		return "", err
	}
	if len(page.Items) == 0 {
		return "", fmt.Errorf("the inbox of %s is empty", who.ID)
	}
	newest := page.Items[0]
	_, err = inbox.Mark(ctx, notify.Mark{Op: notify.OpRead, IDs: []notify.ID{newest.ID}})
	return newest.Notification.Title, err
}
