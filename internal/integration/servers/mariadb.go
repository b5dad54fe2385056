//go:build linux

package servers

import (
	"fmt"
	"io"
	"log"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/go-sql-driver/mysql" // to see whether it answers
)

// MariaDB is MariaDB.
var MariaDB = &Kind{
	Name:     "MariaDB",
	Variable: "NOTIFY_TEST_MYSQL",
	Packages: []string{"mariadb-server-core", "mariadb-client-core"},
	driver:   "mysql",
	quiet:    syscall.SIGTERM,

	dsn: func(s *Server) string {
		return fmt.Sprintf("notify:%s@tcp(127.0.0.1:%d)/notify", s.password, s.port)
	},

	find: func() (string, error) {
		if _, err := exec.LookPath("mariadb-install-db"); err != nil {
			return "", err
		}
		server, err := exec.LookPath("mariadbd")
		if err != nil {
			server, err = exec.LookPath("/usr/sbin/mariadbd") // not in everybody's path
		}
		return filepath.Dir(server), err
	},

	initialize: func(s *Server, _ string) ([]string, error) {
		_, err := s.write("init.sql", "CREATE DATABASE IF NOT EXISTS notify;\n"+
			"CREATE USER IF NOT EXISTS notify@'127.0.0.1' IDENTIFIED BY '"+s.password+"';\n"+
			"GRANT ALL PRIVILEGES ON *.* TO notify@'127.0.0.1' WITH GRANT OPTION;\n")
		return []string{
			"mariadb-install-db", "--no-defaults", "--datadir=" + s.data(), "--skip-test-db", "--skip-name-resolve",
		}, err
	},

	serve: func(s *Server, programs string) []string {
		command := []string{
			filepath.Join(programs, "mariadbd"), "--no-defaults", "--datadir=" + s.data(),
			"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(s.port), "--socket=" + filepath.Join(s.directory, "socket"),
			"--init-file=" + filepath.Join(s.directory, "init.sql"), "--skip-name-resolve", "--max-connections=400",
		}
		for _, setting := range s.settings {
			command = append(command, "--"+setting)
		}
		return command
	},
}

func init() {
	// The driver tells the standard error of each connection that a stopped
	// server has cut.
	mysql.SetLogger(log.New(io.Discard, "", 0))
}
