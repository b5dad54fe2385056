package email

import (
	"encoding/base64"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMailboxesAreReadAsWritten(t *testing.T) {
	for _, name := range []string{
		"", "Jane", "Jane Doe", "Doe, Jane", `Jane "JD" Doe`, `back\slash`, "Jörg Müller", "=?utf-8?q?trick?=",
		"a@b.example", "<evil@x.example>", "Jane (home)", strings.Repeat("long ", 19) + "x", strings.Repeat("x", 100),
		strings.Repeat("Zoë ", 24), "名前", "O'Neill; Co:",
	} {
		var h header
		h.add("To", mailboxWords(mail.Address{Name: name, Address: "jane@customer.example"})...)
		for line := range strings.SplitSeq(h.String(), "\r\n") {
			assert.LessOrEqual(t, len(line), softLine)
		}
		m, err := mail.ReadMessage(strings.NewReader(h.String() + "\r\n"))
		require.NoError(t, err)
		require.Len(t, m.Header, 1)
		got, err := m.Header.AddressList("To")
		require.NoError(t, err, h.String())
		require.Len(t, got, 1)
		assert.Equal(t, name, got[0].Name)
		assert.Equal(t, "jane@customer.example", got[0].Address)
	}
}

func TestTextsAreReadAsWritten(t *testing.T) {
	for _, text := range []string{
		"Plain", "Two words", "=?utf-8?q?trick?=", strings.Repeat("many words ", 40) + "end", strings.Repeat("x", 500),
		"ümlaut", strings.Repeat("日本語", 50), "mixed ascii and 🙂 " + strings.Repeat("🙂", 60), "a: b", ".",
	} {
		var h header
		h.add("Subject", textWords(text)...)
		for line := range strings.SplitSeq(h.String(), "\r\n") {
			assert.LessOrEqual(t, len(line), softLine)
		}
		m, err := mail.ReadMessage(strings.NewReader(h.String() + "\r\n"))
		require.NoError(t, err)
		got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		require.NoError(t, err)
		assert.Equal(t, text, got)
		for _, word := range textWords(text) { // each has to make sense by itself (RFC 2047, section 5)
			if encoded, ok := strings.CutPrefix(word, "=?utf-8?B?"); ok {
				part, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(encoded, "?="))
				require.NoError(t, err)
				assert.True(t, utf8.Valid(part), "%q splits a character", part)
			}
		}
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb": "a b", "a\tb": "a b", "  a   b ": "a b", "a\u202eb\u2069": "ab", "a\u2028b": "a b", "a\x1bb": "a b", "a\u0085b": "a b",
	} {
		assert.Equal(t, want, oneLine(in))
	}
}

func TestParagraphs(t *testing.T) {
	assert.Equal(t, [][]string{{"a", "b"}, {"c d"}}, paragraphs("\r\na\r\nb  \r\n\r\n\nc\td\x00\x1b\n"))
	assert.Nil(t, paragraphs(" \n\t\n"))
}

func TestShorten(t *testing.T) {
	assert.Equal(t, "abc", shorten("abc", 3))
	assert.Equal(t, "ab…", shorten("abcd", 3))
	assert.Equal(t, "äö…", shorten("äöüß", 3))
	assert.Equal(t, "one two three…", shorten("one two three four", 16))
	assert.Empty(t, shorten("abc", 0))
}

func TestListLabels(t *testing.T) {
	for in, want := range map[string]string{
		"billing": "billing", "Billing.EU": "billing-eu", "": "provider", "\r\nX: y": "x--y", "ü": "provider",
		strings.Repeat("a", 190): strings.Repeat("a", 63), "-": "provider",
	} {
		assert.Equal(t, want, listLabel(in))
	}
}
