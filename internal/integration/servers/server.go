//go:build linux

// Package servers runs real database servers for tests: each on a free port of
// the loopback, with data of its own, as a user without rights. They keep what
// they ship with, syncing to the disk above all.
package servers

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bellwether-go/notify/internal/integration/process"
)

// A Kind of server.
type Kind struct {
	Name     string   // for people
	Variable string   // of the environment: the DSN of a server to use instead of starting one
	Packages []string // of Debian that bring it

	driver     string
	dsn        func(*Server) string
	find       func() (directory string, err error) // where its programs are
	initialize func(s *Server, programs string) (command []string, err error)
	serve      func(s *Server, programs string) (command []string)
	quiet      os.Signal // stops it in good order, whoever is connected
}

// Kinds are those that there are.
var Kinds = []*Kind{Postgres, MariaDB}

// A Server is one that Start has started. Its methods are for one goroutine at
// a time; DSN and Log are for any.
type Server struct {
	Kind *Kind

	directory string // all that is its own
	settings  []string
	password  string
	port      int
	process   *process.Process // nil: stopped
}

// Options of a server; the zero value serves.
type Options struct {
	Directory string   // in which it makes one of its own; default that for temporary files
	Settings  []string // name=value, as the server's own configuration has them
}

// patience is what a server gets to come up or to go. It is there so that a
// failure ends, so it is long.
const patience = 2 * time.Minute

// Start starts a server with an empty database, whose user "notify" may do
// everything. It returns when the server answers.
func Start(ctx context.Context, kind *Kind, o Options) (*Server, error) {
	s := &Server{Kind: kind, settings: o.Settings, password: rand.Text()}
	err := s.create(ctx, o.Directory)
	if err == nil {
		err = s.comeUp(ctx, func() error { return nil })
	}
	if err == nil {
		return s, nil
	}
	if s.directory != "" {
		err = fmt.Errorf("%w\n%s", err, s.Log())
		os.RemoveAll(s.directory)
	}
	return nil, fmt.Errorf("start %s: %w", kind.Name, err)
}

// comeUp starts the server on a free port, which configure has been called for.
func (s *Server) comeUp(ctx context.Context, configure func() error) (err error) {
	for tries := 1; ; tries++ {
		// A free port can be taken by another before the server has it.
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err := configure(); err != nil {
			return err
		}
		err = s.Start(ctx)
		if err == nil || tries == 5 || !strings.Contains(strings.ToLower(s.Log()), "address already in use") {
			return err
		}
	}
}

// DSN is what its driver opens the database with.
func (s *Server) DSN() string { return s.Kind.dsn(s) }

// Log is what the server has said so far.
func (s *Server) Log() string {
	text, _ := os.ReadFile(s.logFile())
	return string(bytes.TrimSpace(text))
}

// Start starts a server that was stopped or killed again, on the same port and
// data, and returns when it answers.
func (s *Server) Start(ctx context.Context) error {
	programs, err := s.Kind.find()
	if err != nil {
		return err
	}
	if s.process, err = s.launch(s.Kind.serve(s, programs)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.answers(ctx); err != nil {
		s.Kill()
		return err
	}
	return nil
}

// Running tells whether the server is there; one can give up by itself.
func (s *Server) Running() bool {
	if s.process == nil {
		return false
	}
	select {
	case <-s.process.Done():
		return false
	default:
		return true
	}
}

// Stop ends the server in good order and keeps its data.
func (s *Server) Stop() error { return s.end(s.Kind.quiet) }

// Remove ends the server and removes what it has stored.
func (s *Server) Remove() error {
	return errors.Join(s.Stop(), os.RemoveAll(s.directory))
}

func (s *Server) end(signal os.Signal) error {
	if s.process == nil {
		return nil
	}
	p := s.process
	s.process = nil
	return p.End(signal, patience)
}

// create makes the directory and the data.
func (s *Server) create(ctx context.Context, parent string) error {
	programs, err := s.Kind.find()
	if err != nil {
		return err
	}
	if err := s.createDirectory(parent); err != nil {
		return err
	}
	command, err := s.Kind.initialize(s, programs)
	if err != nil {
		return err
	}
	p, err := s.launch(command)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		return p.Failure()
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.End(os.Kill, patience))
	}
}

func (s *Server) createDirectory(parent string) (err error) {
	if s.directory, err = os.MkdirTemp(parent, "notify-"+strings.ToLower(s.Kind.Name)+"-"); err != nil {
		return err
	}
	return owned(s.directory)
}

// answers waits until the server takes a connection.
func (s *Server) answers(ctx context.Context) error {
	db, err := sql.Open(s.Kind.driver, s.DSN())
	if err != nil {
		return err
	}
	defer db.Close()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := ping(ctx, db)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.process.Done():
			return errors.Join(errors.New("the server ended"), s.process.Failure())
		case <-ctx.Done():
			return err
		}
	}
}

func ping(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return db.PingContext(ctx)
}

func (s *Server) data() string    { return filepath.Join(s.directory, "data") }
func (s *Server) logFile() string { return filepath.Join(s.directory, "log") }

// write writes a file that the server reads.
func (s *Server) write(name, text string) (string, error) {
	path := filepath.Join(s.directory, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", err
	}
	return path, owned(path)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
