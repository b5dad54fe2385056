package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/bellwether-go/notify/internal/migrate"
)

const (
	createSchema = `CREATE TABLE IF NOT EXISTS {schema} (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, compatible INTEGER NOT NULL)`
	readSchema   = `SELECT version, checksum FROM {schema}`
	lastSchema   = `SELECT version, compatible FROM {schema} ORDER BY version DESC LIMIT 1`
)

// Migrate makes or updates the tables. It is idempotent, and several at a time
// wait for one another.
func Migrate(ctx context.Context, db *sql.DB, d *Dialect, c Config) error {
	if err := checkOpening(db, c); err != nil {
		return err
	}
	s := newStore(db, d, c)
	files, err := migrate.Load(d.Migrations, "migrations", c.names())
	if err != nil {
		return s.explain(ctx, "migrate", err)
	}
	plan := migrate.Plan{
		Files:   files,
		Create:  s.statement(createSchema).text,
		Applied: s.statement(readSchema).text,
		Begin:   d.MigrateBegin, Lock: c.names().Fill(d.MigrateLock),
		Unlock: c.names().Fill(d.MigrateUnlock), Undo: c.names().Fill(d.MigrateUndo),
	}
	err = s.onConn(ctx, true, func(conn *sql.Conn) error {
		return s.d.Patiently(ctx, func() error { return migrate.Run(ctx, conn, plan) })
	})
	return s.explain(ctx, "migrate", err)
}

// Migrations is what Migrate runs, for programs such as goose. Of what is not
// valid each read tells.
func Migrations(d *Dialect, c Config) fs.FS {
	if err := c.check(); err != nil {
		return failingFS{err}
	}
	files, err := migrate.Load(d.Migrations, "migrations", c.names())
	if err != nil {
		return failingFS{err}
	}
	return migrate.FS(files)
}

// failingFS is a file system that cannot be read.
type failingFS struct{ err error }

func (f failingFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
}

// checkSchema tells whether the tables are of a version to work with.
func (s *Store) checkSchema(ctx context.Context) error {
	files, err := migrate.Load(s.d.Migrations, "migrations", s.names)
	if err != nil {
		return err
	}
	var have, compatible int
	err = s.d.Patiently(ctx, func() error {
		row := s.db.QueryRowContext(ctx, s.statement(lastSchema).text)
		return row.Scan(&have, &compatible)
	})
	switch {
	case err != nil && (ctx.Err() != nil || s.d.Hint(err) != ""):
		return fmt.Errorf("which version the tables %s* are of cannot be read: %w", s.names.Table(""), err)
	case err != nil: // no table, or nothing in it
		return fmt.Errorf("the tables %s* are missing or cannot be read: run %s.Migrate first: %w", s.names.Table(""), s.d.Name, err)
	}
	if err := fits(files, have, compatible, s.d.Name); err != nil {
		return fmt.Errorf("the tables %s* are of version %d, %w", s.names.Table(""), have, err)
	}
	return nil
}

// fits tells whether a program with these migrations can work with tables of a
// version, which say what they are compatible with, and what to do if not.
func fits(files []migrate.File, have, compatible int, store string) error {
	want := len(files)
	switch {
	case have < want:
		return fmt.Errorf("this program needs %d: run %s.Migrate first, which runs what comes after, from %s to %s", want, store, files[have].Name, files[want-1].Name)
	case compatible > want:
		return fmt.Errorf("which needs a program of version %d; this one has %d: update the program", compatible, want)
	}
	return nil
}
