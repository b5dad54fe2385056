package email

import (
	"bytes"
	"errors"
	"net/textproto"
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
	raw, err := (&mailer.Email{Text: text, HTML: html, Headers: noFields}).Bytes()
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

// noFields keeps the library from making up fields that are thrown away.
var noFields = textproto.MIMEHeader{"Date": nil, "From": nil, "Message-Id": nil, "MIME-Version": nil}

func boundaryOf(head []byte) (string, error) {
	_, rest, ok := bytes.Cut(head, []byte("boundary="))
	boundary, _, _ := bytes.Cut(rest, []byte("\r\n"))
	if !ok || len(boundary) == 0 {
		return "", errNoBoundary
	}
	return string(boundary), nil
}
