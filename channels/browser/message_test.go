package browser

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func anyone() notify.Address {
	return notify.Address{Channel: notify.Browser, Value: "https://push.example.com/abc", Meta: metaOf(p256dh, auth)}
}

func TestMessage_golden(t *testing.T) {
	f, err := fit(delivery(anyone()), records[0])
	require.NoError(t, err)
	assert.Equal(t, 1024, f.record)
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, f.text, "", "  "))
	pretty.WriteByte('\n')
	const golden = "testdata/message.json"
	if *update {
		require.NoError(t, os.WriteFile(golden, pretty.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), pretty.String())
}

func TestMessage_linksLeadToTheWeb(t *testing.T) {
	d := delivery(anyone())
	for url, want := range map[string]string{
		"https://app.acme.example/a?b=c&d#e": "https://app.acme.example/a?b=c&d#e",
		"http://app.acme.example/":           "http://app.acme.example/",
		"":                                   d.Links.Inbox,
		"mailto:billing@acme.example":        d.Links.Inbox,
		"javascript:alert(1)":                d.Links.Inbox,
		"java\nscript:alert(1)":              d.Links.Inbox,
		"data:text/html,x":                   d.Links.Inbox,
		"/relative":                          d.Links.Inbox,
		"//evil.example/":                    d.Links.Inbox,
		`https:\\evil.example`:               d.Links.Inbox,
		"https://user@evil.example/":         d.Links.Inbox,
		" https://evil.example/":             d.Links.Inbox,
	} {
		d.Item.Notification.URL, d.Item.Notification.Icon = url, url
		d.Item.Notification.Actions = []notify.Action{{Key: "a", Title: "A", URL: url}}
		m := message(d)
		assert.Equal(t, want, m.Notification.Navigate, "%q", url)
		if want == d.Links.Inbox {
			assert.Empty(t, m.Notification.Icon)
			assert.Empty(t, m.Notification.Actions)
		}
	}
	d.Links.Inbox = "javascript:alert(1)"
	d.Item.Notification.URL = ""
	assert.Empty(t, message(d).Notification.Navigate)
}

func TestMessage_textsStayTexts(t *testing.T) {
	d := delivery(anyone())
	d.Item.Notification.Rows = nil
	for given, want := range map[string]string{
		"a\r\nb\x00c\x1b[2J":          "a bc[2J",
		"\u202eevil\u2066x\u2069":     "evilx",
		"<script>\"\\</script> & ü 🎁": "<script>\"\\</script> & ü 🎁",
		"\xff\xfea\xf0\x9f":           "a",
		"  x  ":                       "x",
	} {
		d.Item.Notification.Title = given
		assert.Equal(t, want, message(d).Notification.Title, "%q", given)
	}
	d.Item.Notification.Body = "one\r\ntwo\u202e\tthree\x07\n"
	assert.Equal(t, "one\ntwo three\n", message(d).Notification.Body)
}

func TestMessage_language(t *testing.T) {
	d := delivery(anyone())
	for locale, want := range map[string][2]string{
		"": {}, "de": {"de", ""}, "pt-BR": {"pt-BR", ""}, "ar": {"ar", "rtl"}, "he-IL": {"he-IL", "rtl"}, "FA": {"FA", "rtl"},
		"q_%!-\r\n": {}, "x": {}, strings.Repeat("a", 36): {}, "dé": {},
	} {
		d.Contact.Locale = locale
		m := message(d)
		assert.Equal(t, want, [2]string{m.Notification.Lang, m.Notification.Dir}, "%q", locale)
	}
}

// The topic and the tag are the same for every attempt, and for everything with
// the same collapse key of a provider.
func TestTopic(t *testing.T) { // R20
	d := delivery(anyone())
	alone := topic(d.Item.Notification, d.Identity())
	d.Attempt = 7
	assert.Equal(t, alone, topic(d.Item.Notification, d.Identity()))
	d.ID = "01935b2a-6c00-7000-8000-0123456789ac"
	assert.NotEqual(t, alone, topic(d.Item.Notification, d.Identity()))

	d.Item.Notification.CollapseKey = strings.Repeat("ü", 95)
	together := topic(d.Item.Notification, d.Identity())
	d.ID = "01935b2a-6c00-7000-8000-0123456789ad"
	assert.Equal(t, together, topic(d.Item.Notification, d.Identity()))
	d.Item.Notification.Provider = "chats"
	assert.NotEqual(t, together, topic(d.Item.Notification, d.Identity()))
	for _, name := range []string{alone, together} {
		assert.Len(t, name, 32)
		assert.NotContains(t, name, "=")
	}
	assert.Equal(t, topic(d.Item.Notification, d.Identity()), message(d).Notification.Tag)
}

func TestMessage_whenAndHowLoud(t *testing.T) {
	d := delivery(anyone())
	assert.Equal(t, d.Item.Filed.UnixMilli(), message(d).Notification.Timestamp)
	d.Item.Notification.OccurredAt = d.Item.Filed.Add(-time.Hour)
	assert.Equal(t, d.Item.Filed.Add(-time.Hour).UnixMilli(), message(d).Notification.Timestamp)
	d.Item.Notification.OccurredAt, d.Item.Filed = time.Time{}, time.Time{}
	assert.Zero(t, message(d).Notification.Timestamp)
	for priority, silent := range map[notify.Priority]bool{notify.Low: true, notify.Normal: false, notify.High: false} {
		d.Item.Notification.Priority = priority
		assert.Equal(t, silent, message(d).Notification.Silent)
	}
	d.Unread = -1
	assert.Zero(t, message(d).AppBadge)
	d.Unread = 0
	assert.Equal(t, "0", message(d).Notification.AppBadge, "the badge goes away")
}

