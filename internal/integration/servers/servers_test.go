//go:build linux

package servers

import (
	"context"
	"database/sql"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func startServer(t *testing.T, kind *Kind, o Options) *Server {
	t.Helper()
	require.NoError(t, Install(t.Context(), kind))
	s, err := Start(t.Context(), kind, o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Remove()) })
	return s
}

func open(t *testing.T, s *Server) *sql.DB {
	t.Helper()
	db, err := sql.Open(s.Kind.driver, s.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func each(t *testing.T, test func(t *testing.T, kind *Kind)) {
	for _, kind := range Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

// What was committed is there after each kind of end.
func TestServer_keepsItsDataOverStopAndCrash(t *testing.T) {
	each(t, func(t *testing.T, kind *Kind) {
		s := startServer(t, kind, Options{})
		db := open(t, s)
		_, err := db.Exec("CREATE TABLE ends (n INTEGER)")
		require.NoError(t, err)
		for i, end := range []func() error{s.Stop, s.Kill} {
			_, err := db.Exec("INSERT INTO ends VALUES (1)")
			require.NoError(t, err)
			require.NoError(t, end())
			assert.Error(t, ping(t.Context(), db), "it has ended")
			require.NoError(t, s.Start(t.Context()))
			var n int
			require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM ends").Scan(&n))
			assert.Equal(t, i+1, n)
		}
	})
}

func TestServer_frozenAnswersNobodyAndThawedGoesOn(t *testing.T) {
	each(t, func(t *testing.T, kind *Kind) {
		s := startServer(t, kind, Options{})
		db := open(t, s)
		require.NoError(t, db.Ping()) // the connection is there before the frost
		require.NoError(t, s.Freeze())
		defer s.Thaw()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := db.ExecContext(ctx, "SELECT 1")
		assert.Error(t, err)
		require.NoError(t, s.Thaw())
		assert.NoError(t, db.Ping())
	})
}

func TestServer_twoDoNotMeet(t *testing.T) {
	each(t, func(t *testing.T, kind *Kind) {
		one, other := startServer(t, kind, Options{}), startServer(t, kind, Options{})
		_, err := open(t, one).Exec("CREATE TABLE here (n INTEGER)")
		require.NoError(t, err)
		_, err = open(t, other).Exec("SELECT * FROM here")
		assert.Error(t, err)
	})
}

func TestServer_runsWithoutRightsAndSyncs(t *testing.T) {
	each(t, func(t *testing.T, kind *Kind) {
		s := startServer(t, kind, Options{})
		info, err := os.Stat(s.data())
		require.NoError(t, err)
		status, err := os.ReadFile("/proc/" + strconv.Itoa(s.process.Pid) + "/status")
		require.NoError(t, err)
		assert.NotContains(t, string(status), "\nUid:\t0\t", "not root")
		assert.Zero(t, info.Mode().Perm()&0o007, "its data is nobody else's")
		query := map[*Kind]string{
			Postgres: "SELECT current_setting('fsync') = 'on' AND current_setting('synchronous_commit') = 'on'",
			MariaDB:  "SELECT @@innodb_flush_log_at_trx_commit = 1",
		}[kind]
		var synced bool
		require.NoError(t, open(t, s).QueryRow(query).Scan(&synced))
		assert.True(t, synced)
	})
}

func TestServer_takesSettings(t *testing.T) {
	s := startServer(t, Postgres, Options{Settings: []string{"work_mem=5MB"}})
	var value string
	require.NoError(t, open(t, s).QueryRow("SHOW work_mem").Scan(&value))
	assert.Equal(t, "5MB", value)
}

// A server that cannot come up leaves nothing and tells what it said itself.
func TestServer_failureTellsTheServersOwnWords(t *testing.T) {
	each(t, func(t *testing.T, kind *Kind) {
		require.NoError(t, Install(t.Context(), kind))
		parent := t.TempDir()
		require.NoError(t, os.Chmod(parent, 0o777))
		require.NoError(t, os.Chmod(strings.TrimSuffix(parent, "/001"), 0o755))
		_, err := Start(t.Context(), kind, Options{Directory: parent, Settings: []string{"no_such_setting=1"}})
		assert.ErrorContains(t, err, "no_such_setting")
		left, err := os.ReadDir(parent)
		require.NoError(t, err)
		assert.Empty(t, left)
	})
}

func TestInstall_saysWhatToDoWhereItCannot(t *testing.T) {
	kind := &Kind{Name: "NoSuchServer", Variable: "NOTIFY_TEST_NOSUCH", Packages: []string{"no-such-package"}, find: func() (string, error) { return "", os.ErrNotExist }}
	err := advice([]*Kind{kind}, os.ErrPermission)
	assert.ErrorContains(t, err, "set NOTIFY_TEST_NOSUCH")
	assert.ErrorContains(t, err, "no-such-package")
}
