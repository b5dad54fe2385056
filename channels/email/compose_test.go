package email

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run the test with -update if the change is meant")
}

func TestGoldenLetter(t *testing.T) {
	raw, err := newChannel(t, nil).Preview(delivery())
	require.NoError(t, err)
	golden(t, "letter.eml", raw)
	m := read(t, raw)
	golden(t, "letter.txt", []byte(m.text))
	golden(t, "letter.html", []byte(m.html))
}

func TestGoldenDigest(t *testing.T) {
	raw, err := newChannel(t, nil).PreviewDigest(digest())
	require.NoError(t, err)
	golden(t, "digest.eml", raw)
	m := read(t, raw)
	golden(t, "digest.txt", []byte(m.text))
	golden(t, "digest.html", []byte(m.html))
}

func TestLetterIsIdenticalOverRetries(t *testing.T) {
	d := delivery()
	first, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	d.Attempt = 7
	again, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	assert.Equal(t, string(first), string(again))

	d.Address.Value = "other@customer.example"
	other, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	assert.NotEqual(t, read(t, first).Header.Get("Message-ID"), read(t, other).Header.Get("Message-ID"))
}

func TestDigestKeepsItsIdentityWhenItsContentChanges(t *testing.T) {
	c := newChannel(t, nil)
	d, g := digest()
	first, err := c.PreviewDigest(d, g)
	require.NoError(t, err)
	g.Items, g.Total = g.Items[1:], 4
	again, err := c.PreviewDigest(d, g)
	require.NoError(t, err)
	for _, field := range []string{"Message-ID", "Date", "Content-Type"} {
		assert.Equal(t, read(t, first).Header.Get(field), read(t, again).Header.Get(field), field)
	}
}

func TestLetterHeader(t *testing.T) {
	d := delivery()
	raw, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	m := read(t, raw)

	assert.Equal(t, d.Item.Notification.Title, m.subject(t))
	to, err := m.Header.AddressList("To")
	require.NoError(t, err)
	require.Len(t, to, 1)
	assert.Equal(t, d.Contact.Name, to[0].Name)
	assert.Equal(t, d.Address.Value, to[0].Address)
	from, err := m.Header.AddressList("From")
	require.NoError(t, err)
	assert.Equal(t, "Acme, Inc.", from[0].Name)
	date, err := m.Header.Date()
	require.NoError(t, err)
	assert.True(t, date.Equal(d.Item.Filed))

	for field, want := range map[string]string{
		"Message-Id":               "<notify." + d.Identity() + "@acme.example>",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"List-Id":                  "<billing.notify.acme.example>",
		"List-Unsubscribe":         "<https://app.acme.example/u/8c1f0b7e5d>",
		"List-Unsubscribe-Post":    "List-Unsubscribe=One-Click",
		"Content-Language":         "en",
		"Mime-Version":             "1.0",
	} {
		assert.Equal(t, []string{want}, m.Header[field], field)
	}
}

func TestUnsubscribeInOneClickNeedsHTTPS(t *testing.T) {
	for link, want := range map[string]struct{ header, post []string }{
		"":                             {},
		"https://app.acme.example/u/1": {[]string{"<https://app.acme.example/u/1>"}, []string{"List-Unsubscribe=One-Click"}},
		"http://app.acme.example/u/1":  {[]string{"<http://app.acme.example/u/1>"}, nil},
		"mailto:leave@acme.example":    {[]string{"<mailto:leave@acme.example>"}, nil},
		"https://app.acme.example/u/" + strings.Repeat("x", 1200): {}, // longer than a line can be
	} {
		d := delivery()
		d.Links.Unsubscribe = link
		raw, err := newChannel(t, nil).Preview(d)
		require.NoError(t, err)
		m := read(t, raw)
		assert.Equal(t, want.header, m.Header["List-Unsubscribe"], link)
		assert.Equal(t, want.post, m.Header["List-Unsubscribe-Post"], link)
		if link != "" {
			assert.Contains(t, m.text, "Unsubscribe: "+link)
			assert.Contains(t, m.html, link)
		} else {
			assert.NotContains(t, m.text+m.html, "Unsubscribe")
		}
	}
}

