package notifytest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

// Letter is an e-mail as its reader sees it.
type Letter struct {
	Envelope // zero for a letter that was not sent

	Header  mail.Header
	Subject string // decoded
	Text    string // the text/plain part, decoded, lines end in \n
	HTML    string // the text/html part, alike
	Raw     []byte // all of it
}

// Envelope is what a mail server was told about a letter.
type Envelope struct {
	From, To  string
	Hello     string // the name that the sender gave
	User      string // who had authenticated
	Encrypted bool   // it came over TLS
}

// Composer lays out letters without sending them, as *email.Channel does.
type Composer interface {
	Preview(d notify.Delivery) ([]byte, error)
	PreviewDigest(d notify.Delivery, digest notify.Digest) ([]byte, error)
}

// Letter returns the letter that the composer makes of a call of the e-mail
// channel's recorder: the exact letter that the recipient would have got.
func (c *Center) Letter(composer Composer, call channeltest.Call) Letter {
	c.t.Helper()
	var raw []byte
	var err error
	if call.Digest != nil {
		raw, err = composer.PreviewDigest(call.Delivery, *call.Digest)
	} else {
		raw, err = composer.Preview(call.Delivery)
	}
	if err != nil {
		c.t.Fatalf("notifytest: the letter for %s: %v", call.Recipient.ID, err)
	}
	letter, err := ParseLetter(raw)
	if err != nil {
		c.t.Fatalf("notifytest: the letter for %s: %v", call.Recipient.ID, err)
	}
	return letter
}

// ParseLetter reads a message of RFC 5322 with its MIME parts.
func ParseLetter(raw []byte) (Letter, error) {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Letter{}, fmt.Errorf("notifytest: letter: %w", err)
	}
	l := Letter{Header: message.Header, Subject: message.Header.Get("Subject"), Raw: bytes.Clone(raw)}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(l.Subject); err == nil {
		l.Subject = decoded
	}
	if err := l.read(part{message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body}, maxParts); err != nil {
		return Letter{}, fmt.Errorf("notifytest: letter: %w", err)
	}
	return l, nil
}

// maxParts is how deep parts may be nested.
const maxParts = 10

// part is a piece of a message.
type part struct {
	contentType, encoding string
	body                  io.Reader
}

// read keeps what is text of a part and of those within it.
func (l *Letter) read(p part, depth int) error {
	if depth == 0 {
		return errors.New("parts within parts without end")
	}
	if p.contentType == "" {
		p.contentType = "text/plain"
	}
	media, params, err := mime.ParseMediaType(p.contentType)
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(p.body, params["boundary"])
		for {
			inner, err := parts.NextRawPart()
			if err == io.EOF { // an EOF that is wrapped is one before the last boundary
				return nil
			}
			if err != nil {
				return fmt.Errorf("part: %w", err)
			}
			if err := l.read(part{inner.Header.Get("Content-Type"), inner.Header.Get("Content-Transfer-Encoding"), inner}, depth-1); err != nil {
				return err
			}
		}
	}
	text, err := p.decoded()
	if err != nil {
		return fmt.Errorf("%s: %w", media, err)
	}
	switch media {
	case "text/plain":
		l.Text += text
	case "text/html":
		l.HTML += text
	}
	return nil
}

// decoded is the content of a part.
func (p part) decoded() (string, error) {
	body := p.body
	switch strings.ToLower(strings.TrimSpace(p.encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "", "7bit", "8bit", "binary":
	default:
		return "", fmt.Errorf("encoding %q is not known", p.encoding)
	}
	text, err := io.ReadAll(body)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}
