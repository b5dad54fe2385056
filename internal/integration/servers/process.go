//go:build linux

package servers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bellwether-go/notify/internal/integration/process"
)

// launch runs a program of the server, which says what it has to say in the log.
func (s *Server) launch(command []string) (*process.Process, error) {
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
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	return process.Start(cmd)
}

// Freeze stops the server and all that it has forked where they are: whoever
// talks to it waits.
func (s *Server) Freeze() error { return s.each(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error { return s.each(syscall.SIGCONT) }

// Kill ends the server and all that it has forked at once, as a loss of power
// does, and keeps its data.
func (s *Server) Kill() error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Signal(syscall.SIGSTOP); err != nil { // so that it forks no more
		return err
	}
	forked := descendants(s.process.Pid)
	for _, pid := range forked {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	err := s.end(os.Kill)
	// Started anew it would find their shared memory in use.
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for slices.ContainsFunc(forked, alive) {
		<-again.C
	}
	return err
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

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
