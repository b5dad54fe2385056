package email

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest display name, in characters; more is cut off.
const maxName = 100

// badText tells text that no notification should have: the core refuses it
// too, but a letter may be composed without having gone through it.
func badText(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) }

// isControl tells characters that have no place in a name, an address or a
// link: they end lines, hide text, or turn its direction.
func isControl(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// oneLine makes text fit for a header or a heading: controls that separate
// become one space, those that turn the direction go away.
func oneLine(s string) string {
	if tidy(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case isControl(r):
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// tidy tells text of printable ASCII without spaces to spare, which is common
// and needs no more looking at.
func tidy(s string) bool {
	space := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && space {
			return false
		}
		space = s[i] == ' '
	}
	return !space || s == ""
}

// lineEnds makes every end of a line the same.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n")

// paragraphs splits text at empty lines into paragraphs of lines. Bidirectional
// controls stay: each line is a block of its own, which confines them.
func paragraphs(s string) [][]string {
	s = lineEnds.Replace(s)
	var all [][]string
	var open []string
	for line := range strings.SplitSeq(s, "\n") {
		if !tidy(line) {
			line = strings.TrimRightFunc(strings.Map(dropControl, line), unicode.IsSpace)
		}
		if line != "" {
			open = append(open, line)
		} else if len(open) > 0 {
			all, open = append(all, open), nil
		}
	}
	if len(open) > 0 {
		all = append(all, open)
	}
	return all
}

func dropControl(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case unicode.IsControl(r):
		return -1
	}
	return r
}

// shorten cuts text to so many characters, at a space if one is near.
func shorten(s string, limit int) string {
	if limit <= 0 {
		return ""
	}
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	cut := 0
	for range limit - 1 {
		_, size := utf8.DecodeRuneInString(s[cut:])
		cut += size
	}
	head := s[:cut]
	if space := strings.LastIndexByte(head, ' '); space > len(head)*3/4 {
		head = head[:space]
	}
	return strings.TrimRightFunc(head, unicode.IsSpace) + "…"
}
