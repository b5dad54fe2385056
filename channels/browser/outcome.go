package browser

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/peer"
)

var errTooLong = errors.New("notify/browser: the message has more than a push can carry")

// answer is what a push service said.
type answer struct {
	status     int
	retryAfter time.Duration
	text       string // never told to anybody
}

func read(response *http.Response) answer {
	a := answer{status: response.StatusCode, retryAfter: peer.RetryAfter(response.Header, time.Now())}
	if response.ContentLength > 0 {
		text, _ := io.ReadAll(response.Body) // is in memory already
		a.text = string(text)
	}
	return a
}

func (a answer) tooLarge() bool { return a.status == http.StatusRequestEntityTooLarge }

// outcome tells the engine what follows from an answer. Only 404 and 410 prove
// that a subscription has ended (RFC 8030, 7.3).
func (c *Channel) outcome(a answer, from account) error {
	if a.status >= 200 && a.status <= 299 {
		c.accounts.worked(from)
		return nil
	}
	failure := &notify.DeliveryError{Err: fmt.Errorf("notify/browser: the push service answered %d", a.status)}
	switch s := a.status; {
	case s == http.StatusNotFound, s == http.StatusGone:
		failure.Class = notify.Gone
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusBadRequest:
		failure.Class = c.refusal(a, from)
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		failure.RetryAfter, failure.Overloaded = a.retryAfter, true
	case s == http.StatusRequestTimeout, s == http.StatusNotAcceptable, s == http.StatusTooEarly:
		failure.RetryAfter, failure.Reached = a.retryAfter, true
	case s >= 500:
		failure.RetryAfter = a.retryAfter
	default: // redirects too: they are not followed
		failure.Class = notify.Permanent
	}
	return failure
}

// refusal tells whose fault a refused request is: the account's, which stops
// everything to this service, or the subscription's. Subscriptions come from
// strangers, who must not be able to stop the others of their service.
func (c *Channel) refusal(a answer, from account) notify.Class {
	switch {
	case a.names("VapidPkHashMismatch", "do not correspond to the credentials", "key mismatch", "KeyMismatch"):
		return notify.Permanent // it was made with a pair of somebody else
	case c.accounts.proven(from):
		return notify.Permanent // the same account was good a moment ago
	case a.status == http.StatusUnauthorized, a.names("BadJwt", "ExpiredJwt", "InvalidJwt", "JWT", "VAPID"):
		return notify.Misconfigured
	}
	return notify.Permanent
}

// names tells whether the service gives one of these reasons.
func (a answer) names(reasons ...string) bool {
	text := strings.ToLower(a.text)
	for _, reason := range reasons {
		if strings.Contains(text, strings.ToLower(reason)) {
			return true
		}
	}
	return false
}

// refused is a message that never left.
func refused(err error) error {
	return &notify.DeliveryError{Class: notify.Permanent, Err: err}
}

// unanswered is a message to which nothing was answered. What is no failure of
// the way out is one of encryption.
func unanswered(err error) error {
	failure, ok := errors.AsType[*notify.DeliveryError](err)
	if !ok {
		return refused(errors.New("notify/browser: the message could not be encrypted"))
	}
	failure.Err = fmt.Errorf("notify/browser: %w", failure.Err)
	return failure
}
