//go:build linux

package storm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/internal/integration/process"
)

// A crew is the processes that work on a center. It is for one goroutine.
type crew struct {
	t       testing.TB
	folder  string
	started int
}

func newCrew(t testing.TB) *crew { return &crew{t: t, folder: t.TempDir()} }

// A hand is one of the crew.
type hand struct {
	*process.Process
	name   string
	crew   *crew
	stderr *os.File
	ending bool // it has been asked to
	frozen atomic.Bool
}

// patience is what a process gets to start or to end: it is there so that a
// test ends.
const patience = time.Minute

// hire starts a process and waits until it has opened its store.
func (c *crew) hire(described child) *hand {
	c.t.Helper()
	return c.hireUnder(described)
}

// hireUnder does so under a command that runs it.
func (c *crew) hireUnder(described child, command ...string) *hand {
	c.t.Helper()
	c.started++
	described.Name = fmt.Sprintf("p%03d", c.started)
	described.Folder = c.folder
	text, err := json.Marshal(described)
	require.NoError(c.t, err)
	program, err := os.Executable()
	require.NoError(c.t, err)
	h := &hand{name: described.Name, crew: c}
	h.stderr, err = os.Create(filepath.Join(c.folder, h.name+".stderr"))
	require.NoError(c.t, err)
	command = append(command, program)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stdout, cmd.Stderr = h.stderr, h.stderr
	h.Process, err = process.Start(cmd)
	require.NoError(c.t, err)
	c.t.Cleanup(func() {
		h.End(syscall.SIGKILL, patience)
		h.stderr.Close()
	})
	h.await("is ready", func(lines []line) bool { return has(lines, ready) })
	return h
}

func has(lines []line, what string) bool {
	for _, l := range lines {
		if l.What == what {
			return true
		}
	}
	return false
}

func (h *hand) lines() []line {
	return readJournal(h.crew.t, filepath.Join(h.crew.folder, h.name+".journal"))
}

// await waits until the journal of the process says so.
func (h *hand) await(what string, told func([]line) bool) {
	h.crew.t.Helper()
	h.crew.eventually(h.name+" "+what, func() bool {
		select {
		case <-h.Done():
			require.True(h.crew.t, h.ending, "%s ended by itself: %v\n%s", h.name, h.Failure(), h.said())
		default:
		}
		return told(h.lines())
	})
}

// eventually waits for what must come true.
func (c *crew) eventually(what string, true func() bool) {
	c.t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for !true() {
		select {
		case <-again.C:
		case <-late:
			require.FailNow(c.t, "not within "+patience.String()+": "+what)
		}
	}
}

// said is what the process wrote to its standard error.
func (h *hand) said() string {
	text, _ := os.ReadFile(h.stderr.Name())
	if len(text) > 8<<10 {
		text = append(text[:8<<10:8<<10], "..."...)
	}
	return string(text)
}

// kill ends the process without a word.
func (h *hand) kill() {
	h.crew.t.Helper()
	h.ending = true
	require.NoError(h.crew.t, h.End(syscall.SIGKILL, patience))
	h.check()
}

// dismiss asks the process to end, and wants it to do so in good order.
func (h *hand) dismiss() {
	h.crew.t.Helper()
	h.ending = true
	require.NoError(h.crew.t, h.End(syscall.SIGTERM, patience))
	assert.NoError(h.crew.t, h.Failure(), h.said())
	assert.True(h.crew.t, has(h.lines(), stopped), "%s has let its work end\n%s", h.name, h.said())
	h.check()
}

// check wants to have heard of no data race and no panic.
func (h *hand) check() {
	h.crew.t.Helper()
	text, err := os.ReadFile(h.stderr.Name())
	require.NoError(h.crew.t, err)
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
		assert.False(h.crew.t, bytes.Contains(text, []byte(bad)), h.said())
	}
}

// freeze stops the process where it is.
func (h *hand) freeze() {
	h.crew.t.Helper()
	h.frozen.Store(true)
	require.NoError(h.crew.t, h.Signal(syscall.SIGSTOP))
}

// thaw lets it go on.
func (h *hand) thaw() {
	h.crew.t.Helper()
	assert.NoError(h.crew.t, h.Signal(syscall.SIGCONT))
	h.frozen.Store(false)
}
