//go:build linux

package servers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// poolerSize is how many connections to the server all clients share. It is
// small, so that they do share them.
const poolerSize = 4

// StartPooler starts PgBouncer before the PostgreSQL server of a DSN. It gives
// each transaction another connection and keeps no prepared statements. It is
// installed if it is missing.
func StartPooler(ctx context.Context, dsn string) (*Server, error) {
	behind, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	program, err := Program(ctx, "pgbouncer", "pgbouncer")
	if err != nil {
		return nil, err
	}
	pooler := &Server{password: behind.Password, Kind: &Kind{
		Name:   "PgBouncer",
		driver: "pgx",
		quiet:  syscall.SIGTERM, // at once
		dsn: func(s *Server) string {
			return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable&default_query_exec_mode=exec", behind.User, s.password, s.port, behind.Database)
		},
		find: func() (string, error) { return filepath.Dir(program), nil },
		serve: func(s *Server, _ string) []string {
			return []string{program, filepath.Join(s.directory, "pgbouncer.ini")}
		},
	}}
	if err := pooler.createDirectory(""); err != nil {
		return nil, err
	}
	users, err := pooler.write("users", fmt.Sprintf("%q %q\n", behind.User, behind.Password))
	if err == nil {
		err = pooler.comeUp(ctx, func() error {
			_, err := pooler.write("pgbouncer.ini", `[databases]
* = host=`+behind.Host+` port=`+strconv.Itoa(int(behind.Port))+`
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = `+strconv.Itoa(pooler.port)+`
unix_socket_dir =
auth_type = scram-sha-256
auth_file = `+users+`
pool_mode = transaction
default_pool_size = `+strconv.Itoa(poolerSize)+`
max_client_conn = 400
`)
			return err
		})
	}
	if err != nil {
		err = fmt.Errorf("start PgBouncer: %w\n%s", err, pooler.Log())
		os.RemoveAll(pooler.directory)
		return nil, err
	}
	return pooler, nil
}
