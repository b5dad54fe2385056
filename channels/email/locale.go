package email

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locales
var localeFiles embed.FS

// fallback is the language of a text that a locale lacks, and of a letter to
// somebody whose language nobody knows.
const fallback = "en"

// locale is one language of letters.
type locale struct {
	tag       string // BCP 47: "pt", "zh-Hant"
	direction string // "ltr" or "rtl"
	texts     map[string]string
	localizer *i18n.Localizer
	dates     dateNames
	sent      string // by whom
}

// values are what a text with placeholders may show.
type values struct {
	Count   int
	Name    string // of the sender
	Heading string // of a digest

	Weekday, WeekdayShort string
	Day                   int
	Month, MonthShort     string
	Year                  int
	Time                  string // "18:00"
	Zone                  string // "Europe/Berlin"
}

// locales are all languages of a channel, by their tags in lower case.
type locales map[string]*locale

// newLocales builds the shipped languages with the host's changes to them, and
// those that the host adds. What the host changed is tried, so that a bad text is
// found here and not in a letter.
func newLocales(changes map[string]map[string]string, sender string) (locales, error) {
	texts, err := shippedTexts()
	if err != nil {
		return nil, err
	}
	for raw, change := range changes {
		tag, err := language.Parse(raw)
		if err != nil || tag.IsRoot() {
			return nil, invalid("Locales", "%q is no language tag", raw)
		}
		if texts[tag.String()] == nil {
			texts[tag.String()] = make(map[string]string)
		}
		maps.Copy(texts[tag.String()], change)
	}
	bundle := i18n.NewBundle(language.English)
	for tag, forms := range texts {
		if err := bundle.AddMessages(language.MustParse(tag), messages(forms)...); err != nil {
			return nil, invalid("Locales", "%s: its plurals are unknown", tag)
		}
	}
	all := make(locales)
	for tag := range texts {
		l, err := newLocale(bundle, tag, texts)
		if err != nil {
			return nil, err
		}
		all[strings.ToLower(tag)] = l
	}
	for raw, change := range changes {
		if err := all.find(raw, nil).try(change); err != nil {
			return nil, err
		}
	}
	for _, l := range all {
		if l.sent, err = l.say("footer.sent", values{Name: l.isolate(sender)}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// shippedTexts reads our own catalogue: texts by language and name. The name of
// a text that depends on a number ends in a plural form of the CLDR.
func shippedTexts() (map[string]map[string]string, error) {
	files, err := fs.Glob(localeFiles, "locales/*.json")
	if err != nil {
		return nil, err
	}
	texts := make(map[string]map[string]string)
	for _, file := range files {
		raw, err := localeFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var forms map[string]string
		if err := json.Unmarshal(raw, &forms); err != nil {
			return nil, fmt.Errorf("notify/email: %s: %w", file, err)
		}
		texts[strings.TrimSuffix(path.Base(file), ".json")] = forms
	}
	return texts, nil
}

// messages puts the plural forms of each text together.
func messages(forms map[string]string) []*i18n.Message {
	byID := make(map[string]*i18n.Message)
	for name, text := range forms {
		id, form := cutForm(name)
		m := byID[id]
		if m == nil {
			m = &i18n.Message{ID: id}
			byID[id] = m
		}
		switch form {
		case "zero":
			m.Zero = text
		case "one":
			m.One = text
		case "two":
			m.Two = text
		case "few":
			m.Few = text
		case "many":
			m.Many = text
		default:
			m.Other = text
		}
	}
	return slices.Collect(maps.Values(byID))
}

// cutForm takes the plural form off the name of a text; "other" is that of a
// text without forms.
func cutForm(name string) (id, form string) {
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		switch form := name[dot+1:]; form {
		case "zero", "one", "two", "few", "many", "other":
			return name[:dot], form
		}
	}
	return name, "other"
}

func newLocale(bundle *i18n.Bundle, tag string, texts map[string]map[string]string) (*locale, error) {
	l := &locale{tag: tag, direction: direction(tag), texts: make(map[string]string), localizer: i18n.NewLocalizer(bundle, tag)}
	for _, source := range []string{fallback, tag} {
		for name, text := range texts[source] {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return nil, invalid("Locales", "%s: %s has a NUL or is not UTF-8", source, name)
			}
			if id, form := cutForm(name); form == "other" && !strings.Contains(text, "{{") {
				l.texts[id] = text
			} else {
				delete(l.texts, id)
			}
		}
	}
	var err error
	if l.dates, err = newDateNames(l.texts); err != nil {
		return nil, invalid("Locales", "%s: %v", tag, err)
	}
	return l, nil
}

// try says each of the texts, in every plural form of every language.
func (l *locale) try(texts map[string]string) error {
	for name := range texts {
		id, _ := cutForm(name)
		for count := range 112 {
			if _, err := l.say(id, l.dates.in(time.Unix(0, 0).UTC(), values{Count: count})); err != nil {
				return invalid("Locales", "%s: %s cannot be used", l.tag, name)
			}
		}
	}
	return nil
}

// direction is that of the script in which a language is written.
func direction(tag string) string {
	script, _ := language.MustParse(tag).Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg", "Samr", "Mand":
		return "rtl"
	}
	return "ltr"
}

// find negotiates: "pt-BR" is pt unless the host has texts for pt-BR itself, and
// what nobody has is otherwise. Languages are never taken for one another,
// however close.
func (all locales) find(wanted string, otherwise *locale) *locale {
	wanted, _, _ = strings.Cut(strings.ToLower(wanted), ".") // a locale of POSIX
	wanted = strings.ReplaceAll(wanted, "_", "-")
	for len(wanted) < 100 && wanted != "" {
		if l := all[wanted]; l != nil {
			return l
		}
		wanted = wanted[:max(strings.LastIndexByte(wanted, '-'), 0)]
	}
	return otherwise
}

// say returns a text with its placeholders filled in; the plural form is that
// of Count.
func (l *locale) say(id string, v values) (string, error) {
	if text, ok := l.texts[id]; ok {
		return text, nil
	}
	text, err := l.localizer.Localize(&i18n.LocalizeConfig{MessageID: id, PluralCount: v.Count, TemplateData: v})
	if text == "" && err != nil {
		return "", invalid("Locales", "%s: no text %q", l.tag, id)
	}
	return text, nil // with an error it is the fallback's, or another form
}

// align is the side at which lines begin, for mail programs that do not know
// "start".
func (l *locale) align() string {
	if l.direction == "rtl" {
		return "right"
	}
	return "left"
}

// isolate keeps a name from turning the direction of the sentence around it.
func (l *locale) isolate(name string) string {
	if l.direction == "rtl" {
		return "\u2068" + name + "\u2069"
	}
	return name
}
