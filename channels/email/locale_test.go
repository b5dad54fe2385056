package email

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestEveryShippedLanguageIsWhole(t *testing.T) {
	texts, err := shippedTexts()
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"ar", "de", "en", "es", "pt", "ru"}, slices.Collect(maps.Keys(texts)))
	ids := func(tag string) []string {
		var all []string
		for name := range texts[tag] {
			id, _ := cutForm(name)
			all = append(all, id)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	all, err := newLocales(nil, "Acme")
	require.NoError(t, err)
	for tag := range texts {
		assert.Equal(t, ids(fallback), ids(tag), tag)
		require.NoError(t, all[tag].try(texts[tag]))
	}
}

func TestPluralsAreThoseOfTheLanguage(t *testing.T) {
	all, err := newLocales(nil, "Acme")
	require.NoError(t, err)
	for tag, want := range map[string]map[int]string{
		"en": {1: "1 unread notification", 2: "2 unread notifications"},
		"es": {1: "1 notificación sin leer", 7: "7 notificaciones sin leer"},
		"pt": {1: "1 notificação não lida", 7: "7 notificações não lidas"},
		"de": {1: "1 ungelesene Benachrichtigung", 7: "7 ungelesene Benachrichtigungen"},
		"ru": {
			1: "1 непрочитанное уведомление", 3: "3 непрочитанных уведомления", 5: "5 непрочитанных уведомлений",
			11: "11 непрочитанных уведомлений", 21: "21 непрочитанное уведомление", 112: "112 непрочитанных уведомлений",
		},
		"ar": {
			1: "إشعار واحد غير مقروء", 2: "إشعاران غير مقروءين", 7: "7 إشعارات غير مقروءة",
			11: "11 إشعارًا غير مقروء", 100: "100 إشعار غير مقروء", 103: "103 إشعارات غير مقروءة",
		},
	} {
		for count, text := range want {
			got, err := all[tag].say("digest.heading", values{Count: count})
			require.NoError(t, err)
			assert.Equal(t, text, got)
		}
	}
}

func TestDatesAreThoseOfTheLanguage(t *testing.T) {
	all, err := newLocales(nil, "Acme")
	require.NoError(t, err)
	at := time.Date(2026, time.November, 3, 18, 5, 0, 0, berlin)
	for tag, want := range map[string]string{
		"en": "Tuesday, 3 November 2026, 18:05 (Europe/Berlin)",
		"es": "martes, 3 de noviembre de 2026, 18:05 (Europe/Berlin)",
		"pt": "terça-feira, 3 de novembro de 2026, 18:05 (Europe/Berlin)",
		"ru": "вторник, 3 ноября 2026 г., 18:05 (Europe/Berlin)",
		"de": "Dienstag, 3. November 2026, 18:05 Uhr (Europe/Berlin)",
		"ar": "الثلاثاء، 3 نوفمبر 2026، 18:05 (Europe/Berlin)",
	} {
		got, err := all[tag].say("letter.when", all[tag].dates.in(at, values{}))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestLanguagesAreNegotiated(t *testing.T) {
	all, err := newLocales(map[string]map[string]string{"zh-Hant": {"letter.view": "查看詳情"}, "fr": {"letter.view": "Voir"}}, "Acme")
	require.NoError(t, err)
	for wanted, want := range map[string]string{
		"": "en", "en": "en", "en-GB": "en", "pt-BR": "pt", "PT_br": "pt", "pt_BR.UTF-8": "pt", "de-CH-1996": "de", "ar-EG": "ar",
		"zh-Hant-TW": "zh-Hant", "zh-hant": "zh-Hant", "zh": "en", "zh-Hans": "en", "fr-CA": "fr",
		"uk": "en", "ca": "en", // related languages are others
		"nonsense": "en", "-": "en", "\r\nX: y": "en", "../de": "en", strings.Repeat("de-", 1000): "en", "\xff": "en",
	} {
		assert.Equal(t, want, all.find(wanted, all["en"]).tag, "%q", wanted)
	}
}

func TestLettersSpeakTheRecipientsLanguage(t *testing.T) {
	c := newChannel(t, func(o *Options) { o.Locale = "de" })
	for locale, want := range map[string]struct{ lang, dir, view, all string }{
		"pt-BR": {"pt", "ltr", "Ver detalhes: https://", "Ver todas as 12 notificações: https://"},
		"ar":    {"ar", "rtl", "عرض التفاصيل: https://", "عرض كل الإشعارات (12): https://"},
		"":      {"de", "ltr", "Details ansehen: https://", "Alle 12 Benachrichtigungen ansehen: https://"},
	} {
		d, g := digest()
		d.Contact.Locale = locale
		raw, err := c.PreviewDigest(d, g)
		require.NoError(t, err)
		daily := read(t, raw)
		d.Item = delivery().Item
		raw, err = c.Preview(d)
		require.NoError(t, err)
		letter := read(t, raw)
		assert.Contains(t, letter.text, want.view)
		assert.Contains(t, daily.text, want.all)
		for _, m := range []message{letter, daily} {
			assert.Contains(t, m.html, `<html lang="`+want.lang+`" dir="`+want.dir+`">`)
			assert.Equal(t, want.lang, m.Header.Get("Content-Language"))
		}
	}
}

func TestImmediateLettersTellTheTimeOfTheRecipient(t *testing.T) {
	c := newChannel(t, func(o *Options) { o.Location = berlin })
	when := func(zone string) string {
		d := delivery()
		d.Contact.TimeZone = zone
		raw, err := c.Preview(d)
		require.NoError(t, err)
		text := read(t, raw).text
		_, text, _ = strings.Cut(text, "\n\n")
		line, _, _ := strings.Cut(text, "\n")
		return line
	}
	assert.Equal(t, "Tuesday, 3 November 2026, 13:42 (America/Sao_Paulo)", when("America/Sao_Paulo"))
	for _, zone := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd", "a\x00b"} {
		assert.Equal(t, "Tuesday, 3 November 2026, 17:42 (Europe/Berlin)", when(zone), "%q", zone)
	}
	d := delivery()
	d.Item.Notification.OccurredAt = time.Date(2026, 10, 31, 23, 30, 0, 0, time.UTC)
	raw, err := c.Preview(d)
	require.NoError(t, err)
	assert.Contains(t, read(t, raw).text, "Sunday, 1 November 2026, 00:30 (Europe/Berlin)")
}

func TestZonesAreRememberedWithinBounds(t *testing.T) {
	var z zones
	for i := range maxZones + 10 {
		name := "Europe" + strings.Repeat("/", 1+i) + "Berlin"
		_ = z.find(name, time.UTC)
		require.LessOrEqual(t, len(z.known), maxZones)
	}
}

func TestHostsChangeAndAddTexts(t *testing.T) {
	c := newChannel(t, func(o *Options) {
		o.Locales = map[string]map[string]string{
			"de": {"letter.view": "Zum <Vorgang>", "digest.heading.one": "Eine Neuigkeit"},
			"he": {"letter.view": "לפרטים", "digest.heading.other": "{{.Count}} הודעות"},
		}
	})
	d := delivery()
	d.Contact.Locale = "de-AT"
	raw, err := c.Preview(d)
	require.NoError(t, err)
	assert.Contains(t, read(t, raw).text, "Zum <Vorgang>: https://")
	assert.Contains(t, read(t, raw).html, "Zum &lt;Vorgang&gt;</a>", "a text is no markup")
	assert.Contains(t, read(t, raw).text, "Benachrichtigungen verwalten", "the rest stays")

	d, g := digest()
	d.Contact.Locale = "he-IL"
	raw, err = c.PreviewDigest(d, g)
	require.NoError(t, err)
	m := read(t, raw)
	assert.Contains(t, m.text, "12 הודעות\n")
	assert.Contains(t, m.text, "Manage notifications", "what is missing is English")
	assert.Contains(t, m.html, `<html lang="he" dir="rtl">`)
	d.Contact.Locale, g.Items, g.Total = "de", g.Items[:1], 1
	raw, err = c.PreviewDigest(d, g)
	require.NoError(t, err)
	assert.Equal(t, "Eine Neuigkeit, Di., 3. Nov. 2026", read(t, raw).subject(t))
}

func TestBadTextsAreFoundAtTheStart(t *testing.T) {
	for name, change := range map[string]map[string]map[string]string{
		"no tag":          {"nonsense!": {"letter.view": "x"}},
		"root":            {"und": {"letter.view": "x"}},
		"no plurals":      {"tlh": {"letter.view": "x"}},
		"NUL":             {"de": {"letter.view": "a\x00"}},
		"not UTF-8":       {"de": {"letter.view": "\xff"}},
		"broken template": {"de": {"letter.when": "{{.Day"}},
		"no such value":   {"de": {"digest.heading.few": "x", "digest.heading.other": "{{.Number}}"}},
		"eleven months":   {"de": {"date.months": "a|b|c|d|e|f|g|h|i|j|k"}},
		"months dated":    {"de": {"date.months": "{{.Day}}"}},
	} {
		_, err := New(Options{Relay: "localhost:25", From: "a@acme.example", Locales: change})
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad, name)
		assert.Equal(t, "Locales", bad.Field, name)
	}
}

func TestNamesDoNotTurnTheDirectionOfTheSentence(t *testing.T) {
	d := delivery()
	d.Contact.Locale = "ar"
	raw, err := newChannel(t, func(o *Options) { o.Brand.Name = "Acme, Inc." }).Preview(d)
	require.NoError(t, err)
	assert.Contains(t, read(t, raw).text, "أُرسلت من \u2068Acme, Inc.\u2069.")
}
