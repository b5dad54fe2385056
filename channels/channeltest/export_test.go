package channeltest

import (
	"context"
	"fmt"
)

// Names are the names of all checks.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// RunCheck runs one check by its name.
func RunCheck(ctx context.Context, name string, open func() (Harness, error)) error {
	for _, c := range checks() {
		if c.name == name {
			return c.run(ctx, open)
		}
	}
	return fmt.Errorf("there is no check %q", name)
}
