package notifyhttp

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"slices"
	"strconv"
	"strings"
)

// pageKind is what the unsubscribe page says.
type pageKind int

const (
	pageAsk pageKind = iota
	pageDone
	pageUnknown
)

// pageTexts are the words of the page in one language. %s is the provider.
type pageTexts struct {
	dir                      string
	title                    string
	ask, askDaily, button    string
	done, doneDaily, unknown string
}

var pageLanguages = map[string]pageTexts{
	"en": {"ltr", "E-mail notifications", "Stop e-mails from “%s”?", "Stop the daily e-mail?", "Stop e-mails",
		"You will get no more e-mails from “%s”.", "You will get no more daily e-mails.", "This link is not valid. Please use the link of a newer e-mail."},
	"de": {"ltr", "E-Mail-Benachrichtigungen", "E-Mails von „%s“ abbestellen?", "Die tägliche E-Mail abbestellen?", "Abbestellen",
		"Sie erhalten keine E-Mails von „%s“ mehr.", "Sie erhalten keine tägliche E-Mail mehr.", "Dieser Link ist ungültig. Bitte verwenden Sie den Link aus einer neueren E-Mail."},
	"es": {"ltr", "Notificaciones por correo", "¿Dejar de recibir correos de «%s»?", "¿Dejar de recibir el correo diario?", "Dejar de recibir",
		"Ya no recibirás correos de «%s».", "Ya no recibirás el correo diario.", "Este enlace no es válido. Usa el enlace de un correo más reciente."},
	"pt": {"ltr", "Notificações por e-mail", "Parar de receber e-mails de “%s”?", "Parar de receber o e-mail diário?", "Parar de receber",
		"Você não receberá mais e-mails de “%s”.", "Você não receberá mais o e-mail diário.", "Este link não é válido. Use o link de um e-mail mais recente."},
	"ru": {"ltr", "Уведомления по почте", "Больше не получать письма от «%s»?", "Больше не получать ежедневное письмо?", "Отписаться",
		"Вы больше не будете получать письма от «%s».", "Вы больше не будете получать ежедневное письмо.", "Эта ссылка недействительна. Воспользуйтесь ссылкой из более нового письма."},
	"ar": {"rtl", "إشعارات البريد الإلكتروني", "هل تريد إيقاف رسائل البريد من «%s»؟", "هل تريد إيقاف الرسالة اليومية؟", "إيقاف الرسائل",
		"لن تصلك رسائل بريد من «%s» بعد الآن.", "لن تصلك الرسالة اليومية بعد الآن.", "هذا الرابط غير صالح. يُرجى استخدام الرابط الموجود في رسالة أحدث."},
}

const pageStyle = `:root{color-scheme:light dark}
body{font:1.125rem/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;box-sizing:border-box}
main{max-width:32rem;text-align:center}
h1{font-size:1.25rem;margin:0 0 1rem}
button{font:inherit;min-height:44px;padding:.5rem 1.5rem;border:1px solid;border-radius:.5rem;background:light-dark(#174ea6,#a8c7fa);color:light-dark(#fff,#062e6f);cursor:pointer}
button:focus-visible{outline:3px solid currentcolor;outline-offset:3px}`

var pageTemplate = template.Must(template.New("unsubscribe").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}" dir="{{.Dir}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>{{.Title}}</title><style>{{.Style}}</style></head>
<body><main><h1>{{.Title}}</h1><p>{{.Text}}</p>{{if .Button}}<form method="post"><button type="submit" name="List-Unsubscribe" value="One-Click">{{.Button}}</button></form>{{end}}</main></body></html>
`))

// pagePolicy allows the page its own style and a form to itself, nothing else.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

func (c *call) unsubscribePage(status int, kind pageKind, provider string) error {
	language := negotiate(c.r.Header.Get("Accept-Language"))
	texts := pageLanguages[language]
	text, button := texts.unknown, ""
	switch {
	case kind == pageAsk && provider == "":
		text, button = texts.askDaily, texts.button
	case kind == pageAsk:
		text, button = strings.ReplaceAll(texts.ask, "%s", provider), texts.button
	case kind == pageDone && provider == "":
		text = texts.doneDaily
	case kind == pageDone:
		text = strings.ReplaceAll(texts.done, "%s", provider)
	}
	var page bytes.Buffer
	err := pageTemplate.Execute(&page, struct {
		Language, Dir, Title, Text, Button string
		Style                              template.CSS
	}{language, texts.dir, texts.title, text, button, pageStyle})
	if err != nil {
		return err
	}
	header := c.w.Header()
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("Content-Language", language)
	header.Set("Referrer-Policy", "no-referrer") // the address is the token
	header.Set("X-Robots-Tag", "noindex")
	return c.write(status, "text/html; charset=utf-8", "no-store", page.Bytes())
}

// negotiate picks the language that an Accept-Language wants most (RFC 9110);
// English if it wants none of ours.
func negotiate(header string) string {
	type wish struct {
		language string
		quality  float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(shorten(header, 200), ",") {
		tag, parameters, _ := strings.Cut(part, ";")
		language, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		quality := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			parsed, err := strconv.ParseFloat(value, 64)
			if err != nil {
				continue
			}
			quality = parsed
		}
		if _, known := pageLanguages[language]; known && quality > 0 {
			wishes = append(wishes, wish{language, quality})
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(b.quality, a.quality) })
	if len(wishes) == 0 {
		return "en"
	}
	return wishes[0].language
}
