//go:build linux

// Services runs a command beside the database servers that the tests need, and
// stops them when it has ended, however it ends:
//
//	services make modules
//
// With -durable before the command they wait for the disk, as measurements need
// it; tests do without. Without a command it prints what to export and serves until it is
// interrupted. A server whose DSN the environment has already is not started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bellwether-go/notify/internal/integration/servers"
)

func main() {
	durable := flag.Bool("durable", false, "servers that wait for the disk")
	flag.Parse()
	settings := hasty
	if *durable {
		settings = lasting
	}
	code, err := run(settings, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
	}
	os.Exit(code)
}

func run(settings map[*servers.Kind][]string, command []string) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// "go run" leaves its child alone when it is ended itself.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0); err != nil {
		return 1, err
	}
	started, err := start(ctx, settings)
	defer func() {
		for _, s := range started {
			if failure := s.Remove(); failure != nil {
				code, err = 1, errors.Join(err, failure)
			}
		}
	}()
	if err != nil {
		return 1, err
	}
	if len(command) == 0 {
		fmt.Fprintln(os.Stderr, "services: serving until interrupted")
		<-ctx.Done()
		return 0, nil
	}
	return beside(ctx, command)
}

// hasty are settings by which servers that are thrown away after the tests do not
// wait for the disk.
var hasty = map[*servers.Kind][]string{
	servers.Postgres: {"fsync=off", "full_page_writes=off"},
	servers.MariaDB:  {"innodb-flush-log-at-trx-commit=0", "innodb-flush-method=nosync", "skip-innodb-doublewrite"},
}

// lasting are settings of servers that are measured: nothing that is acknowledged
// is lost, memory and logs are large enough for what a measurement writes.
var lasting = map[*servers.Kind][]string{
	servers.Postgres: {"fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=2GB"},
	servers.MariaDB:  {"innodb-flush-log-at-trx-commit=1", "innodb-doublewrite=1", "innodb-buffer-pool-size=256M", "innodb-log-file-size=512M"},
}

// start starts each server that the environment does not name, and names it.
func start(ctx context.Context, settings map[*servers.Kind][]string) (started []*servers.Server, err error) {
	var wanted []*servers.Kind
	for _, kind := range servers.Kinds {
		if os.Getenv(kind.Variable) == "" {
			wanted = append(wanted, kind)
		}
	}
	if err := servers.Install(ctx, wanted...); err != nil {
		return nil, err
	}
	for _, kind := range wanted {
		s, err := servers.Start(ctx, kind, servers.Options{Settings: settings[kind]})
		if err != nil {
			return started, err
		}
		started = append(started, s)
		os.Setenv(kind.Variable, s.DSN())
		fmt.Printf("export %s='%s'\n", kind.Variable, s.DSN())
	}
	return started, nil
}

// beside runs the command and answers with its exit code. It is asked to end
// when we are.
func beside(ctx context.Context, command []string) (int, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	// Without the servers it has no business; the kernel takes the end of the
	// thread that started it for our end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 1, errors.New("interrupted")
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case err != nil:
		return 1, err
	}
	return 0, nil
}
