package browser

import (
	"strings"
	"unicode"
)

// valid drops what is no UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "") }

// clean drops what has no place in a text on somebody's screen: control
// characters, and those that turn the direction of what follows, by which a
// text could pretend to be the browser's.
func clean(s string) string {
	if plain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), turns(r):
			return -1
		}
		return r
	}, valid(s))
}

// plain tells a text of ASCII in which nothing is to be cleaned.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' || c > '~' {
			return false
		}
	}
	return true
}

// oneLine is clean for a text without line breaks.
func oneLine(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(clean(s), "\n", " "))
}

func turns(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// language returns a tag of BCP 47 if the locale looks like one.
func language(locale string) string {
	if len(locale) > 35 || len(locale) < 2 || strings.ContainsFunc(locale, func(r rune) bool {
		return r != '-' && (r > 'z' || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		return ""
	}
	return locale
}

// rightToLeft tells the languages that are written from right to left.
func rightToLeft(tag string) bool {
	base, _, _ := strings.Cut(tag, "-")
	switch strings.ToLower(base) {
	case "ar", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ug", "ur", "yi":
		return true
	}
	return false
}
