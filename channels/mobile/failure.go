package mobile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bellwether-go/notify"
)

// failure is an answer that was no success. Its text is stored and shown.
type failure struct {
	service Platform
	status  int
	code    string
}

// Error implements error.
func (f *failure) Error() string {
	s := fmt.Sprintf("notify/mobile: %s: %03d", f.service, f.status)
	if f.code != "" {
		s += " " + f.code
	}
	return s
}

// busy is how long a service that has too much to do is left alone when it does
// not say for how long.
const busy = time.Minute

// judge tells what follows from an answer of Firebase.
func (p *project) judge(a answer, token string) error {
	f := &notify.DeliveryError{Class: notify.Permanent, RetryAfter: a.after, Err: &failure{FCM, a.status, a.code}}
	switch {
	case a.status == http.StatusNotFound && a.code == "UNREGISTERED":
		f.Class = notify.Gone
	case a.status == http.StatusBadRequest && a.code == "INVALID_ARGUMENT" && a.token && !a.bad:
		// A token that never was one; or something that we do wrong, in which
		// case no other token is accepted either.
		if p.proof.others(token) {
			f.Class = notify.Gone
		}
	case a.status == http.StatusUnauthorized && a.code == "THIRD_PARTY_AUTH_ERROR":
		// The project has no valid key for Apple's devices or for browsers:
		// nothing that others must wait for, if there are others.
		if f.Class = notify.Misconfigured; p.proof.others(token) {
			f.Class, f.RetryAfter, f.Reached = notify.Temporary, max(a.after, 10*busy), true
		}
	case a.code == "SENDER_ID_MISMATCH":
		// A token of somebody else's project. Anybody can register one, so it
		// must not pause ours.
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		f.Class = notify.Misconfigured
	case a.status == http.StatusTooManyRequests:
		// That may be about the project or about one device: others need not
		// wait for it. A project that has used up its quota fails for all.
		f.Class = notify.Temporary
		if a.after == 0 {
			f.RetryAfter = busy
		}
	case a.status >= http.StatusInternalServerError:
		f.Class = notify.Unknown // Firebase is known to deliver what it answers so
		f.Overloaded = a.status == http.StatusServiceUnavailable
	case a.status < http.StatusBadRequest:
		f.Class = notify.Temporary // not from Firebase: something in between
	}
	return f
}

// judge tells what follows from an answer of Apple.
func (t *team) judge(a answer, device Device, token string, m push) error {
	f := &notify.DeliveryError{Class: notify.Permanent, RetryAfter: a.after, Err: &failure{APNs, a.status, a.code}}
	switch {
	case a.status == http.StatusGone:
		switch {
		case a.since.IsZero(): // no proof
		case a.since.Before(m.registered):
			f.Class, f.Reached = notify.Temporary, true // it lives again, and Apple will know
		default:
			f.Class = notify.Gone
		}
	case a.code == "BadDeviceToken", a.code == "DeviceTokenNotForTopic":
		if t.proof[place{device.App, device.environment()}].others(token) {
			f.Class = notify.Gone
		}
	case a.code == "BadTopic", a.code == "MissingTopic", a.code == "TopicDisallowed",
		a.status == http.StatusForbidden, a.status == http.StatusUnauthorized:
		f.Class = notify.Misconfigured
	case a.code == "TooManyProviderTokenUpdates":
		f.Class, f.RetryAfter, f.Overloaded = notify.Temporary, max(a.after, 5*busy), true
	case a.status == http.StatusTooManyRequests: // about one device
		f.Class, f.Reached = notify.Temporary, true
		if a.after == 0 {
			f.RetryAfter = busy
		}
	case a.status >= http.StatusInternalServerError, a.status < http.StatusBadRequest, a.code == "IdleTimeout":
		f.Class = notify.Temporary
		f.Overloaded = a.status == http.StatusServiceUnavailable
	}
	return f
}

func permanent(err error) error {
	return &notify.DeliveryError{Class: notify.Permanent, Err: err}
}

// stopped is for a wait that the attempt's end cut short, before anything was
// sent.
func stopped(ctx context.Context) error {
	return &notify.DeliveryError{Err: fmt.Errorf("notify/mobile: no access token: %w", context.Cause(ctx))}
}

func classOf(err error) notify.Class {
	if f, ok := errors.AsType[*notify.DeliveryError](err); ok {
		return f.Class
	}
	return notify.Temporary
}
