//go:build linux

package servers

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib" // to see whether it answers
)

// Postgres is PostgreSQL, of the newest version that is installed.
var Postgres = &Kind{
	Name:     "PostgreSQL",
	Variable: "NOTIFY_TEST_POSTGRES",
	Packages: []string{"postgresql"},
	driver:   "pgx",
	quiet:    syscall.SIGINT, // "fast": open transactions are rolled back

	dsn: func(s *Server) string {
		return fmt.Sprintf("postgres://notify:%s@127.0.0.1:%d/postgres?sslmode=disable", s.password, s.port)
	},

	find: func() (string, error) {
		found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return filepath.Dir(slices.MaxFunc(found, byVersion)), nil
		}
		initdb, err := exec.LookPath("initdb")
		return filepath.Dir(initdb), err
	},

	initialize: func(s *Server, programs string) ([]string, error) {
		password, err := s.write("password", s.password)
		return []string{
			filepath.Join(programs, "initdb"), "--pgdata", s.data(), "--username", "notify", "--pwfile", password,
			"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8",
		}, err
	},

	serve: func(s *Server, programs string) []string {
		command := []string{filepath.Join(programs, "postgres"), "-D", s.data()}
		for _, setting := range append([]string{
			"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.port), "unix_socket_directories=", "max_connections=400",
		}, s.settings...) {
			command = append(command, "-c", setting)
		}
		return command
	},
}

// byVersion orders the paths of programs by the version in them.
func byVersion(a, b string) int {
	return version(a) - version(b)
}

func version(program string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
	return n
}
