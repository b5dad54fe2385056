package integration

import (
	"errors"
	"io/fs"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/sqlite"
)

func TestSQLiteMigrate_twentyAtOnceConverge(t *testing.T) {
	dsn := newFile(t)
	errs := make([]error, 20)
	var group sync.WaitGroup
	for i := range errs {
		db := openDB(t, dsn)
		group.Go(func() { errs[i] = sqlite.Migrate(t.Context(), db, nil) })
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.Equal(t, 1, count(t, openDB(t, dsn), "notify_schema"))
}

func TestSQLiteMigrate_versionIsChecked(t *testing.T) {
	db := openDB(t, newFile(t))
	_, err := sqlite.New(db, nil)
	assert.ErrorContains(t, err, "run sqlite.Migrate")
	newStore(t, db, nil)

	_, err = db.Exec("INSERT INTO notify_schema (version, name, checksum, compatible) VALUES (99, '0099_later.sql', '', 1)")
	require.NoError(t, err)
	_, err = sqlite.New(db, nil)
	assert.NoError(t, err, "newer, but made for older programs too")
	assert.NoError(t, sqlite.Migrate(t.Context(), db, nil))

	_, err = db.Exec("UPDATE notify_schema SET compatible = 98 WHERE version = 99")
	require.NoError(t, err)
	_, err = sqlite.New(db, nil)
	assert.ErrorContains(t, err, "update the program")

	_, err = db.Exec("DELETE FROM notify_schema")
	require.NoError(t, err)
	_, err = sqlite.New(db, nil)
	assert.ErrorContains(t, err, "run sqlite.Migrate")
}

func TestSQLiteMigrate_changedFileIsRefused(t *testing.T) {
	db := openDB(t, newFile(t))
	newStore(t, db, nil)
	_, err := db.Exec("UPDATE notify_schema SET checksum = 'other'")
	require.NoError(t, err)
	assert.ErrorContains(t, sqlite.Migrate(t.Context(), db, nil), "0001_create.sql has changed")
}

// A host that applies the files itself gets what Migrate makes.
func TestSQLiteMigrate_filesCanBeRunByOthers(t *testing.T) {
	db := openDB(t, newFile(t))
	opts := &sqlite.Options{Prefix: "center_"}
	files, err := fs.Glob(sqlite.Migrations(opts), "*.sql")
	require.NoError(t, err)
	require.Equal(t, []string{"0001_create.sql"}, files)
	for _, name := range files {
		text, err := fs.ReadFile(sqlite.Migrations(opts), name)
		require.NoError(t, err)
		require.Regexp(t, `^-- \+goose Up\n`, string(text))
		_, err = db.Exec(string(text))
		require.NoError(t, err)
	}
	s := newStore(t, db, opts) // Migrate finds it done
	_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
	require.NoError(t, err)
}