func TestBothPartsSayTheSame(t *testing.T) {
	d := delivery()
	raw, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	m := read(t, raw)
	for _, both := range []string{
		"The invoice of Nordwind GmbH", "Customer", "1.240,00 €", "View details", "Mark as paid",
		"https://app.acme.example/invoices/2026-1177/paid", "Manage notifications",
		"https://app.acme.example/settings/notifications", "Sent by",
	} {
		assert.Contains(t, m.text, both)
		assert.Contains(t, m.html, both)
	}
	assert.Contains(t, m.text, "<b>Thank you</b> & see you.")
	assert.Contains(t, m.html, "&lt;b&gt;Thank you&lt;/b&gt; &amp; see you.")
}

func TestButtonFallsBackToTheInbox(t *testing.T) {
	d := delivery()
	d.Item.Notification.URL = ""
	raw, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	assert.Contains(t, read(t, raw).text, "Open your inbox: https://app.acme.example/inbox")

	d.Links.Inbox = ""
	raw, err = newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	assert.NotContains(t, read(t, raw).text, "inbox")
}

func TestDigestLinksToTheRestOnlyIfThereIsOne(t *testing.T) {
	c := newChannel(t, nil)
	d, g := digest()
	compose := func() message {
		raw, err := c.PreviewDigest(d, g)
		require.NoError(t, err)
		return read(t, raw)
	}
	m := compose()
	assert.Contains(t, m.text, "See all 12 notifications: https://app.acme.example/inbox")
	assert.Contains(t, m.html, "See all 12 notifications")
	assert.Equal(t, "12 unread notifications, Tue 3 Nov 2026", m.subject(t))

	g.Total = 5
	m = compose()
	assert.NotContains(t, m.text+m.html, "See all")
	assert.NotContains(t, m.text+m.html, "https://app.acme.example/inbox")

	g.Items, g.Total = g.Items[:1], 1
	assert.Contains(t, compose().subject(t), "1 unread notification, ")

	g.Total, d.Links.Inbox = 3, ""
	assert.Contains(t, compose().text, "And 2 more in your inbox.")
}

func TestDigestTellsTimesInTheZone(t *testing.T) {
	c := newChannel(t, nil)
	d, g := digest()
	raw, err := c.PreviewDigest(d, g)
	require.NoError(t, err)
	m := read(t, raw)
	for _, part := range []string{m.text, m.html} {
		assert.Contains(t, part, "Tue 3 Nov, 17:00")
		assert.Contains(t, part, "Mon 2 Nov, 19:00")
		assert.Contains(t, part, "Unread as of Tuesday, 3 November 2026, 18:00. Times are in Europe/Berlin.")
		newest, oldest := strings.Index(part, "Invoice 2026-1177"), strings.Index(part, "Your export is ready")
		assert.True(t, 0 < newest && newest < oldest, "the newest comes first")
	}
	g.Zone = nil
	raw, err = c.PreviewDigest(d, g)
	require.NoError(t, err)
	assert.Contains(t, read(t, raw).text, "Tue 3 Nov, 16:00")
	assert.Contains(t, read(t, raw).text, "Times are in UTC.")
}

func TestSizesAreBounded(t *testing.T) {
	c := newChannel(t, nil)
	for name, unit := range map[string]string{"ascii": "word ", "markup": `<"&=> `, "cyrillic": "слово ", "emoji": "🙂🙃 "} {
		t.Run(name, func(t *testing.T) {
			fill := func(n int) string { return strings.Repeat(unit, n/len(unit)) }
			long := notify.Notification{Provider: "p", Title: fill(500), Body: fill(16384), URL: "https://a.example/?" + strings.Repeat("a=b&", 100)}
			for range 20 {
				long.Rows = append(long.Rows, notify.Row{Label: fill(500), Text: fill(4000)})
			}
			for range 5 {
				long.Actions = append(long.Actions, notify.Action{Key: "k", Title: fill(500), URL: long.URL})
			}
			d := delivery()
			d.Item.Notification = long
			raw, err := c.Preview(d)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(raw), 30<<10)
			assert.Greater(t, len(raw), 11<<10, "as much as fits is told")
			read(t, raw)

			d, g := digest()
			for i := range g.Items {
				g.Items[i].Notification = long
			}
			raw, err = c.PreviewDigest(d, g)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(raw), 60<<10)
			read(t, raw)
		})
	}
}

