package email

import (
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// berlin has the zone's rules for one winter and no need of a zone database.
var berlin = time.FixedZone("Europe/Berlin", 3600)

func newChannel(t testing.TB, change func(*Options)) *Channel {
	t.Helper()
	o := Options{
		Relay:   "smtp.acme.example:587",
		From:    `"Acme, Inc." <no-reply@acme.example>`,
		ReplyTo: "Acme support <help@acme.example>",
		Brand:   Brand{Name: "Acme"},
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func delivery() notify.Delivery {
	return notify.Delivery{
		ID:      "01935b2a-6c00-7000-8000-0123456789ab",
		Attempt: 1,
		Contact: notify.Contact{Name: "Jörg Müller, Büro Köln"},
		Address: notify.Address{Channel: notify.Email, Value: "joerg.mueller@customer.example"},
		Item: notify.Item{
			Filed: time.Date(2026, 11, 3, 16, 42, 7, 0, time.UTC),
			Notification: notify.Notification{
				Provider: "billing",
				Title:    "Invoice 2026-1177 is due on Friday – 1.240,00 €",
				Body:     "The invoice of Nordwind GmbH has not been paid yet.\n\nIf you have paid it in the last two days,\nthere is nothing to do. <b>Thank you</b> & see you.",
				Rows: []notify.Row{
					{Label: "Customer", Text: "Nordwind GmbH"},
					{Label: "Amount", Text: "1.240,00 €"},
					{Label: "Due", Text: "Friday, 6 November 2026"},
				},
				URL: "https://app.acme.example/invoices/2026-1177?from=mail&tab=open",
				Actions: []notify.Action{
					{Key: "paid", Title: "Mark as paid", URL: "https://app.acme.example/invoices/2026-1177/paid"},
					{Key: "ask", Title: "Ask billing a question", URL: "mailto:billing@acme.example?subject=2026-1177"},
				},
			},
		},
		Links: notify.DeliveryLinks{
			Inbox:       "https://app.acme.example/inbox",
			Settings:    "https://app.acme.example/settings/notifications",
			Unsubscribe: "https://app.acme.example/u/8c1f0b7e5d",
		},
	}
}

// compose returns the letter of delivery as every channel here writes it.
func compose(t testing.TB) []byte {
	t.Helper()
	raw, err := newChannel(t, nil).Preview(delivery())
	require.NoError(t, err)
	return raw
}

func digest() (notify.Delivery, notify.Digest) {
	d := delivery()
	d.Item = notify.Item{}
	cut := time.Date(2026, 11, 3, 18, 0, 0, 0, berlin)
	item := func(hours int, title, body, url string) notify.Item {
		return notify.Item{
			Filed:        cut.Add(-time.Duration(hours) * time.Hour).UTC(),
			Notification: notify.Notification{Provider: "billing", Title: title, Body: body, URL: url},
		}
	}
	return d, notify.Digest{
		Total: 12, From: cut.AddDate(0, 0, -1), To: cut, Zone: berlin,
		Items: []notify.Item{
			item(1, "Invoice 2026-1177 is due on Friday", "The invoice of Nordwind GmbH has not been paid yet.", "https://app.acme.example/invoices/2026-1177"),
			item(2, "Mara Lind mentioned you in “Q4 planning”", "@joerg could you look at the second table?\nThe sums differ from mine.", "https://app.acme.example/docs/88#c4"),
			item(5, "ניר שלח לך הודעה", "שלום, האם נוכל לדבר מחר?", "https://app.acme.example/chats/7"),
			item(9, "Backup finished", "", ""),
			item(23, "Your export is ready", strings.Repeat("All orders since January are in it, with their positions. ", 9), "https://app.acme.example/exports/3"),
		},
	}
}

// message is a letter as a mail program reads it.
type message struct {
	*mail.Message
	text, html string
}

func read(t testing.TB, raw []byte) message {
	t.Helper()
	parsed, err := mail.ReadMessage(strings.NewReader(string(raw)))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)

	m := message{Message: parsed}
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	for _, want := range []struct {
		kind string
		into *string
	}{{"text/plain; charset=UTF-8", &m.text}, {"text/html; charset=UTF-8", &m.html}} {
		part, err := parts.NextPart()
		require.NoError(t, err)
		require.Equal(t, want.kind, part.Header.Get("Content-Type"))
		content, err := io.ReadAll(part)
		require.NoError(t, err)
		*want.into = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
	_, err = parts.NextPart()
	require.ErrorIs(t, err, io.EOF, "there are exactly two parts")
	return m
}

func (m message) subject(t testing.TB) string {
	t.Helper()
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	return s
}

func (m message) sender(t testing.TB) string {
	t.Helper()
	from, err := m.Header.AddressList("From")
	require.NoError(t, err)
	require.Len(t, from, 1)
	return from[0].Address
}
