package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// send files one item for ann.
func send(ctx context.Context, j *Journal, id notify.ID) error {
	_, err := j.Accept(ctx, []notify.Acceptance{{
		ID: id, Notification: notify.Notification{Provider: "ci", Title: "Build failed"},
		Filings: []notify.Filing{{Recipient: notify.User("ann")}},
	}})
	return err
}

// TestTornLine ends a process at every byte of the last line.
func TestTornLine(t *testing.T) {
	w := newWall()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, w)
	require.NoError(t, send(t.Context(), j, "1"))
	whole := size(t, j)
	require.NoError(t, send(t.Context(), j, "2"))
	require.NoError(t, j.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for end := whole; end < int64(len(text)); end++ {
		require.NoError(t, os.WriteFile(path, text[:end], 0o600))
		j := open(t, path, w)
		require.Equal(t, []notify.ID{"1"}, ids(t, j, notify.User("ann")), "cut at %d", end)
		require.Equal(t, whole, size(t, j))
		require.NoError(t, send(t.Context(), j, "3"))
		require.NoError(t, j.Close())
		again := open(t, path, w)
		require.Len(t, ids(t, again, notify.User("ann")), 2, "cut at %d", end)
		require.NoError(t, again.Close())
	}
}

// TestTornLine_hole is a crash after which the end of the last line was on the
// disk, and what comes before was not.
func TestTornLine_hole(t *testing.T) {
	w := newWall()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, w)
	require.NoError(t, send(t.Context(), j, "1"))
	whole := size(t, j)
	require.NoError(t, send(t.Context(), j, "2"))
	require.NoError(t, j.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	clear(text[whole : whole+20])
	require.NoError(t, os.WriteFile(path, text, 0o600))
	assert.Equal(t, []notify.ID{"1"}, ids(t, open(t, path, w), notify.User("ann")))
}

// TestDamage is no crash: what was acknowledged is not to be dropped silently.
func TestDamage(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"a line before the last": func(text []byte) []byte { text[0] = 'x'; return text },
		"an unknown call":        func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("Accept"), []byte("Adopt")) },
		"an unknown last call": func(text []byte) []byte {
			first, _, _ := bytes.Cut(text, []byte("\n"))
			return append(bytes.ReplaceAll(first, []byte("Accept"), []byte("Adopt")), '\n')
		},
		"missing arguments": func([]byte) []byte { return []byte(`{"at":"2026-05-04T09:00:00Z","call":"Accept","args":[]}` + "\n") },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			j := open(t, path, newWall())
			require.NoError(t, send(t.Context(), j, "1"))
			require.NoError(t, send(t.Context(), j, "2"))
			require.NoError(t, j.Close())
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			text = spoil(text)
			require.NoError(t, os.WriteFile(path, text, 0o600))
			_, err = Open(path, nil)
			require.ErrorContains(t, err, "line 1")
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, text, kept, "the file was changed")
		})
	}
}

// TestWriteFails takes the file away from a journal.
func TestWriteFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, newWall())
	require.NoError(t, send(t.Context(), j, "1"))
	require.NoError(t, j.file.Close())
	for range 2 {
		require.ErrorIs(t, send(t.Context(), j, "2"), os.ErrClosed)
	}
	assert.Equal(t, []notify.ID{"1"}, ids(t, j, notify.User("ann")), "it is in the state, but not on the disk")
}

func TestCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, newWall())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, send(ctx, j, "1"), context.Canceled)
	assert.Zero(t, size(t, j))
}

func TestIdleClaim_isNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, newWall())
	tasks, err := j.Claim(t.Context(), notify.Claim{FanOuts: 1})
	require.NoError(t, err)
	assert.Empty(t, tasks)
	assert.Zero(t, size(t, j))
}

// The roles that would get around the journal, or that it cannot keep.
func TestNotOffered(t *testing.T) {
	var store notify.Store = &Journal{}
	_, eraser := store.(notify.Eraser)
	assert.False(t, eraser)
	_, wrapper := store.(interface{ Unwrap() notify.Store })
	assert.False(t, wrapper)
}
