package mail_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/internal/integration/servers"
)

// languages are those that the channel ships, with their direction.
var languages = map[string]string{"en": "ltr", "es": "ltr", "pt": "ltr", "ru": "ltr", "de": "ltr", "ar": "rtl"}

// expectation is what the script holds a letter against.
type expectation struct {
	From        [2]string `json:"from"` // name, address
	To          [2]string `json:"to"`
	ReplyTo     [2]string `json:"reply_to"`
	Subject     string    `json:"subject"`
	ListID      string    `json:"list_id"`
	Language    string    `json:"language"`
	Direction   string    `json:"direction"`
	Date        float64   `json:"date"`
	Unsubscribe string    `json:"unsubscribe"`
	Texts       []string  `json:"texts"` // that both parts must show
	Links       []string  `json:"links"`
	Most        int       `json:"most"` // bytes
}

// hostile are strings that want to be more than text, and what is to be read
// where only one line is allowed.
var hostile = map[string]struct{ raw, line string }{
	"plain":       {"Invoice 17 is due", "Invoice 17 is due"},
	"new field":   {"a\r\nBcc: evil@x.example", "a Bcc: evil@x.example"},
	"new part":    {"a\r\n\r\n--=_notify_x\r\nContent-Type: text/html\r\n\r\n<script>", "a --=_notify_x Content-Type: text/html <script>"},
	"bare CR, LF": {"a\rb\nc", "a b c"},
	"direction":   {"invoice \u202efdp.exe\u2066x", "invoice fdp.exex"},
	"separators":  {"a\u2028b\u2029c\u0085d\vf", "a b c d f"},
	"encoded":     {"=?utf-8?q?=0D=0ABcc:_x?= and =?", "=?utf-8?q?=0D=0ABcc:_x?= and =?"},
	"quotes":      {`"Doe, John" <x@y.example> \ (c)`, `"Doe, John" <x@y.example> \ (c)`},
	"markup":      {`<img src=x onerror=alert(1)> &lt; </title><script>alert(1)</script>`, `<img src=x onerror=alert(1)> &lt; </title><script>alert(1)</script>`},
	"template":    {`{{.Secret}} {{template "x"}} ${HOME}`, `{{.Secret}} {{template "x"}} ${HOME}`},
	"dots":        {".\r\n.", ". ."},
	"scripts":     {"Größe · 価格 · цена · סכום · 🙂👨‍👩‍👧", "Größe · 価格 · цена · סכום · 🙂👨‍👩‍👧"},
	"long":        {strings.Repeat("Ein sehr langer Titel, ", 20) + "Ende", ""},
	"unbroken":    {strings.Repeat("x", 1000), ""},
}

// TestAnotherParserReadsEveryLetter lets Python's email package, which shares
// nothing with Go's, read letters in all languages with all sorts of texts.
func TestAnotherParserReadsEveryLetter(t *testing.T) {
	folder := t.TempDir()
	count := 0
	for locale, direction := range languages {
		for name, s := range hostile {
			for _, digest := range []bool{false, true} {
				file := filepath.Join(folder, fmt.Sprintf("%s, %s, digest %v", locale, strings.ReplaceAll(name, "/", " "), digest))
				raw, want := letterWith(t, locale, direction, s.raw, s.line, digest)
				meant, err := json.Marshal(want)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file+".eml", raw, 0o600))
				require.NoError(t, os.WriteFile(file+".json", meant, 0o600))
				count++
			}
		}
	}
	python, err := servers.Program(t.Context(), "python3", "python3")
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), python, "testdata/letters.py", folder).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, fmt.Sprintf("%d letters read\n", count), string(out))
}

