package browser

import (
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

// records are the sizes of the encrypted record that are used, largest first.
// All are below the 3,070 bytes that some push services take and the 4,096 that
// all should (RFC 8030, 7.2). webpush-go fills the record up, so that its size
// tells nothing about the length of the message.
var records = [...]int{3070, 2048, 1024}

// overhead is what is not plaintext in a record: salt, sizes and the key of
// RFC 8188 (86 bytes), the end of the padding and the tag of AES-GCM.
const overhead = 86 + 1 + 16

// readable is the least of a text that still says something.
const readable = 80

// fitted is a message that fits its record.
type fitted struct {
	text   []byte
	record int
	topic  string
}

// fit encodes a delivery for a record of at most that size, and takes the
// smallest that holds it.
func fit(d notify.Delivery, most int) (fitted, error) {
	m := message(d)
	text, err := encode(m)
	if err != nil {
		return fitted{}, err
	}
	if limit := most - overhead; len(text) > limit {
		if text, err = shrink(m, len(text), limit, link(d.Links.Inbox)); err != nil {
			return fitted{}, err
		}
	}
	return fitted{text, smallest(len(text)), m.Notification.Tag}, nil
}

// shrink takes away from a message of that size what can be spared most, step by
// step, until it is within the limit.
func shrink(m *Message, size, limit int, inbox string) ([]byte, error) {
	n := &m.Notification
	for _, step := range []func(over int){
		func(over int) { n.Body = shorten(n.Body, over, readable) },
		func(int) { n.Actions = nil },
		func(int) { n.Icon = "" },
		func(over int) { n.Body = shorten(n.Body, over, 0) },
		func(over int) { n.Title = shorten(n.Title, over, readable) },
		func(int) {
			if len(n.Navigate) > len(inbox) {
				n.Navigate = inbox
			}
		},
		func(int) { n.Data.Provider = "" },
		func(int) { n.Navigate = "" },
		func(over int) { n.Title = shorten(n.Title, over, 0) },
	} {
		step(size - limit)
		text, err := encode(m)
		if err != nil || len(text) <= limit {
			return text, err
		}
		size = len(text)
	}
	return nil, errTooLong
}

// smallest returns the smallest record for so much plaintext.
func smallest(plain int) int {
	size := records[0]
	for _, r := range records {
		if plain <= r-overhead {
			size = r
		}
	}
	return size
}

// shorten takes at least over bytes off a text as JSON has it, but leaves about
// least. It cuts between characters and marks the cut.
func shorten(text string, over, least int) string {
	const mark = "…"
	size := 0
	for _, r := range text {
		size += escaped(r)
	}
	keep := max(size-over-len(mark), least)
	if size <= keep+len(mark) {
		return text
	}
	used := 0
	for i, r := range text {
		if used += escaped(r); used > keep {
			if i == 0 {
				return ""
			}
			return text[:i] + mark
		}
	}
	return text
}

// escaped is the length of a character in JSON.
func escaped(r rune) int {
	switch {
	case r == '"', r == '\\', r == '\n', r == '\r', r == '\t', r == '\b', r == '\f':
		return 2
	case r < ' ', r == '\u2028', r == '\u2029':
		return 6
	}
	return utf8.RuneLen(r)
}

// nextSmaller is the record below a size.
func nextSmaller(record int) int {
	for _, r := range records {
		if r < record {
			return r
		}
	}
	return records[len(records)-1]
}
