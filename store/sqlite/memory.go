package sqlite

import (
	"context"
	"database/sql"
)

// privateMemory tells whether each connection of the pool has a database in
// memory for itself. One without a file may also be in a shared cache: then the
// tables that one connection sees are there for the other, too.
func privateMemory(ctx context.Context, db *sql.DB, prefix string) (bool, error) {
	if db.Stats().MaxOpenConnections == 1 {
		return false, nil
	}
	one, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer one.Close()
	var file string
	if err := one.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file); err != nil {
		return false, err
	}
	if file != "" {
		return false, nil
	}
	other, err := db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer other.Close()
	here, err := hasTables(ctx, one, prefix)
	if err != nil {
		return false, err
	}
	there, err := hasTables(ctx, other, prefix)
	return here != there, err
}

func hasTables(ctx context.Context, conn *sql.Conn, prefix string) (bool, error) {
	var n int
	err := conn.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?`, prefix+"schema").Scan(&n)
	return n > 0, err
}
