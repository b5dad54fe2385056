package notify

import "fmt"

// guarded calls code that may lead into the host's callbacks and turns a panic
// into an error: one notification's trouble must not end the process.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("notify: panic: %.1000s", fmt.Sprint(p))
		}
	}()
	return do()
}
