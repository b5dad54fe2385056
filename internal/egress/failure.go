package egress

import (
	"errors"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/peer"
)

// forbidden is what the guard answers the dialer.
type forbidden struct{}

var _ peer.Plain = forbidden{}

// Error implements error. It reads like a lookup that failed, so that nobody
// can find out which names exist inside.
func (forbidden) Error() string { return "the name could not be looked up" }

// Plain implements [peer.Plain].
func (forbidden) Plain() {}

// explain turns silence into an error of the engine. A request that did not
// leave was not accepted by anybody; one that did may have been.
func explain(err error) error {
	failure := &notify.DeliveryError{Class: notify.Temporary, Err: err}
	if silence, ok := errors.AsType[*peer.Silence](err); ok && silence.Sent {
		failure.Class = notify.Unknown
	}
	return failure
}
