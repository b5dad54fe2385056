package email

import (
	"bytes"
	"errors"
	"mime"
	"slices"

	mailer "github.com/jordan-wright/email"
)

var errNoBoundary = errors.New("notify/email: message without a boundary")

// appendBody appends the MIME fields, an empty line, and the two parts, text
// first. Only the parts are taken from the library: its own header has no fixed
// order and knows no folding.
//
// The library draws a boundary at random; it is replaced by the given one, so
// that a retry repeats the same bytes. One that contains "=_" cannot occur in
// quoted-printable text, whatever a notification says.
func appendBody(message, text, html []byte, boundary string) ([]byte, error) {
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
	var fields header
	fields.add("MIME-Version", "1.0")
	fields.add("Content-Type", "multipart/alternative;", `boundary="`+boundary+`"`)
	message = slices.Grow(message, fields.Len()+len(parts)+2)
	message = append(message, fields.Bytes()...)
	message = append(message, "\r\n"...)
	for before := range bytes.SplitSeq(parts, []byte("--"+random)) {
		message = append(append(message, before...), "--"+boundary...)
	}
	return message[:len(message)-len("--"+boundary)], nil // there was none after the last piece
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
