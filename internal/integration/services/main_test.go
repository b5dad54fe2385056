//go:build linux

package main

import (
	"bufio"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify/internal/integration/servers"
)

// services is the command of this package beside the shell script, in an
// environment that names none of the servers but those given.
func services(t *testing.T, script string, env ...string) *exec.Cmd {
	t.Helper()
	program := filepath.Join(t.TempDir(), "services")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	cmd := exec.Command(program, "sh", "-c", script)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "NOTIFY_TEST_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// begin starts it and answers with the DSN of its PostgreSQL once its command
// says that it runs.
func begin(t *testing.T, cmd *exec.Cmd) (dsn string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if quoted, ok := strings.CutPrefix(lines.Text(), "export "+servers.Postgres.Variable+"="); ok {
			dsn = strings.Trim(quoted, "'")
		}
		if lines.Text() == "running" {
			return dsn
		}
	}
	require.FailNow(t, "the command did not run")
	return ""
}

func answers(dsn string) bool {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return false
	}
	defer db.Close()
	return db.Ping() == nil
}

func TestServices_commandFindsThemAndItsExitCodeIsPassedOn(t *testing.T) {
	cmd := services(t, `echo "$NOTIFY_TEST_POSTGRES" "$NOTIFY_TEST_MYSQL"; exit 7`)
	out, err := cmd.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 7, exit.ExitCode())
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	dsns := strings.Fields(lines[len(lines)-1])
	require.Len(t, dsns, 2)
	assert.False(t, answers(dsns[0]), "stopped")
}

func TestServices_takesWhatTheEnvironmentNames(t *testing.T) {
	cmd := services(t, `echo "$NOTIFY_TEST_POSTGRES" "$NOTIFY_TEST_MYSQL"`, "NOTIFY_TEST_POSTGRES=mine", "NOTIFY_TEST_MYSQL=mine too")
	out, err := cmd.Output()
	require.NoError(t, err)
	assert.Equal(t, "mine mine too\n", string(out))
}

// However it ends, the servers end with it; in good order it also waits for the
// command and removes their data.
func TestServices_endWithTheirOwner(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			temporary := t.TempDir()
			require.NoError(t, os.Chmod(filepath.Dir(temporary), 0o755))
			cmd := services(t, `trap 'exit 0' TERM; echo running; while :; do sleep 0.1; done`, "TMPDIR="+temporary, "GOTMPDIR="+temporary)
			dsn := begin(t, cmd)
			require.True(t, answers(dsn))
			require.NoError(t, cmd.Process.Signal(signal))
			assert.Error(t, cmd.Wait(), "not mistaken for a success")
			assert.Eventually(t, func() bool { return !answers(dsn) }, time.Minute, 10*time.Millisecond)
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			assert.Equal(t, signal != syscall.SIGKILL, len(left) == 0, "data removed, unless nobody could")
		})
	}
}
