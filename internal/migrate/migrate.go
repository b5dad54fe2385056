// Package migrate runs the embedded migrations of a SQL store: files named
// NNNN_name.sql, in order, each once, under a lock that the database gives.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Plan is what there is to run, and how one process keeps the others out.
type Plan struct {
	Files []File

	// Create creates the table that records what has run, if there is none.
	Create string
	// Applied selects version and checksum of what has run.
	Applied string
	// Lock begins, Unlock ends and Undo gives up the exclusive run. Each is
	// executed on the same connection; an empty text is nothing to do.
	Lock, Unlock, Undo string
}

// Run runs what has not run yet and leaves everything else alone; several at a
// time wait for one another by the Lock. A file that was changed after it had
// run is an error, and so is nothing to find of it in an older program: files
// unknown to this plan are left to whoever brought them.
func Run(ctx context.Context, conn *sql.Conn, p Plan) (err error) {
	if err := exec(ctx, conn, p.Lock); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, exec(context.WithoutCancel(ctx), conn, p.Undo))
		}
	}()
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
