package email

import (
	"bytes"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

var fields = []string{
	"Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "List-Id", "Message-Id",
	"Mime-Version", "Reply-To", "Subject", "To", "X-Auto-Response-Suppress",
}

// checkLetter asserts what must be true of every letter: it has our fields,
// each once, in lines of 7-bit ASCII that mail servers take, and two parts.
func checkLetter(t *testing.T, raw []byte, d notify.Delivery) {
	t.Helper()
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		require.LessOrEqual(t, len(line), hardLine)
		require.Equal(t, -1, strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }), "%q", line)
	}
	m := read(t, raw)
	want := slices.Clone(fields)
	for _, sometimes := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "In-Reply-To", "References"} {
		if m.Header.Get(sometimes) != "" {
			want = append(want, sometimes)
		}
	}
	slices.Sort(want)
	require.Equal(t, want, slices.Sorted(maps.Keys(m.Header)))
	for field, values := range m.Header {
		require.Len(t, values, 1, field)
	}
	for _, field := range []string{"From", "To", "Reply-To"} {
		list, err := m.Header.AddressList(field)
		require.NoError(t, err, field)
		require.Len(t, list, 1, field)
		require.Equal(t, oneLine(list[0].Name), list[0].Name, "no control is hidden in a name")
	}
	to, err := mail.ParseAddress(m.Header.Get("To"))
	require.NoError(t, err)
	assert.True(t, strings.EqualFold(strings.Trim(d.Address.Value, " "), to.Address))
	subject := m.subject(t)
	assert.Equal(t, oneLine(subject), subject, "no control is hidden in the subject")
	assert.NotContains(t, m.html, "ZgotmplZ", "every link was checked before")
	assert.NotContains(t, m.html, "<script")
}

func FuzzLetter(f *testing.F) {
	hostile := []string{
		"", "plain", "a\r\nBcc: evil@x.example", "a\nX: y", "a\rb", "a\x00b", "\u202eevil", "=?utf-8?q?=0D=0ABcc:_x?=", `"><script>`, "\xff\xfe",
		"jane@customer.example>\r\nRCPT TO:<x@y.example>", "https://a.example/\r\n", "--=_notify_", ".\r\n", strings.Repeat("x", 1200), "\u2028\u0085",
	}
	for _, s := range hostile {
		f.Add(s, s, s, s, s, s)
		f.Add(s, "Title", "p", "body", "jane@customer.example", "https://a.example/u")
		f.Add("Jane", s, s, s, "jane@customer.example", "https://a.example/u")
		f.Add("Jane", "Title", "p", s, "jane@customer.example", "https://a.example/?"+s)
	}
	c := newChannel(f, func(o *Options) { o.Location = berlin })
	f.Fuzz(func(t *testing.T, name, title, provider, body, address, url string) {
		d := delivery()
		d.Contact.Name, d.Address.Value = name, address
		n := &d.Item.Notification
		n.Title, n.Provider, n.Body, n.URL, n.Entity = title, provider, body, url, body
		d.Recipient, d.Contact.Locale, d.Contact.TimeZone = notify.User(name), provider, title
		n.Rows = []notify.Row{{Label: name, Text: title}}
		n.Actions = []notify.Action{{Key: "a", Title: title, URL: url}}
		d.Links = notify.DeliveryLinks{Inbox: url, Settings: url, Unsubscribe: url}
		raw, err := c.Preview(d)
		if err != nil {
			require.ErrorIs(t, err, notify.ErrInvalid)
		} else {
			checkLetter(t, raw, d)
			again, err := c.Preview(d)
			require.NoError(t, err)
			require.True(t, bytes.Equal(raw, again), "the same delivery gives the same bytes")
		}

		_, g := digest()
		g.Items[0].Notification = d.Item.Notification
		raw, err = c.PreviewDigest(d, g)
		if err != nil {
			require.ErrorIs(t, err, notify.ErrInvalid)
			return
		}
		checkLetter(t, raw, d)
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"jane@customer.example", `"a b"@c.example`, "a@b@c", "a@b\r\n", "<a@b>", "a@[::1]", "a>b@c"} {
		f.Add(s)
	}
	c := newChannel(f, nil)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := c.CheckAddress(notify.Address{Value: s})
		if err != nil {
			require.ErrorIs(t, err, notify.ErrInvalid)
			return
		}
		// What is taken reads the same everywhere, and fits between brackets.
		parsed, err := mail.ParseAddress("<" + a.Value + ">")
		require.NoError(t, err)
		assert.Equal(t, a.Value, parsed.Address)
		assert.NotContains(t, a.Value, ">")
		assert.True(t, plainASCII(a.Value))
		again, err := c.CheckAddress(a)
		require.NoError(t, err)
		assert.Equal(t, a, again)
	})
}
