package integration

import (
	"context"
	"database/sql"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/mysql"
	"github.com/bellwether-go/notify/store/postgres"
)

// migrating is the connection that migrates, whichever it is, if there is one.
func (b *backend) migrating(t testing.TB) (connection sql.NullInt64) {
	t.Helper()
	text, args := `SELECT MAX(pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objid = (hashtextextended($1, 7266) & 4294967295)::bigint::oid`, []any{b.table("schema")}
	if b.name == "mariadb" {
		text, args = `SELECT IS_USED_LOCK(MD5(CONCAT(LOWER(DATABASE()), '.notify_schema')))`, nil
	}
	require.NoError(t, b.db.QueryRow(text, args...).Scan(&connection))
	return connection
}

// killMigrating ends the connection that migrates, and tells whether there was
// one.
func (b *backend) killMigrating(t testing.TB) bool {
	t.Helper()
	connection := b.migrating(t)
	if !connection.Valid {
		return false
	}
	if b.name == "mariadb" {
		_, err := b.db.Exec("KILL ?", connection.Int64)
		return err == nil
	}
	var killed bool
	require.NoError(t, b.db.QueryRow(`SELECT pg_terminate_backend($1)`, connection.Int64).Scan(&killed))
	return killed
}

// table is the name of a table of the store, as the store says it.
func (b *backend) table(name string) string {
	if b.schema == "" {
		return "notify_" + name
	}
	return `"` + b.schemaName() + `".notify_` + name
}

func (b *backend) schemaName() string { return strings.TrimSuffix(b.schema, ".") }

func TestMigrate_twentyAtOnceOfWhichOneIsKilled(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		var failed atomic.Int64
		var group sync.WaitGroup
		done := make(chan struct{})
		for range 20 {
			db := b.pool(t)
			group.Go(func() {
				if b.migrate(t.Context(), db, "") != nil {
					failed.Add(1)
				}
			})
		}
		go func() {
			group.Wait()
			close(done)
		}()
		killed := false
		for !killed {
			select {
			case <-done:
				require.FailNow(t, "nobody was seen to migrate")
			default:
				killed = b.killMigrating(t)
			}
		}
		<-done
		assert.LessOrEqual(t, failed.Load(), int64(1), "only the one that was killed")
		assert.Equal(t, 1, count(t, b.db, b.table("schema")))
		s, _, err := b.open(b.db, "", nil)
		require.NoError(t, err)
		_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
		require.NoError(t, err)
	})
}

func TestMigrate_versionIsChecked(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		open := func() error {
			_, _, err := b.open(b.db, "", nil)
			return err
		}
		assert.ErrorContains(t, open(), "Migrate", "no tables")
		require.NoError(t, b.migrate(t.Context(), b.db, ""))
		require.NoError(t, open())
		change := func(text string) {
			t.Helper()
			_, err := b.db.Exec(text)
			require.NoError(t, err)
		}
		change("INSERT INTO " + b.table("schema") + " (version, name, checksum, compatible) VALUES (99, '0099_later.sql', '', 1)")
		assert.NoError(t, open(), "newer, but made for older programs too")
		assert.NoError(t, b.migrate(t.Context(), b.db, ""))
		change("UPDATE " + b.table("schema") + " SET compatible = 98 WHERE version = 99")
		assert.ErrorContains(t, open(), "update the program")
		change("DELETE FROM " + b.table("schema"))
		assert.ErrorContains(t, open(), "Migrate", "no version")
	})
}

// Who may not wait any longer leaves nothing begun on the connection, which is the
// host's, and makes no tables beside the one who is at it.
func TestMigrate_doesNotWaitForEver(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		other, err := b.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer other.Rollback()
		impatient := b.pool(t)
		impatient.SetMaxOpenConns(1)
		if b.name == "mariadb" {
			_, err = other.Exec(`DO GET_LOCK(MD5(CONCAT(LOWER(DATABASE()), '.notify_schema')), 0)`)
			require.NoError(t, err)
			defer other.Exec(`DO RELEASE_ALL_LOCKS()`)
			_, err = impatient.Exec(`SET max_statement_time = 0.2`)
		} else {
			_, err = other.Exec(`SELECT pg_advisory_xact_lock(hashtextextended($1, 7266))`, b.table("schema"))
			require.NoError(t, err)
			_, err = impatient.Exec(`SET lock_timeout = '200ms'`)
		}
		require.NoError(t, err)
		assert.ErrorContains(t, b.migrate(t.Context(), impatient, ""), "migrate: lock: ")
		_, err = impatient.Exec(`SELECT 1`)
		assert.NoError(t, err)
		_, _, err = b.open(b.db, "", nil)
		assert.ErrorContains(t, err, "Migrate", "no tables")
	})
}

// Goose runs the files, and Migrate finds them done.
func TestMigrate_filesAreReadByGoose(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		var files fs.FS
		dialect := goose.DialectPostgres
		if b.name == "mariadb" {
			files, dialect = mysql.Migrations(nil), goose.DialectMySQL
		} else {
			files = postgres.Migrations(&postgres.Options{Schema: b.schemaName()})
		}
		provider, err := goose.NewProvider(dialect, b.db, files, goose.WithDisableGlobalRegistry(true), goose.WithTableName(b.schema+"host_versions"))
		require.NoError(t, err)
		results, err := provider.Up(t.Context())
		require.NoError(t, err)
		require.Len(t, results, 1)
		require.NoError(t, b.migrate(t.Context(), b.db, ""), "finds it done")
		s, _, err := b.open(b.db, "", nil)
		require.NoError(t, err)
		_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
		require.NoError(t, err)
	})
}

func TestMigrate_namesAreChecked(t *testing.T) {
	ctx := context.Background()
	db := &sql.DB{} // never asked
	for _, name := range []string{"Upper", "a-b", "a b", "1a", `a"; drop`, "ä", "a23456789012345678901234567890123"} {
		assert.ErrorIs(t, postgres.Migrate(ctx, db, &postgres.Options{Schema: name}), notify.ErrInvalid, name)
		assert.ErrorIs(t, postgres.Migrate(ctx, db, &postgres.Options{Prefix: name}), notify.ErrInvalid, name)
		assert.ErrorIs(t, mysql.Migrate(ctx, db, &mysql.Options{Prefix: name}), notify.ErrInvalid, name)
		_, err := postgres.Migrations(&postgres.Options{Schema: name}).Open(".")
		assert.ErrorIs(t, err, notify.ErrInvalid, name)
	}
	_, err := postgres.New(nil, nil)
	assert.ErrorIs(t, err, notify.ErrInvalid)
	_, err = mysql.New(nil, nil)
	assert.ErrorIs(t, err, notify.ErrInvalid)
}
