//go:build linux

package storm

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/internal/integration/servers"
)

// The files of a center, copied at any instant, hold all that was acknowledged
// until then: that is what a crash of everything leaves.
func TestDisk_copyOfAnyInstantHoldsWhatWasAcknowledged(t *testing.T) {
	random := seeded(t)
	d := newDatabase(t, sqliteSystem)
	c := newCrew(t)
	template := child{
		Database: d, Lease: 2 * time.Second, Senders: 3, Pace: 10 * time.Millisecond,
		Schedule: schedule{Begin: time.Now().UTC(), Step: time.Second},
	}
	hands := []*hand{c.hire(template), c.hire(template)}
	const copies = 20
	held := 0
	for range copies {
		pause(t.Context(), time.Duration(random.Int64N(int64(300*time.Millisecond))))
		for _, h := range hands {
			h.freeze()
		}
		image := child{Database: copyOf(t, d)}
		acked := make(map[string]bool)
		for _, l := range readJournals(t, c.folder) {
			if l.What == sent {
				acked[l.Key] = true
			}
		}
		for _, h := range hands {
			h.thaw()
		}
		db, _, _ := image.look(t)
		assert.Equal(t, [][]string{{"ok"}}, query(t, db, "PRAGMA integrity_check"))
		for _, row := range query(t, db, "SELECT dedup FROM notify_notification") {
			delete(acked, row[0])
			held++
		}
		assert.Empty(t, acked, "acknowledged and not there")
		db.Close()
	}
	for _, h := range hands {
		h.dismiss()
	}
	t.Logf("%d copies, with %d notifications in all", copies, held)
	assert.NotZero(t, held)
}

// copyOf copies the files of a database whose users are frozen. What they share
// in memory is not copied.
func copyOf(t testing.TB, d database) database {
	t.Helper()
	u, err := url.Parse(d.DSN)
	require.NoError(t, err)
	folder := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(u.Path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "center.db"+suffix), text, 0o600))
	}
	return database{d.System, strings.Replace(d.DSN, u.Path, filepath.Join(folder, "center.db"), 1)}
}

// A disk that fails to sync has callers told so: what is acknowledged is there,
// and when the disk works again so does the process.
func TestDisk_failedSyncIsAcknowledgedToNobody(t *testing.T) {
	for _, tt := range []struct{ name, fault string }{
		{"sync", "fsync,fdatasync:error=EIO:when=20+7"},
		{"write", "pwrite64:error=ENOSPC:when=300+97"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, sqliteSystem)
			described := s.template
			described.Senders, described.Pace, described.Patience = 1, 10*time.Millisecond, 2*time.Second
			failing := s.hireUnder(described, tracer(t), "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject="+tt.fault)
			failing.await("has met the fault", func(lines []line) bool { return has(lines, trouble) })
			met := time.Now()
			failing.await("goes on", func([]line) bool { return !failing.firstAfter(met.Add(time.Second), sent).IsZero() })
			failing.kill()

			acked, problems := make(map[string]bool), 0
			for _, l := range failing.lines() {
				switch l.What {
				case sent:
					acked[l.Key] = true
				case trouble:
					problems++
				}
			}
			t.Logf("%d acknowledged, %d told of the fault", len(acked), problems)
			assert.NotEmpty(t, acked)
			for _, row := range query(t, s.db, "SELECT dedup FROM notify_notification") {
				delete(acked, row[0])
			}
			assert.Empty(t, acked, "acknowledged and not there")
		})
	}
}

// tracer is strace, which can have system calls fail.
func tracer(t testing.TB) string {
	t.Helper()
	require.NoError(t, servers.Install(t.Context(), servers.Tracer))
	program, err := exec.LookPath("strace")
	require.NoError(t, err)
	return program
}
