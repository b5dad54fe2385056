package email

import (
	"bytes"
	"embed"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
)

//go:embed templates
var templateFiles embed.FS

// templates are the two forms of a letter.
type templates struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

var (
	letterTemplates = parseTemplates("letter")
	digestTemplates = parseTemplates("digest")
)

func parseTemplates(name string) templates {
	return templates{
		text: texttemplate.Must(texttemplate.ParseFS(templateFiles, "templates/"+name+".txt", "templates/footer.txt")),
		html: htmltemplate.Must(htmltemplate.New(name+".html").Funcs(constants).
			ParseFS(templateFiles, "templates/"+name+".html", "templates/frame.html")),
	}
}

// constants are snippets that a template cannot hold as such, because it drops
// comments: Outlook for Windows needs a table of fixed width, and reads it from
// comments for its eyes only. The filler keeps the text of a letter out of the
// line that a list of mails shows.
var constants = htmltemplate.FuncMap{
	"outlookOpen": func() htmltemplate.HTML {
		return `<!--[if mso]><table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->`
	},
	"outlookClose": func() htmltemplate.HTML { return `<!--[if mso]></td></tr></table><![endif]-->` },
	"filler":       func() htmltemplate.HTML { return htmltemplate.HTML(strings.Repeat("&#847;&zwnj;&nbsp; ", 40)) },
}

func (t templates) render(view any) (text, html []byte, err error) {
	var plain, rich bytes.Buffer
	if err := t.text.Execute(&plain, view); err != nil {
		return nil, nil, err
	}
	if err := t.html.Execute(&rich, view); err != nil {
		return nil, nil, err
	}
	return plain.Bytes(), rich.Bytes(), nil
}
