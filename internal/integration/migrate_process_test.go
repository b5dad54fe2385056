//go:build linux

package integration

import (
	"bytes"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/integration/process"
)

// One process migrates and is frozen in the midst of it; nineteen others wait for
// it. When it is killed they make the tables, once, and all end well.
func TestMigrate_twentyProcessesOfWhichOneIsKilled(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		said := make([]bytes.Buffer, 20)
		start := func(i int) *process.Process {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), migrator+"="+b.driver, migratorDSN+"="+b.dsn, migratorSchema+"="+b.schemaName())
			cmd.Stderr = &said[i]
			p, err := process.Start(cmd)
			require.NoError(t, err)
			t.Cleanup(func() { p.Kill() })
			return p
		}
		first := start(0)
		for {
			require.NoError(t, first.Signal(syscall.SIGSTOP), "it was not seen to migrate")
			if b.migrating(t).Valid {
				break
			}
			require.NoError(t, first.Signal(syscall.SIGCONT))
		}
		var others []*process.Process
		for i := range said[1:] {
			others = append(others, start(1+i))
		}
		waiting := `SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND position('` + b.schemaName() + `' in query) > 0`
		if b.name == "mariadb" {
			waiting = `SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'`
		}
		require.Eventually(t, func() bool {
			var n int
			require.NoError(t, b.db.QueryRow(waiting).Scan(&n))
			return n == len(others)
		}, 2*time.Minute, 50*time.Millisecond, "they do not wait")
		require.NoError(t, first.Kill())
		for i, p := range others {
			<-p.Done()
			assert.NoError(t, p.Failure(), said[1+i].String())
		}
		assert.Equal(t, 1, count(t, b.db, b.table("schema")))
		s, _, err := b.open(b.db, "", nil)
		require.NoError(t, err)
		_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
		require.NoError(t, err)
	})
}
