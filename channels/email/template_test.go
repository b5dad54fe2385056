package email

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func files(named ...string) fs.FS {
	all := fstest.MapFS{}
	for i := 0; i < len(named); i += 2 {
		all[named[i]] = &fstest.MapFile{Data: []byte(named[i+1])}
	}
	return all
}

func TestHostsReplaceTemplatesByName(t *testing.T) {
	c := newChannel(t, func(o *Options) {
		o.Templates = files(
			"letter.html", `<p>{{.Title}}</p><a href="{{.Button.URL}}">{{.T "letter.view"}}</a> {{.T "own.text"}} {{template "mine" .}}`,
			"mine.html", `{{define "mine"}}<i>{{.When}}</i>{{end}}`,
			"footer.txt", `{{define "footer"}}~ {{.Brand.Name}}{{end}}`,
			"ignored.md", `{{`,
		)
		o.Locales = map[string]map[string]string{"en": {"own.text": "a & b"}}
	})
	raw, err := c.Preview(delivery())
	require.NoError(t, err)
	m := read(t, raw)
	assert.Equal(t, `<p>Invoice 2026-1177 is due on Friday – 1.240,00 €</p><a href="https://app.acme.example/invoices/2026-1177?from=mail&amp;tab=open">`+
		"View details</a> a &amp; b <i>Tuesday, 3 November 2026, 16:42 (UTC)</i>\n", m.html)
	assert.True(t, strings.HasSuffix(m.text, "~ Acme\n"))
	raw, err = c.PreviewDigest(digest())
	require.NoError(t, err)
	assert.Contains(t, read(t, raw).html, "See all 12 notifications", "others stay")
	assert.True(t, strings.HasSuffix(read(t, raw).text, "~ Acme\n"))
}

func TestBadTemplatesAreFoundAtTheStart(t *testing.T) {
	for name, bad := range map[string]struct {
		templates fs.FS
		place     string
	}{
		"syntax":            {files("letter.html", "\n{{.Title"), "letter.html:2"},
		"no such field":     {files("letter.txt", "a\n{{.Nothing}}"), "letter.txt:2:2"},
		"no such partial":   {files("digest.txt", `{{template "nothing"}}`), "digest.txt"},
		"no such text":      {files("digest.html", `{{.T "nothing"}}`), `no text "nothing"`},
		"unfinished markup": {files("digest.html", `<a href="{{.Subject}}`), "digest.html"},
		"endless":           {files("letter.txt", `{{range 100000000}}more {{end}}`), "letter.txt"},
		"calls itself":      {files("footer.txt", `{{define "footer"}}x{{template "footer" .}}{{end}}`), "footer.txt"},
	} {
		_, err := New(Options{Relay: "localhost:25", From: "a@acme.example", Templates: bad.templates})
		var invalid *notify.InvalidError
		require.ErrorAs(t, err, &invalid, name)
		assert.Contains(t, invalid.Error(), bad.place, name)
	}
}

func TestATemplateThatFailsInsideALetterSendsNothing(t *testing.T) {
	for name, template := range map[string]string{
		"fails half-way":     `<p>{{.Title}}</p>{{if eq .Title "Trap"}}{{index .Rows 99}}{{end}}`,
		"asks for a secret":  `{{if eq .Title "Trap"}}{{.Password}}{{end}}`,
		"writes without end": `{{if eq .Title "Trap"}}{{range 100000000}}more {{end}}{{end}}`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, script{})
			c := p.channel(t, func(o *Options) { o.Templates = files("letter.html", template) })
			d := delivery()
			d.Item.Notification.Title = "Trap"
			err := c.Deliver(t.Context(), d)
			assert.Equal(t, notify.Permanent, classOf(t, err))
			var bad *notify.InvalidError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, "Templates", bad.Field)
			assert.Contains(t, bad.Reason, "letter.html")
			assert.NotContains(t, err.Error(), "Trap", "the error does not quote the letter")
			assert.Zero(t, p.connections(), "the relay was not even called")

			require.NoError(t, c.Deliver(t.Context(), delivery()), "others are none the worse")
		})
	}
}

// What a template writes is encoded, so it cannot leave its part.
func TestATemplateCannotLeaveItsPart(t *testing.T) {
	c := newChannel(t, func(o *Options) {
		o.Templates = files("letter.txt", "a\r\n--=_notify_266d2ed46396382f7ca256d22bf44bc4--\r\n.\r\nBcc: x@y.example\r\n\x00\xff{{.Title}}")
	})
	raw, err := c.Preview(delivery())
	require.NoError(t, err)
	checkLetter(t, raw, delivery())
	assert.Contains(t, read(t, raw).text, "--=_notify_266d2ed46396382f7ca256d22bf44bc4--\n.\nBcc: x@y.example\n")
}