// letterWith composes a letter with the string wherever a string can stand.
func letterWith(t *testing.T, locale, direction, raw, line string, digest bool) ([]byte, expectation) {
	link := "https://app.acme.example/u/1"
	c, err := email.New(email.Options{
		Relay: "relay.acme.example:587", From: `"Acme, Inc." <no-reply@acme.example>`, ReplyTo: "Hilfe für alle <help@acme.example>",
		Brand: email.Brand{
			Name: "Acme", Logo: "https://acme.example/logo.png", URL: "https://acme.example/", Support: "help@acme.example",
			Address: "Acme Ltd, 1 High Street",
		},
		Unsubscribe: func(notify.Recipient, string) string { return link },
	})
	require.NoError(t, err)
	at := time.Date(2026, time.November, 3, 16, 42, 7, 0, time.UTC)
	n := notify.Notification{
		Provider: "billing", Title: raw, Body: raw + "\n\nsecond paragraph", URL: "https://app.acme.example/?a=1&b=ü&c=%22", Entity: raw,
		Rows:    []notify.Row{{Label: raw, Text: raw}, {Text: "12,00 €"}},
		Actions: []notify.Action{{Key: "a", Title: raw, URL: "mailto:help@acme.example?subject=a%20b"}},
	}
	d := notify.Delivery{
		ID: "01935b2a-6c00-7000-8000-0123456789ab", Attempt: 1, Recipient: notify.User(raw),
		Contact: notify.Contact{Name: raw, Locale: locale + "-XX", TimeZone: "America/Sao_Paulo"},
		Address: notify.Address{Channel: notify.Email, Value: "o'neill+x=y@Bücher.example"},
		Links:   notify.DeliveryLinks{Inbox: "https://app.acme.example/inbox?x=<>", Settings: "https://app.acme.example/settings"},
	}
	want := expectation{
		From: [2]string{"Acme, Inc.", "no-reply@acme.example"}, ReplyTo: [2]string{"Hilfe für alle", "help@acme.example"},
		To:       [2]string{shortened(raw, line, 100), "o'neill+x=y@xn--bcher-kva.example"},
		Language: locale, Direction: direction, Date: float64(at.Unix()), Unsubscribe: "<" + link + ">",
		Links: []string{link, "https://app.acme.example/?a=1&b=%C3%BC&c=%22", "https://app.acme.example/settings", "mailto:help@acme.example"},
		Texts: []string{"Acme Ltd, 1 High Street"},
	}
	if digest {
		want.Subject, want.ListID, want.Most = digestSubjects[locale], "<digest.notify.acme.example>", 60<<10
		want.Links = append(want.Links, "https://app.acme.example/inbox?x=%3C%3E")
		want.Texts = append(want.Texts, shortened(raw, line, 300), "America/Sao_Paulo")
		zone, err := time.LoadLocation("America/Sao_Paulo")
		require.NoError(t, err)
		items := []notify.Item{{Filed: at.Add(-time.Hour), Notification: n}, {Filed: at.Add(-2 * time.Hour), Notification: n}}
		letter, err := c.PreviewDigest(d, notify.Digest{Items: items, Total: 7, From: at.AddDate(0, 0, -1), To: at, Zone: zone})
		require.NoError(t, err)
		return letter, want
	}
	d.Item = notify.Item{Filed: at, Notification: n}
	want.Subject, want.ListID, want.Most = shortened(raw, line, 250), "<billing.notify.acme.example>", 30<<10
	want.Links = append(want.Links, "mailto:help@acme.example?subject=a%20b")
	want.Texts = append(want.Texts, shortened(raw, line, 500), "12,00 €", "13:42", "America/Sao_Paulo", "second paragraph")
	letter, err := c.Preview(d)
	require.NoError(t, err)
	return letter, want
}

// digestSubjects are those of seven unread on that day.
var digestSubjects = map[string]string{
	"en": "7 unread notifications, Tue 3 Nov 2026",
	"es": "7 notificaciones sin leer, mar 3 nov 2026",
	"pt": "7 notificações não lidas, 3 de nov. de 2026",
	"ru": "7 непрочитанных уведомлений, 3 нояб. 2026 г.",
	"de": "7 ungelesene Benachrichtigungen, Di., 3. Nov. 2026",
	"ar": "7 إشعارات غير مقروءة، الثلاثاء 3 نوفمبر 2026",
}

// shortened is the one line that is left of a long string in so many characters.
func shortened(raw, line string, most int) string {
	if line == "" {
		line = raw
	}
	characters := []rune(line)
	if len(characters) <= most {
		return line
	}
	head := string(characters[:most-1])
	if space := strings.LastIndexByte(head, ' '); space > len(head)*3/4 {
		head = head[:space]
	}
	return strings.TrimRight(head, " ") + "…"
}
