package notifytest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/bellwether-go/notify/channels/channeltest"
)

// Behave makes the server a peer for the checks of channeltest: from now on it
// treats every request like that, with the status that most services have for
// it. Its refusals are rude, and repeat what they were asked.
func (h *HTTP) Behave(b channeltest.Behavior) error {
	return h.behave("HTTP", b, func(r HTTPRequest) string { return fmt.Sprintf("%s with %s and\r\n%s", r.Path, r.Header, r.Body) })
}

// Behave is like [HTTP.Behave].
func (p *Push) Behave(b channeltest.Behavior) error {
	return p.behave("Push", b, func(r PushRequest) string { return fmt.Sprintf("%s with %s and\r\n%s", r.Endpoint, r.Header, r.Text) })
}

// Behave is like [HTTP.Behave], but that there is nothing a receiver could find
// misconfigured: it has no account of the sender.
func (w *Webhook) Behave(b channeltest.Behavior) error {
	if b == channeltest.Misconfigured {
		return unsupported("Webhook", b)
	}
	return w.behave("Webhook", b, func(r WebhookRequest) string { return fmt.Sprintf("%s with %s and\r\n%s", r.Path, r.Header, r.Body) })
}

func (s *Sink[R]) behave(service string, b channeltest.Behavior, asked func(R) string) error {
	reply, known := map[channeltest.Behavior]Reply{
		channeltest.Accept:        {},
		channeltest.Temporary:     {Status: http.StatusServiceUnavailable},
		channeltest.RetryAfter:    {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {strconv.Itoa(int(channeltest.Wait.Seconds()))}}},
		channeltest.Permanent:     {Status: http.StatusUnprocessableEntity},
		channeltest.Gone:          {Status: http.StatusGone},
		channeltest.Misconfigured: {Status: http.StatusUnauthorized},
		channeltest.Hang:          {Delay: 24 * time.Hour},
		channeltest.Drop:          {Reset: true},
		channeltest.Garbage:       {Status: 999, Body: "\x00\xff<html>"},
		channeltest.Flood:         {Status: http.StatusServiceUnavailable, Endless: true},
		channeltest.Ramble:        {Status: http.StatusOK, Endless: true},
	}[b]
	if !known {
		return unsupported(service, b)
	}
	s.Answer(func(r R) Reply {
		rude := reply
		if rude.Status != 0 && rude.Body == "" {
			rude.Body = "no " + asked(r)
		}
		return rude
	})
	return nil
}

func unsupported(service string, b channeltest.Behavior) error {
	return fmt.Errorf("notifytest: %s has no %q: %w", service, string(b), errors.ErrUnsupported)
}
