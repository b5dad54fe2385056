package email

import (
	"bytes"
	"embed"
	"errors"
	htmltemplate "html/template"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"github.com/bellwether-go/notify"
)

//go:embed templates
var templateFiles embed.FS

// templates are the two forms of every letter.
type templates struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// newTemplates parses the shipped templates and lets the host's, if there are
// any, replace those of the same name.
func newTemplates(changes fs.FS) (templates, error) {
	t := templates{text: texttemplate.New(""), html: htmltemplate.New("").Funcs(functions)}
	shipped, err := fs.Sub(templateFiles, "templates")
	if err != nil {
		return templates{}, err
	}
	for _, files := range []fs.FS{shipped, changes} {
		if files == nil {
			continue
		}
		if err := t.add(files); err != nil {
			return templates{}, invalid("Templates", "%v", err)
		}
	}
	return t, nil
}

func (t templates) add(files fs.FS) error {
	for _, pattern := range []string{"*.txt", "*.html"} {
		names, err := fs.Glob(files, pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			source, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			if pattern == "*.txt" {
				_, err = t.text.New(name).Parse(string(source))
			} else {
				_, err = t.html.New(name).Parse(string(source))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// functions are what templates can call. The constants among them are snippets that a template cannot hold as such, because it drops
// comments: Outlook for Windows needs a table of fixed width, and reads it from
// comments for its eyes only. The filler keeps the text of a letter out of the
// line that a list of mails shows.
var functions = htmltemplate.FuncMap{
	"button": func(to *link, brand *look) button { return button{to.Title, to.URL, brand} },
	"outlookOpen": func() htmltemplate.HTML {
		return `<!--[if mso]><table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->`
	},
	"outlookClose": func() htmltemplate.HTML { return `<!--[if mso]></td></tr></table><![endif]-->` },
	"filler":       func() htmltemplate.HTML { return htmltemplate.HTML(strings.Repeat("&#847;&zwnj;&nbsp; ", 40)) },
}

// button is what the template of that name shows.
type button struct {
	Title, URL string
	Brand      *look
}

// render executes both forms of a letter into out.
func (t templates) render(name string, v *view, out *forms) error {
	out.text.reset()
	out.html.reset()
	if err := t.text.ExecuteTemplate(&out.text, name+".txt", v); err != nil {
		return templateError(name+".txt", err)
	}
	if err := t.html.ExecuteTemplate(&out.html, name+".html", v); err != nil {
		return templateError(name+".html", err)
	}
	return nil
}

// forms are the two parts of a letter. They are used again and again, since
// each letter needs some and throws them away.
type forms struct{ text, html output }

var spareForms = sync.Pool{New: func() any { return new(forms) }}

// maxOutput is where a template is stopped, in bytes: no letter is near it.
const maxOutput = 1 << 20

var errEndless = errors.New("a template writes without end")

// output is a buffer that refuses to grow for ever.
type output struct {
	bytes.Buffer
	left int
}

func (o *output) reset() {
	o.Reset()
	o.left = maxOutput
}

func (o *output) Write(b []byte) (int, error) {
	if o.left -= len(b); o.left < 0 {
		return 0, errEndless
	}
	return o.Buffer.Write(b)
}

// trimmed is the text with one line end at its end, however many a template
// leaves.
func (o *output) trimmed() []byte { return append(bytes.TrimRight(o.Bytes(), "\r\n "), '\n') }

var place = regexp.MustCompile(`template: ?([\w./-]+:\d+(?::\d+)?)`)

// templateError says which template failed and where, but not what it said: that may
// quote the letter.
func templateError(name string, err error) error {
	if known, ok := errors.AsType[*notify.InvalidError](err); ok {
		return known
	}
	if found := place.FindStringSubmatch(err.Error()); found != nil {
		name = found[1]
	}
	if errors.Is(err, errEndless) {
		return invalid("Templates", "%s writes more than %d bytes", name, maxOutput)
	}
	return invalid("Templates", "%s fails", name)
}

// rehearse writes one letter of each kind in each language, so that a template
// that cannot work is found at the start.
func (c *Channel) rehearse() error {
	at := time.Unix(0, 0).UTC()
	item := notify.Item{Filed: at, Notification: notify.Notification{
		Provider: "p", Title: "Title", Body: "Body\n\nMore", URL: "https://example.com/",
		Rows:    []notify.Row{{Label: "Label", Text: "Text"}, {Text: "Text"}},
		Actions: []notify.Action{{Key: "a", Title: "Action", URL: "https://example.com/"}},
	}}
	d := notify.Delivery{
		Address: notify.Address{Value: "a@example.com"},
		Links:   notify.DeliveryLinks{Inbox: "https://example.com/", Settings: "https://example.com/", Unsubscribe: "https://example.com/"},
	}
	for _, l := range c.locales {
		d.Contact.Locale, d.Item = l.tag, item
		if _, err := c.preview(d, d.Links.Unsubscribe); err != nil {
			return err
		}
		d.Item = notify.Item{}
		digest := notify.Digest{Items: []notify.Item{item}, Total: 7, From: at, To: at}
		if _, err := c.previewDigest(d, digest, d.Links.Unsubscribe); err != nil {
			return err
		}
	}
	return nil
}