func TestLinesAreShortAndSevenBit(t *testing.T) {
	d := delivery()
	d.Contact.Name = strings.Repeat("Wolfeschlegel steinhausen ", 10)
	d.Item.Notification.Title = strings.Repeat("ä", 251)
	raw, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	for line := range bytes.SplitSeq(bytes.TrimSuffix(raw, []byte("\r\n")), []byte("\r\n")) {
		assert.LessOrEqual(t, len(line), 78, "%s", line)
		assert.NotContains(t, string(line), "\r")
		assert.NotContains(t, string(line), "\n")
		for _, b := range line {
			require.True(t, b >= ' ' && b <= '~', "%q", line)
		}
	}
	assert.Equal(t, strings.Repeat("ä", 249)+"…", read(t, raw).subject(t))
}

func TestRefusedDeliveriesNameTheField(t *testing.T) {
	c := newChannel(t, nil)
	for field, spoil := range map[string]func(*notify.Delivery){
		"Address.Value":                    func(d *notify.Delivery) { d.Address.Value = "a@b.example\r\nRCPT TO:<x@y.example>" },
		"Address.Channel":                  func(d *notify.Delivery) { d.Address.Channel = notify.Mobile },
		"Contact.Name":                     func(d *notify.Delivery) { d.Contact.Name = "a\x00b" },
		"Item.Filed":                       func(d *notify.Delivery) { d.Item.Filed = time.Time{} },
		"Item.Notification.Title":          func(d *notify.Delivery) { d.Item.Notification.Title = "\r\n \u202e" },
		"Item.Notification.Body":           func(d *notify.Delivery) { d.Item.Notification.Body = "\xff" },
		"Item.Notification.Rows[1].Text":   func(d *notify.Delivery) { d.Item.Notification.Rows[1].Text = "\x00" },
		"Item.Notification.URL":            func(d *notify.Delivery) { d.Item.Notification.URL = "javascript:alert(1)" },
		"Item.Notification.Actions[1].URL": func(d *notify.Delivery) { d.Item.Notification.Actions[1].URL = "/relative" },
		"Links.Inbox":                      func(d *notify.Delivery) { d.Links.Inbox = "https://a.example/\u202egpj" },
		"Links.Settings":                   func(d *notify.Delivery) { d.Links.Settings = "https:///nohost" },
		"Links.Unsubscribe":                func(d *notify.Delivery) { d.Links.Unsubscribe = "https://a.example/\r\nBcc: x@y.example" },
	} {
		t.Run(field, func(t *testing.T) {
			d := delivery()
			spoil(&d)
			_, err := c.Preview(d)
			require.ErrorIs(t, err, notify.ErrInvalid)
			var bad *notify.InvalidError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, field, bad.Field)

			err = c.Deliver(t.Context(), d)
			var failed *notify.DeliveryError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, notify.Permanent, failed.Class)
			assert.ErrorIs(t, err, notify.ErrInvalid)
			assert.NotContains(t, err.Error(), "@")
		})
	}
}

func TestRefusedDigests(t *testing.T) {
	c := newChannel(t, nil)
	for field, spoil := range map[string]func(*notify.Digest){
		"Digest.Items":          func(g *notify.Digest) { g.Items = nil },
		"Digest.Total":          func(g *notify.Digest) { g.Total = 4 },
		"Digest.To":             func(g *notify.Digest) { g.To = time.Time{} },
		"Item.Notification.URL": func(g *notify.Digest) { g.Items[2].Notification.URL = "data:text/html,x" },
	} {
		d, g := digest()
		spoil(&g)
		err := c.DeliverDigest(t.Context(), d, g)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad, field)
		assert.Equal(t, field, bad.Field)
	}
}
