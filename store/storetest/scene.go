package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

// scene is the stage of one check: the store, and short forms of its calls
// that end the check when they fail.
type scene struct {
	Harness
	ctx    context.Context
	open   func() (Harness, error)
	serial atomic.Int64
}

// failed is the panic by which a scene ends its check; it never leaves the
// package, and never crosses a goroutine.
type failed struct{ err error }

// fail ends the check. As with a test's FailNow, nothing after it runs.
func (s *scene) fail(format string, args ...any) {
	panic(failed{fmt.Errorf(format, args...)})
}

// caught turns what ended a check into its error.
func (s *scene) caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case failed:
		*err = p.err
	default:
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// ok fails unless err is nil.
func (s *scene) ok(err error, call string) {
	if err != nil {
		s.fail("%s: %w", call, err)
	}
}

// is fails unless err is target.
func (s *scene) is(err, target error, call string) {
	if !errors.Is(err, target) {
		s.fail("%s: got error %v, want %v", call, err, target)
	}
}

// that fails unless what is said holds.
func (s *scene) that(holds bool, format string, args ...any) {
	if !holds {
		s.fail(format, args...)
	}
}

// equal fails unless got is want. Slices and maps are compared in depth, empty
// ones with nil ones too.
func equal[T any](s *scene, what string, got, want T) {
	if reflect.DeepEqual(got, want) {
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if k := g.Kind(); (k == reflect.Slice || k == reflect.Map) && g.Len() == 0 && w.Len() == 0 {
		return
	}
	s.fail("%s: got %s, want %s", what, brief(got), brief(want))
}

// brief is v as text that fits on a screen.
func brief(v any) string {
	text := fmt.Sprintf("%+v", v)
	if len(text) > 300 {
		text = text[:300] + "..."
	}
	return text
}

// parallel calls do n times at once and fails with what failed.
func (s *scene) parallel(n int, do func(i int) error) {
	var group sync.WaitGroup
	errs := make([]error, n)
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			defer s.caught(&errs[i])
			errs[i] = do(i)
		})
	}
	close(start)
	group.Wait()
	s.ok(errors.Join(errs...), fmt.Sprintf("%d at once", n))
}

// now is the instant by the store's clock.
func (s *scene) now() time.Time {
	now, err := s.Store.Now(s.ctx)
	s.ok(err, "Now")
	return now
}

// during calls do and fails unless the instant it returns is one of those that
// passed meanwhile by the store's clock.
func (s *scene) during(what string, do func() time.Time) {
	before := s.now()
	at := do()
	after := s.now()
	if at.Before(before) || at.After(after) {
		s.fail("%s: %v is not between %v and %v, when it happened", what, at, before, after)
	}
}

// id makes a UUID of version 7. Later ones are greater.
func (s *scene) id() notify.ID {
	n := s.serial.Add(1)
	ms := int64(1_750_000_000_000) + n
	return notify.ID(fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", ms>>16, ms&0xffff, n&0xfff, n>>12&0xfff, n))
}

// role finds an optional role of the store, or ends the check as not offered.
func role[T any](s *scene, name string) T {
	found, ok := find[T](s.Store)
	if !ok {
		s.fail("%s: %w", name, errNotOffered)
	}
	return found
}

// find finds an optional role of a store or of one that it wraps.
func find[T any](store notify.Store) (found T, ok bool) {
	for store != nil {
		if found, ok = store.(T); ok {
			return found, true
		}
		wrapper, wraps := store.(interface{ Unwrap() notify.Store })
		if !wraps {
			break
		}
		store = wrapper.Unwrap()
	}
	return found, false
}
