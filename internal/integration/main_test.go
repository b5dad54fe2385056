package integration

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/bellwether-go/notify/internal/leak"
	"github.com/bellwether-go/notify/store/mysql"
	"github.com/bellwether-go/notify/store/postgres"
)

// migrator in the environment has this program migrate instead of test: it names
// the driver, and the two others the database and the schema.
const (
	migrator       = "NOTIFY_MIGRATE_DRIVER"
	migratorDSN    = "NOTIFY_MIGRATE_DSN"
	migratorSchema = "NOTIFY_MIGRATE_SCHEMA"
)

func migrateAsTold(ctx context.Context) error {
	driver := os.Getenv(migrator)
	db, err := sql.Open(driver, os.Getenv(migratorDSN))
	if err != nil {
		return err
	}
	defer db.Close()
	if driver == "mysql" {
		return mysql.Migrate(ctx, db, nil)
	}
	return postgres.Migrate(ctx, db, &postgres.Options{Schema: os.Getenv(migratorSchema)})
}

func TestMain(m *testing.M) {
	if os.Getenv(migrator) == "" {
		leak.Main(m)
	}
	if err := migrateAsTold(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
