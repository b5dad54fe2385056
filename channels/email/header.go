package email

import (
	"bytes"
	"encoding/base64"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// The limits of RFC 5322 for a line, without CRLF. The longest token that can
// be written is a link of List-Unsubscribe, which has to fit by itself.
const (
	softLine = 78
	hardLine = 998
)

// maxWord is the longest word that is written as it is; it leaves room for the
// name of any of our fields on the same line.
const maxWord = 60

// header collects fields in the order in which they are written.
type header struct{ bytes.Buffer }

// add writes a field of words, which must be printable ASCII without spaces,
// and folds it between them.
func (h *header) add(name string, words ...string) {
	h.WriteString(name)
	h.WriteByte(':')
	line := len(name) + 1
	for i, word := range words {
		if line+1+len(word) > softLine && i > 0 {
			h.WriteString("\r\n")
			line = 0
		}
		h.WriteByte(' ')
		h.WriteString(word)
		line += 1 + len(word)
	}
	h.WriteString("\r\n")
}

// textWords are the words of unstructured text, encoded (RFC 2047) if any of
// them could not be written or read as it is.
func textWords(s string) []string {
	words := strings.Fields(s)
	for _, w := range words {
		if len(w) > maxWord || !plainASCII(w) || strings.Contains(w, "=?") {
			return encodedWords(s)
		}
	}
	return words
}

// quoted escapes what ends a quoted string.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// mailboxWords are the words of an address with its name.
func mailboxWords(a mail.Address) []string {
	address := "<" + a.Address + ">"
	words := strings.Fields(a.Name)
	if len(words) == 0 {
		return []string{address}
	}
	quote := false
	for _, w := range words {
		if len(w) > maxWord || !plainASCII(w) || strings.Contains(w, "=?") {
			return append(encodedWords(a.Name), address)
		}
		quote = quote || strings.ContainsFunc(w, notAtom)
	}
	if quote {
		// A quoted string may be folded at its spaces like any other text.
		for i, w := range words {
			words[i] = quoted.Replace(w)
		}
		words[0] = `"` + words[0]
		words[len(words)-1] += `"`
	}
	return append(words, address)
}

// encodedWords writes text as base64 words, none of which splits a character.
func encodedWords(s string) []string {
	const most = 39 // bytes: 52 in base64, 64 with what surrounds them
	var words []string
	for s != "" {
		cut := min(most, len(s))
		for cut < len(s) && !utf8.RuneStart(s[cut]) {
			cut--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:cut]))+"?=")
		s = s[cut:]
	}
	return words
}

// plainASCII tells a word of printable ASCII without spaces.
func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}
