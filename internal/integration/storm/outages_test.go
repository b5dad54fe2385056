//go:build linux

package storm

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Outages of any server.

var frozen = outage{
	name:  "frozen",
	begin: func(h *host) { require.NoError(h.t, h.server.Freeze()) },
	end:   func(h *host) { require.NoError(h.t, h.server.Thaw()) },
}

func crashed(tells string) outage {
	return outage{
		name:  "crashed",
		begin: func(h *host) { require.NoError(h.t, h.server.Kill()) },
		end:   func(h *host) { require.NoError(h.t, h.server.Start(h.t.Context())) },
		tells: tells,
	}
}

func shutDown(tells string) outage {
	return outage{
		name:  "shut down",
		begin: func(h *host) { require.NoError(h.t, h.server.Stop()) },
		end:   func(h *host) { require.NoError(h.t, h.server.Start(h.t.Context())) },
		tells: tells,
	}
}

// diskFull needs a disk whose size is ours.
func diskFull(tells string) outage {
	filler := func(h *host) string { return filepath.Join(h.disk, "filler") }
	return outage{
		name:    "disk full",
		ownDisk: true,
		begin: func(h *host) {
			file, err := os.Create(filler(h))
			require.NoError(h.t, err)
			defer file.Close()
			chunk := make([]byte, 1<<16)
			for err == nil {
				_, err = file.Write(chunk)
			}
			require.ErrorIs(h.t, err, syscall.ENOSPC)
		},
		end: func(h *host) {
			require.NoError(h.t, os.Remove(filler(h)))
			if h.server != nil && !h.server.Running() { // it may have given up
				require.NoError(h.t, h.server.Start(h.t.Context()))
			}
		},
		tells: tells,
	}
}

// smallDisk is a folder on a file system of its own, which root can mount. For
// others it is any folder, and a full disk is not tried.
func smallDisk(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "notify-disk-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	require.NoError(t, os.Chmod(folder, 0o755))
	if os.Geteuid() != 0 {
		return folder
	}
	require.NoError(t, syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=400m"))
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
	require.NoError(t, os.Chmod(folder, 0o777))
	return folder
}
