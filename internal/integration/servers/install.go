//go:build linux

package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Tracer is no server but strace, which tests have system calls fail with.
var Tracer = &Kind{
	Name:     "strace",
	Packages: []string{"strace"},
	find:     func() (string, error) { return exec.LookPath("strace") },
}

// Install installs what the servers of the kinds need and is missing: on Debian
// and its kin, as root. Its error says what to do where that cannot be done.
func Install(ctx context.Context, kinds ...*Kind) error {
	if len(missing(kinds)) == 0 {
		return nil
	}
	unlock, err := lock()
	if err != nil {
		return advice(kinds, err)
	}
	defer unlock()
	absent := missing(kinds) // another checkout may have been faster
	if len(absent) == 0 {
		return nil
	}
	if err := install(ctx, absent); err != nil {
		return advice(absent, err)
	}
	if still := missing(absent); len(still) > 0 {
		return advice(still, errors.New("not there after the packages were installed"))
	}
	return nil
}

func missing(kinds []*Kind) []*Kind {
	var absent []*Kind
	for _, kind := range kinds {
		if _, err := kind.find(); err != nil {
			absent = append(absent, kind)
		}
	}
	return absent
}

// advice tells what a person can do.
func advice(kinds []*Kind, err error) error {
	var names, packages, variables []string
	for _, kind := range kinds {
		names = append(names, kind.Name)
		packages = append(packages, kind.Packages...)
		if kind.Variable != "" {
			variables = append(variables, kind.Variable)
		}
	}
	otherwise := ""
	if len(variables) > 0 {
		otherwise = ", or set " + strings.Join(variables, " and ") + " to the DSN of a server for tests"
	}
	return fmt.Errorf("%s cannot be started here: install the Debian packages %s, or run as root so that they can be installed%s: %w",
		strings.Join(names, " and "), strings.Join(packages, " "), otherwise, err)
}

// lock lets one install at a time on this machine.
func lock() (unlock func(), err error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("not root")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, err
	}
	folder, err := os.Open("/var/lib/dpkg")
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		folder.Close()
		return nil, err
	}
	return func() { folder.Close() }, nil
}

func install(ctx context.Context, kinds []*Kind) error {
	restore, err := noMainCluster()
	if err != nil {
		return err
	}
	defer restore()
	var packages []string
	for _, kind := range kinds {
		packages = append(packages, kind.Packages...)
	}
	return apt(ctx, packages)
}

// apt installs packages. It starts none of the daemons that they bring.
func apt(ctx context.Context, packages []string) error {
	arguments := append([]string{"install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"}, packages...)
	for _, step := range [][]string{{"update", "-q"}, arguments} {
		apt := exec.CommandContext(ctx, "apt-get", step...)
		apt.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
		apt.Stdout, apt.Stderr = os.Stderr, os.Stderr
		if err := apt.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", step[0], err)
		}
	}
	return nil
}

// noMainCluster tells Debian's package not to make and start a server of the
// machine's own, until it is called off.
func noMainCluster() (restore func(), err error) {
	const folder = "/etc/postgresql-common/createcluster.d"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "notify-tests.conf")
	if err := os.WriteFile(file, []byte("create_main_cluster = false\n"), 0o644); err != nil {
		return nil, err
	}
	return func() { os.Remove(file) }, nil
}
