//go:build linux

package storm

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// A line is one fact in the journal of a process: written in one piece, after
// the fact, or before it where the name says so.
type line struct {
	What    string
	At      time.Time `json:",omitzero"` // by the clock of the process
	Process string    `json:",omitempty"`

	Key       string           `json:",omitempty"` // of a notification
	ID        notify.ID        `json:",omitempty"` // of a notification, item or delivery
	Recipient notify.Recipient `json:",omitzero"`
	Problem   string           `json:",omitempty"`
	Lasted    time.Duration    `json:",omitempty"` // what had the problem

	// Of a call of a channel.
	Channel       string      `json:",omitempty"`
	Address       string      `json:",omitempty"`
	Identity      string      `json:",omitempty"`
	Content       string      `json:",omitempty"` // what an immediate letter says
	Unknown       bool        `json:",omitempty"` // accepted, but the channel claimed not to know
	Digest        bool        `json:",omitempty"`
	Notifications []notify.ID `json:",omitempty"` // in a digest
	Cut           time.Time   `json:",omitzero"`
	Notification  notify.ID   `json:",omitempty"`
}

// What lines say.
const (
	ready      = "ready"       // the process has opened its store
	sending    = "sending"     // Key is about to be sent
	sent       = "sent"        // Key was acknowledged with ID
	rolledBack = "rolled back" // Key was sent in a transaction that the host has rolled back
	reading    = "reading"     // Recipient is about to read ID
	withdraws  = "withdraws"   // Key is about to be withdrawn
	withdrawn  = "withdrawn"   // Key was withdrawn
	calling    = "calling"     // a channel is about to talk to its peer
	took       = "took"        // the peer has accepted
	leaseLost  = "lease lost"  // the process learnt that a task is another's
	trouble    = "trouble"     // an error that nothing explains
	stopped    = "stopped"     // Run has returned
)

// journal is what a process writes. Each line is one write to the end of a file
// of its own, so that what it has written stays when it is killed.
type journal struct {
	process string
	file    *os.File
}

func openJournal(path, process string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &journal{process, file}, err
}

func (j *journal) write(l line) {
	l.At, l.Process = time.Now(), j.process
	text, err := json.Marshal(l)
	if err == nil {
		_, err = j.file.Write(append(text, '\n'))
	}
	if err != nil {
		panic(err) // the audit would be worth nothing
	}
}

// readJournal reads what a process has written so far. The last line of one that
// was killed may be torn: then it says nothing.
func readJournal(t testing.TB, path string) []line {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var lines []line
	for raw := range bytes.Lines(text) {
		if !bytes.HasSuffix(raw, []byte("\n")) {
			break
		}
		var l line
		require.NoError(t, json.Unmarshal(raw, &l), "%s: %s", path, raw)
		lines = append(lines, l)
	}
	return lines
}

// readJournals reads those of all processes.
func readJournals(t testing.TB, folder string) []line {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.journal"))
	require.NoError(t, err)
	var lines []line
	for _, path := range paths {
		lines = append(lines, readJournal(t, path)...)
	}
	return lines
}
