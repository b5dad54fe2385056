//go:build linux

// Package process runs programs that cannot outlive the test that started them.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A Process is a program that runs, or has run.
type Process struct {
	*os.Process
	done    chan struct{}
	failure error
}

// Start starts the command in a process group of its own, so that a signal from
// the terminal does not reach it. When this process ends, whatever ends it, the
// kernel kills the program.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	p := &Process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that started a program for the
		// end of its parent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.Process = cmd.Process
		started <- err
		if err == nil {
			p.failure = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Failure is how the program ended, nil for an exit code of zero; it is for
// after Done.
func (p *Process) Failure() error { return p.failure }

// End sends a signal and waits until the program has ended. One that is still
// there after the patience is killed, which is an error.
func (p *Process) End(signal os.Signal, patience time.Duration) error {
	if err := p.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.done:
		return nil
	case <-late.C:
		_ = p.Kill() // it may just have ended
		<-p.done
		return fmt.Errorf("still there %s after the signal %s: killed", patience, signal)
	}
}
