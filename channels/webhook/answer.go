package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bellwether-go/notify"
)

var errURL = errors.New("notify/webhook: the URL cannot be asked")

// judge tells what follows from an answer.
func judge(status int, after time.Duration) error {
	f := &notify.DeliveryError{RetryAfter: after, Err: fmt.Errorf("notify/webhook: status %03d", status)}
	switch status {
	case http.StatusGone:
		f.Class = notify.Gone
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusLengthRequired,
		http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusUnsupportedMediaType,
		http.StatusExpectationFailed, http.StatusUnprocessableEntity, http.StatusUpgradeRequired,
		http.StatusPreconditionRequired, http.StatusRequestHeaderFieldsTooLarge:
		f.Class = notify.Permanent
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		f.Overloaded = true
	case http.StatusRequestTimeout:
	default:
		switch {
		case status/100 == 2:
			return nil
		case status < http.StatusInternalServerError:
			// A hook that moved, closed or asks for something: may be mended,
			// and says nothing about others at the same host.
			f.Reached = true
		}
	}
	return f
}

func permanent(err error) error {
	return &notify.DeliveryError{Class: notify.Permanent, Err: err}
}
