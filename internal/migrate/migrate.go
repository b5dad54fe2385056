// Package migrate runs the embedded migrations of a SQL store: files named
// NNNN_name.sql, in order, each once, under a lock that the database gives.
package migrate

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// Plan is what there is to run, and how one process keeps the others out.
type Plan struct {
	Files []File

	// Create creates the table that records what has run, if there is none.
	Create string
	// Applied selects version and checksum of what has run.
	Applied string
	// Begin leaves nothing if it fails. Lock waits for the others and selects 1
	// if it is our turn. Unlock ends the exclusive run, and Undo gives it up. Each
	// is executed on the same connection; an empty text is nothing to do.
	Begin, Lock, Unlock, Undo string
}

// patience is how long giving up may take.
const patience = 10 * time.Second

// Run runs what has not run yet and leaves everything else alone; several at a
// time wait for one another by the Lock. A file that was changed after it had
// run is an error, and so is nothing to find of it in an older program: files
// unknown to this plan are left to whoever brought them.
func Run(ctx context.Context, conn *sql.Conn, p Plan) (err error) {
	if err := exec(ctx, conn, p.Begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			giveUp(ctx, conn, p.Undo)
		}
	}()
	if err := lock(ctx, conn, p.Lock); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := exec(ctx, conn, p.Create); err != nil {
		return err
	}
	done, err := applied(ctx, conn, p.Applied)
	if err != nil {
		return err
	}
	for _, f := range p.Files {
		sum, ok := done[f.Version]
		if ok && sum != f.Checksum {
			return fmt.Errorf("%s has changed since it ran", f.Name)
		}
		if ok {
			continue
		}
		for _, statement := range f.Statements() {
			if err := exec(ctx, conn, statement); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	return exec(ctx, conn, p.Unlock)
}

// lock waits for its turn. A database that says no does not say it by an error.
func lock(ctx context.Context, conn *sql.Conn, text string) error {
	if text == "" {
		return nil
	}
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, text).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errors.New("another migration goes on, and has not ended in time")
	}
	return nil
}

// giveUp undoes what was begun. A connection on which that fails is closed: it
// must not go back to the host within a transaction, or with a lock.
func giveUp(ctx context.Context, conn *sql.Conn, undo string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if exec(ctx, conn, undo) != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

func exec(ctx context.Context, conn *sql.Conn, text string) error {
	if text == "" {
		return nil
	}
	_, err := conn.ExecContext(ctx, text)
	return err
}

// applied reads the checksums of what has run, by version.
func applied(ctx context.Context, conn *sql.Conn, query string) (map[int]string, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	done := map[int]string{}
	for rows.Next() {
		var version int
		var sum string
		if err := rows.Scan(&version, &sum); err != nil {
			return nil, err
		}
		done[version] = sum
	}
	return done, rows.Err()
}
