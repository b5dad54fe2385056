package main

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/textproto"
	"strings"
	texttemplate "text/template"
	"time"

	htmltemplate "html/template"

	mailer "github.com/jordan-wright/email"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
)

// mailing measures the e-mail channel against jordan-wright/email, which is
// also what puts its parts together: letters that are built, and letters that a
// mail server has accepted. Both candidates execute the same templates with the
// same values and write the same fields. The mail server is a process of its
// own and announces PIPELINING, as mail servers do.
var mailing = []comparison{
	{name: "e-mail by CPU time, letters built, against Email.Bytes", goal: 1 / 1.1,
		open: mailed(0, func(m *mailers) (turn, turn) { return byProcessorTime(m.bytes), byProcessorTime(m.preview) })},
	{name: "e-mail, letters delivered over 8 connections, against Pool", goal: 1.5,
		open: mailed(0, func(m *mailers) (turn, turn) { return eightAtATime(m.pooled), eightAtATime(m.deliver) })},
	{name: "e-mail, letters delivered over 8 connections to a server 1 ms away, against Pool", goal: 1.5,
		open: mailed(time.Millisecond, func(m *mailers) (turn, turn) { return eightAtATime(m.pooled), eightAtATime(m.deliver) })},
}

//go:embed letters
var letterFiles embed.FS

// mailers are the two candidates, in front of one mail server.
type mailers struct {
	channel *email.Channel
	pool    *mailer.Pool
	text    *texttemplate.Template
	html    *htmltemplate.Template
}

func mailed(latency time.Duration, how func(*mailers) (turn, turn)) func(context.Context, string) (turn, turn, func(), error) {
	return func(ctx context.Context, _ string) (turn, turn, func(), error) {
		server, err := startMailServer(ctx, latency)
		if err != nil {
			return nil, nil, nil, err
		}
		m, err := openMailers(server.address)
		if err != nil {
			return nil, nil, nil, errors.Join(err, server.stop())
		}
		reference, ours := how(m)
		return reference, ours, func() {
			m.pool.Close()
			_ = m.channel.Close()
			_ = server.stop()
		}, nil
	}
}

func openMailers(relay string) (*mailers, error) {
	files, err := fs.Sub(letterFiles, "letters")
	if err != nil {
		return nil, err
	}
	m := &mailers{}
	m.channel, err = email.New(email.Options{Relay: relay, From: "Acme <no-reply@acme.example>", Templates: files, Location: time.UTC})
	if err != nil {
		return nil, err
	}
	if m.pool, err = mailer.NewPool(relay, 8, nil); err != nil {
		return nil, err
	}
	if m.text, err = texttemplate.ParseFS(files, "letter.txt"); err != nil {
		return nil, err
	}
	m.html, err = htmltemplate.ParseFS(files, "letter.html")
	return m, err
}

func (m *mailers) preview(_ context.Context, number int64) error {
	_, err := m.channel.Preview(everydayLetter(number))
	return err
}

func (m *mailers) deliver(ctx context.Context, number int64) error {
	return m.channel.Deliver(ctx, everydayLetter(number))
}

func (m *mailers) bytes(_ context.Context, number int64) error {
	e, err := m.byHand(everydayLetter(number))
	if err != nil {
		return err
	}
	_, err = e.Bytes()
	return err
}

func (m *mailers) pooled(_ context.Context, number int64) error {
	e, err := m.byHand(everydayLetter(number))
	if err != nil {
		return err
	}
	return m.pool.Send(e, time.Minute)
}

// handLetter is what the templates show, as the hand-written candidate fills it.
type handLetter struct {
	Lang, Dir, Subject, Preheader, Title, When, Sent, Settings, Unsubscribe string
	Body                                                                    [][]string
	Rows                                                                    []notify.Row
	Button                                                                  struct{ Title, URL string }
}

// byHand writes the letter as one would without the library, and without its
// care: nothing is checked, shortened or made safe for a header.
func (m *mailers) byHand(d notify.Delivery) (*mailer.Email, error) {
	n := d.Item.Notification
	v := handLetter{
		Lang: "en", Dir: "ltr", Subject: n.Title, Preheader: n.Body[:90], Title: n.Title, Sent: "Sent by Acme.", Rows: n.Rows,
		When:     d.Item.Filed.Format("Monday, 2 January 2006, 15:04 (MST)"),
		Settings: d.Links.Settings, Unsubscribe: d.Links.Unsubscribe,
	}
	for paragraph := range strings.SplitSeq(n.Body, "\n\n") {
		v.Body = append(v.Body, strings.Split(paragraph, "\n"))
	}
	v.Button.Title, v.Button.URL = "View details", n.URL
	var text, html strings.Builder
	if err := m.text.Execute(&text, v); err != nil {
		return nil, err
	}
	if err := m.html.Execute(&html, v); err != nil {
		return nil, err
	}
	return &mailer.Email{
		From: "Acme <no-reply@acme.example>", To: []string{d.Contact.Name + " <" + d.Address.Value + ">"}, Subject: n.Title,
		Text: []byte(text.String()), HTML: []byte(html.String()),
		Headers: textproto.MIMEHeader{
			"Date":                     {d.Item.Filed.Format(time.RFC1123Z)},
			"Message-Id":               {"<notify." + d.Identity() + "@acme.example>"},
			"Auto-Submitted":           {"auto-generated"},
			"X-Auto-Response-Suppress": {"All"},
			"List-Id":                  {"<billing.notify.acme.example>"},
			"List-Unsubscribe":         {"<" + d.Links.Unsubscribe + ">"},
			"List-Unsubscribe-Post":    {"List-Unsubscribe=One-Click"},
			"Content-Language":         {"en"},
		},
	}, nil
}

func everydayLetter(number int64) notify.Delivery {
	d := webPush(notify.Address{Channel: notify.Email, Value: "ann@customer.example"}, number)
	d.Contact.Name = "Ann"
	d.Item.Filed = d.Item.Filed.UTC()
	d.Item.Notification.Actions = nil
	d.Links = notify.DeliveryLinks{
		Inbox: "https://app.acme.example/inbox", Settings: "https://app.acme.example/settings", Unsubscribe: "https://app.acme.example/u/8c1f0b7e5d",
	}
	return d
}