// Around each size of record, the smallest that holds the message is taken.
func TestFit_takesTheSmallestRecord(t *testing.T) { // T14
	d := delivery(anyone())
	d.Item.Notification.Body, d.Item.Notification.Rows = "", nil
	bare, err := fit(d, records[0])
	require.NoError(t, err)
	const member = len(`"body":"",`)
	for _, c := range []struct{ plain, record int }{
		{921, 1024}, {922, 2048}, {1945, 2048}, {1946, 3070}, {2967, 3070},
	} {
		d.Item.Notification.Body = strings.Repeat("x", c.plain-len(bare.text)-member)
		f, err := fit(d, records[0])
		require.NoError(t, err)
		assert.Len(t, f.text, c.plain)
		assert.Equal(t, c.record, f.record)
	}
	d.Item.Notification.Body += "x"
	f, err := fit(d, records[0])
	require.NoError(t, err)
	assert.LessOrEqual(t, len(f.text), 2967)
	assert.GreaterOrEqual(t, len(f.text), 2960, "no more is cut than has to be")
	assert.Equal(t, 3070, f.record)
	assert.Contains(t, string(f.text), `x…"`)
}

// checkFitted: whatever is cut, the message is JSON, has its title, its id and
// its tag, and as long as the record is the largest its link.
func checkFitted(t *testing.T, d notify.Delivery, most int) {
	t.Helper()
	f, err := fit(d, most)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(f.text), f.record-overhead)
	assert.LessOrEqual(t, f.record, most)
	assert.True(t, utf8.Valid(f.text))
	var m Message
	require.NoError(t, json.Unmarshal(f.text, &m))
	assert.Equal(t, m.Notification.Tag, f.topic)
	whole := message(d)
	assert.Equal(t, d.Item.ID, m.Notification.Data.ID)
	assert.Equal(t, d.Identity(), m.Notification.Data.Delivery)
	assert.Equal(t, whole.Notification.Tag, m.Notification.Tag)
	assert.Equal(t, whole.AppBadge, m.AppBadge)
	assert.Equal(t, whole.Notification.Title == "", m.Notification.Title == "")
	if most == records[0] {
		assert.Equal(t, whole.Notification.Navigate, m.Notification.Navigate)
	}
	for part, of := range map[string]string{m.Notification.Body: whole.Notification.Body, m.Notification.Title: whole.Notification.Title} {
		assert.True(t, part == of || strings.HasPrefix(of, strings.TrimSuffix(part, "…")), "%q of %q", part, of)
		assert.False(t, strings.ContainsFunc(part, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }))
	}
}

func TestFit_cutsWhatIsLongest(t *testing.T) {
	for name, fill := range map[string]string{
		"letters": strings.Repeat("x", 20_000), "umlauts": strings.Repeat("ü", 10_000), "pictures": strings.Repeat("🎁", 5_000),
		"quotes": strings.Repeat(`"`, 20_000), "backslashes": strings.Repeat(`\`, 20_000), "separators": strings.Repeat("\u2028", 6_000), "lines": strings.Repeat("\n", 20_000),
	} {
		upTo := func(size int) string {
			for size > 0 && (size >= len(fill) || !utf8.RuneStart(fill[size])) {
				size--
			}
			return fill[:size]
		}
		t.Run(name, func(t *testing.T) {
			d := delivery(anyone())
			n := &d.Item.Notification
			n.Title, n.Body = "T"+upTo(490), upTo(16_000)
			n.URL = "https://app.acme.example/" + strings.Repeat("u", 2_048-len("https://app.acme.example/"))
			n.Icon = n.URL
			n.Rows = []notify.Row{{Label: upTo(1_000), Text: upTo(1_000)}}
			n.Actions = []notify.Action{{Key: upTo(190), Title: "A" + upTo(490), URL: n.URL}}
			for _, most := range records {
				checkFitted(t, d, most)
			}
			n.URL = "https://app.acme.example/invoices/17"
			for _, most := range records {
				checkFitted(t, d, most)
			}
		})
	}
}

func FuzzFit(f *testing.F) {
	f.Add("title", "body", "https://app.acme.example/", "ann", 1)
	f.Add("\x00\xff\"\\\u2028", strings.Repeat("🎁\n", 1_000), strings.Repeat("https://x.example/", 100), "\u202e", 0)
	f.Fuzz(func(t *testing.T, title, body, url, recipient string, size int) {
		d := delivery(anyone())
		d.Item.Notification.Title, d.Item.Notification.Body, d.Item.Notification.URL = title, body, url
		d.Recipient.ID = recipient
		if len(title) > 500 || len(body) > 16_384 || len(url) > 2_048 || len(recipient) > 30 {
			t.Skip()
		}
		checkFitted(t, d, records[uint(size)%uint(len(records))])
	})
}
