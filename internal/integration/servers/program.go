//go:build linux

package servers

import (
	"context"
	"fmt"
	"os/exec"
)

// Program finds a program that tests run, and installs the Debian packages that
// bring it if it is missing. Its error says what to do where that cannot be done.
func Program(ctx context.Context, name string, packages ...string) (path string, err error) {
	if path, err = exec.LookPath(name); err == nil {
		return path, nil
	}
	unlock, err := lock()
	if err == nil {
		defer unlock()
		if path, err = exec.LookPath(name); err == nil { // another was faster
			return path, nil
		}
		err = apt(ctx, packages)
	}
	if err == nil {
		path, err = exec.LookPath(name)
	}
	if err != nil {
		return "", fmt.Errorf("%s is missing: install the Debian packages %v, or run as root so that they can be installed: %w", name, packages, err)
	}
	return path, nil
}
