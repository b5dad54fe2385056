package main

import (
	"cmp"
	"mime"
	"slices"
	"time"

	"github.com/bellwether-go/notify/notifytest"
)

// postOffice is a mail server on loopback that keeps what it is given.
type postOffice struct{ *notifytest.SMTP }

// letter is a mail as a reader would see it.
type letter struct{ notifytest.Letter }

func openPostOffice() (postOffice, error) {
	server, err := notifytest.OpenSMTP(&notifytest.SMTPOptions{NoTLS: true}) // the demo's relay is this machine
	return postOffice{server}, err
}

// received returns the letters after the first skip ones. They come over several
// connections at a time, so they are put into an order for the eye.
func (p postOffice) received(skip int) []letter {
	var letters []letter
	for _, l := range p.Accepted()[skip:] {
		letters = append(letters, letter{l})
	}
	slices.SortStableFunc(letters, func(a, b letter) int {
		return cmp.Or(cmp.Compare(a.To, b.To), a.sent().Compare(b.sent()))
	})
	return letters
}

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
