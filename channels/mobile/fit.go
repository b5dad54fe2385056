package mobile

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// maxPayload is the most that both services take, in bytes.
const maxPayload = 4096

// fewWords is how much of a body, in bytes, is worth more than an icon.
const fewWords = 300

var errTooLong = errors.New("notify/mobile: the link is too long for a push")

// fit encodes a push, and makes it shorter until it is no longer than
// maxPayload: what only decorates goes if the body would have to go for it, then
// the body is shortened, then the title. Identity and link stay whole. free is
// what does not count.
func (p push) fit(encode func(push) any, free int) ([]byte, error) {
	steps := []func(over int){
		func(over int) {
			if len(p.body)-over < fewWords {
				p.content.Icon, p.thread = "", ""
			}
		},
		func(over int) { p.body = shorten(p.body, over) },
		func(over int) { p.title = shorten(p.title, over) },
	}
	for {
		payload, err := encoded(encode(p))
		if err != nil {
			return nil, err
		}
		over := len(payload) - free - maxPayload
		if over <= 0 {
			return payload, nil
		}
		if len(steps) == 0 {
			return nil, errTooLong
		}
		step := steps[0]
		steps = steps[1:]
		step(over)
	}
}

// encoded is JSON without the escapes that are for HTML.
func encoded(v any) ([]byte, error) {
	b := bytes.NewBuffer(make([]byte, 0, 1024)) // enough for most
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

const ellipsis = "…"

// shorten cuts text between two runes so that its JSON becomes at least so
// many bytes shorter, with the ellipsis that it ends with. If so much is not to
// be had, nothing is left.
func shorten(s string, by int) string {
	room := -by - len(ellipsis)
	for _, r := range s {
		room += width(r)
	}
	for i, r := range s {
		if room -= width(r); room < 0 {
			if i == 0 {
				return ""
			}
			return s[:i] + ellipsis
		}
	}
	return s
}

// width is how many bytes of JSON a rune takes.
func width(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\b', r == '\f', r == '\n', r == '\r', r == '\t':
		return 2
	case r < ' ', r == '\u2028', r == '\u2029', r == utf8.RuneError:
		return 6 // \u and four digits; malformed text may take less
	}
	return utf8.RuneLen(r)
}
