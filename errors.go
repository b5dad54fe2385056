package notify

import (
	"errors"
	"fmt"
)

// The conditions a caller may branch on with [errors.Is]. Messages carry
// details; [InvalidError] carries the field.
var (
	// ErrConflict: a stale preferences version, or a key that was used with
	// other content.
	ErrConflict = errors.New("notify: conflict")
	// ErrInvalid: bad input; nothing was stored. See [InvalidError].
	ErrInvalid = errors.New("notify: invalid")
	// ErrNotFound: there is no such thing, or it belongs to someone else.
	ErrNotFound = errors.New("notify: not found")
	// ErrLeaseLost: another worker holds the task now; nothing was changed.
	ErrLeaseLost = errors.New("notify: lease lost")
	// ErrRunning: Run or Drain is already at work on this Notifier.
	ErrRunning = errors.New("notify: already running")
)

// InvalidError names the field that was refused and why. It is an ErrInvalid.
type InvalidError struct {
	Field  string // path of the field as in Go: "To[3].ID", "Channels[fax]"
	Reason string
}

// Error implements error.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("notify: invalid %s: %s", e.Field, e.Reason)
}

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
