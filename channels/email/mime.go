package email

import (
	"bytes"
	"errors"
	"mime"

	mailer "github.com/jordan-wright/email"
)

var errNoBoundary = errors.New("notify/email: message without a boundary")

// mimeBody returns the MIME fields, an empty line, and the two parts, text
// first. Only the parts are taken from the library: its own header has no
// fixed order and knows no folding.
//
// The library draws a boundary at random; it is replaced by the given one, so
// that a retry repeats the same bytes. One that contains "=_" cannot occur in
// quoted-printable text, whatever a notification says.
func mimeBody(text, html []byte, boundary string) ([]byte, error) {
	raw, err := (&mailer.Email{Text: text, HTML: html}).Bytes()
	if err != nil {
		return nil, err
	}
	head, parts, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		return nil, errNoBoundary
	}
	random, err := boundaryOf(head)
	if err != nil {
		return nil, err
	}
	parts = bytes.ReplaceAll(parts, []byte("--"+random), []byte("--"+boundary))

	var out header
	out.add("MIME-Version", "1.0")
	out.add("Content-Type", "multipart/alternative;", `boundary="`+boundary+`"`)
	out.WriteString("\r\n")
	out.Write(parts)
	return out.Bytes(), nil
}

func boundaryOf(head []byte) (string, error) {
	_, rest, ok := bytes.Cut(head, []byte("Content-Type: "))
	if !ok {
		return "", errNoBoundary
	}
	value, _, _ := bytes.Cut(bytes.ReplaceAll(rest, []byte("\r\n "), []byte(" ")), []byte("\r\n"))
	_, params, err := mime.ParseMediaType(string(value))
	if err != nil || params["boundary"] == "" {
		return "", errNoBoundary
	}
	return params["boundary"], nil
}
