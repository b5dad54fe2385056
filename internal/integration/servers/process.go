//go:build linux

package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a running server, with those that it has forked.
type process struct {
	*os.Process
	done    chan struct{}
	failure error // how it ended; from when done is closed
}

// launch runs a program of the server. It cannot outlive this process, whatever
// ends that, and a signal from the terminal does not reach it.
func (s *Server) launch(command []string) (*process, error) {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = s.directory
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.directory, "TMPDIR=" + s.directory, "LC_ALL=C.UTF-8"}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: account}

	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that started a process for the
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

// end sends a signal and waits for the end.
func (p *process) end(signal os.Signal) error {
	if err := p.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.done:
		return nil
	case <-late.C:
		p.Signal(os.Kill)
		<-p.done
		return fmt.Errorf("still there %s after %s, killed", patience, signal)
	}
}

// Freeze stops the server and all that it has forked where they are: whoever
// talks to it waits.
func (s *Server) Freeze() error { return s.each(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.each(syscall.SIGCONT) }

// each signals the server and its descendants. The server itself comes first,
// so that it forks no more; one that has ended meanwhile is passed over.
func (s *Server) each(signal syscall.Signal) error {
	if s.process == nil {
		return fmt.Errorf("%s does not run", s.Kind.Name)
	}
	if err := s.process.Signal(signal); err != nil {
		return err
	}
	for _, pid := range descendants(s.process.Pid) {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

func descendants(pid int) []int {
	var found []int
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil // ended
	}
	for word := range strings.FieldsSeq(string(text)) {
		child, err := strconv.Atoi(word)
		if err == nil {
			found = append(append(found, child), descendants(child)...)
		}
	}
	return found
}

// unprivileged is who the servers run as: the servers refuse to run as root.
// Nil: as we are.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// owned gives a file to who the servers run as.
func owned(path string) error {
	account, err := unprivileged()
	if err != nil || account == nil {
		return err
	}
	return os.Chown(path, int(account.Uid), int(account.Gid))
}
