package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// postOffice is a mail server on loopback that keeps what it is given.
type postOffice struct {
	server *smtp.Server
	addr   string

	mu      sync.Mutex
	letters []letter
}

// letter is a mail as a reader would see it.
type letter struct {
	Envelope string // whom the server was told to deliver it to
	Header   mail.Header
	Text     string
}

func openPostOffice() (*postOffice, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	p := &postOffice{addr: listener.Addr().String()}
	p.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &conversation{office: p}, nil
	}))
	p.server.Domain = "localhost"
	go p.server.Serve(listener) // ends with Close
	return p, nil
}

// Close ends the server; what it received stays.
func (p *postOffice) Close() error { return p.server.Close() }

// received returns the letters after the first skip ones. They come over several
// connections at a time, so they are put into an order for the eye.
func (p *postOffice) received(skip int) []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	letters := slices.Clone(p.letters[skip:])
	slices.SortStableFunc(letters, func(a, b letter) int {
		return cmp.Or(cmp.Compare(a.Envelope, b.Envelope), a.sent().Compare(b.sent()))
	})
	return letters
}

// conversation is one SMTP session.
type conversation struct {
	office *postOffice
	to     string
}

func (c *conversation) Mail(string, *smtp.MailOptions) error { return nil }

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.to = to
	return nil
}

func (c *conversation) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	text, err := plainText(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body)
	if err != nil {
		return err
	}
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.letters = append(c.office.letters, letter{Envelope: c.to, Header: message.Header, Text: text})
	return nil
}

func (c *conversation) Reset()        { c.to = "" }
func (c *conversation) Logout() error { return nil }

// decoded returns a header in readable form.
func (l letter) decoded(name string) string {
	value := l.Header.Get(name)
	if decoded, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		return decoded
	}
	return value
}

// sent returns the Date; zero if there is none.
func (l letter) sent() time.Time {
	date, err := l.Header.Date()
	if err != nil {
		return time.Time{}
	}
	return date
}

// plainText finds the text/plain part of a body.
func plainText(contentType, encoding string, body io.Reader) (string, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", fmt.Errorf("content type: %w", err)
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return "", nil
			}
			if err != nil {
				return "", fmt.Errorf("part: %w", err)
			}
			text, err := plainText(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
			if text != "" || err != nil {
				return text, err
			}
		}
	}
	if media != "text/plain" {
		return "", nil
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))), err
}
