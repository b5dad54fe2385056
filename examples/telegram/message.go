package main

import (
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is how long a message may be once its markup is taken away, in the
// units in which the Bot API counts: those of UTF-16.
const maxText = 4096

// message is a text in the parse mode HTML, with buttons under it.
type message struct {
	markup  strings.Builder
	size    int // of what is shown
	full    bool
	buttons []button
}

// button opens a link.
type button struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// bold begins a line in bold.
func (m *message) bold(text string) {
	m.markup.WriteString("<b>")
	m.write(text)
	m.markup.WriteString("</b>")
}

// line begins a line of texts. What does not fit is left out.
func (m *message) line(texts ...string) {
	m.write("\n" + strings.Join(texts, ""))
}

// write adds a text, cut where the message is full. It is cut before it is
// escaped, so that neither a character nor an entity is broken in two.
func (m *message) write(text string) {
	if m.full {
		return
	}
	text = shown(text)
	room := maxText - m.size - 1 // for the ellipsis
	for i, r := range text {
		if room -= units(r); room < 0 {
			text, m.full = text[:i]+"…", true
			break
		}
	}
	for _, r := range text {
		m.size += units(r)
	}
	m.markup.WriteString(html.EscapeString(text))
}

// units are how many of UTF-16 a character takes.
func units(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

// shown is a text without what no reader is meant to see: broken characters,
// controls, and what changes the direction of all that follows.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == utf8.RuneError, unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, text)
}

// links are those buttons that the Bot API takes: with a text, to the web.
func links(buttons ...button) []button {
	var kept []button
	for _, b := range buttons {
		u, err := url.Parse(b.URL)
		b.Text = strings.TrimSpace(shown(b.Text))
		if err == nil && b.Text != "" && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			b.URL = u.String()
			kept = append(kept, b)
		}
	}
	return kept
}
