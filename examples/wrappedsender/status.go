package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/bellwether-go/notify"
)

// statusError is an answer that was no success.
type statusError struct {
	status int
	after  time.Duration // what Retry-After said
}

// Error implements error.
func (e *statusError) Error() string { return fmt.Sprintf("status %d", e.status) }

// spelled finds the status in the words of a service that has no other place
// for it.
type spelled struct{ Sender }

// status is how the services write it.
var status = regexp.MustCompile(`status code:? ([1-9][0-9]{2})\b`)

// Send implements Sender.
func (s spelled) Send(ctx context.Context, subject, message string) error {
	err := s.Sender.Send(ctx, subject, message)
	if err == nil {
		return nil
	}
	if found := status.FindStringSubmatch(err.Error()); found != nil {
		code, _ := strconv.Atoi(found[1]) // three digits
		return &statusError{status: code}
	}
	return err
}

// classOf tells what follows from an error of a service over HTTP.
func classOf(err error) notify.DeliveryError {
	answer, ok := errors.AsType[*statusError](err)
	if !ok {
		if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
			return notify.DeliveryError{}
		}
		return notify.DeliveryError{Class: notify.Unknown} // it may have gone out
	}
	switch answer.status {
	case http.StatusTooManyRequests:
		return notify.DeliveryError{RetryAfter: min(max(answer.after, 0), 24*time.Hour)}
	case http.StatusUnauthorized, http.StatusForbidden:
		return notify.DeliveryError{Class: notify.Misconfigured}
	case http.StatusNotFound, http.StatusGone:
		return notify.DeliveryError{Class: notify.Gone}
	}
	if answer.status >= 500 {
		return notify.DeliveryError{}
	}
	return notify.DeliveryError{Class: notify.Permanent}
}
