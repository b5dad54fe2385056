package integration

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/postgres"
)

// clerk opens a pool as a user who may do nothing, and says how to let it do
// something on the tables.
func (b *backend) clerk(t *testing.T) (db *sql.DB, grant func(rights string)) {
	t.Helper()
	var dsn string
	name := strings.TrimSuffix(b.schema, ".")
	to := name
	if b.name == "mariadb" {
		config, err := driver.ParseDSN(b.dsn)
		require.NoError(t, err)
		name = config.DBName
		to = "'" + name + "'@'%'"
		config.User, config.Passwd = name, "clerk"
		b.exec(t, "CREATE USER "+to+" IDENTIFIED BY 'clerk'")
		b.exec(t, "GRANT USAGE ON *.* TO "+to)
		t.Cleanup(func() { b.db.Exec("DROP USER " + to) })
		grant = func(rights string) { b.exec(t, "GRANT "+rights+" ON "+name+".* TO "+to) }
		dsn = config.FormatDSN()
	} else {
		b.exec(t, "CREATE ROLE "+to+" LOGIN PASSWORD 'clerk'")
		b.exec(t, "GRANT USAGE ON SCHEMA "+name+" TO "+to)
		t.Cleanup(func() {
			b.db.Exec("DROP OWNED BY " + to)
			b.db.Exec("DROP ROLE " + to)
		})
		grant = func(rights string) {
			on := "ALL TABLES IN SCHEMA "
			if rights == "CREATE" {
				on = "SCHEMA "
			}
			b.exec(t, "GRANT "+rights+" ON "+on+name+" TO "+to)
		}
		u, err := url.Parse(b.dsn)
		require.NoError(t, err)
		u.User = url.UserPassword(to, "clerk")
		dsn = u.String()
	}
	db, err := sql.Open(b.driver, dsn)
	require.NoError(t, err)
	db.SetMaxIdleConns(0) // MariaDB has connections keep the rights that they began with
	t.Cleanup(func() { db.Close() })
	return db, grant
}

func (b *backend) exec(t *testing.T, text string) {
	t.Helper()
	_, err := b.db.Exec(text)
	require.NoError(t, err, text)
}

// Each right that is missing is asked for, and those that the documentation
// names are enough.
func TestDenied_saysWhichRightIsMissing(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		db, grant := b.clerk(t)
		if b.name == "mariadb" {
			grant("SELECT")
		}
		err := b.migrate(t.Context(), db, "")
		assert.ErrorContains(t, err, "to migrate it needs CREATE")
		require.NoError(t, b.migrate(t.Context(), b.db, ""), "by somebody who may")

		open := func() (notify.Store, error) {
			s, _, err := b.open(db, "", nil)
			return s, err
		}
		if b.name != "mariadb" {
			_, err = open()
			assert.ErrorContains(t, err, "grant the role of this connection SELECT")
			assert.NotContains(t, err.Error(), "Migrate", "which would not help")
			grant("SELECT")
		}
		if s, err := open(); err != nil { // it prepares all statements here
			assert.ErrorContains(t, err, "SELECT, INSERT, UPDATE and DELETE")
		} else {
			_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
			assert.ErrorContains(t, err, "SELECT, INSERT, UPDATE and DELETE")
		}

		grant("SELECT, INSERT, UPDATE, DELETE")
		s, err := open()
		require.NoError(t, err)
		_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
		require.NoError(t, err)
		require.NoError(t, newCenter(t, s, newMailbox()).Drain(t.Context()))
		_, err = s.(notify.Eraser).Erase(t.Context(), alice)
		require.NoError(t, err)

		grant(map[bool]string{true: "CREATE, ALTER, INDEX", false: "CREATE"}[b.name == "mariadb"])
		require.NoError(t, b.migrate(t.Context(), db, "other_"))
	})
}

// A database that is only read is told of, and one, or a schema, that is not
// there.
func TestDenied_readOnlyAndNotThere(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		require.NoError(t, b.migrate(t.Context(), b.db, ""))
		another := func(change func(dsn string) string) *sql.DB {
			db, err := sql.Open(b.driver, change(b.dsn))
			require.NoError(t, err)
			t.Cleanup(func() { db.Close() })
			return db
		}
		nowhere := another(func(dsn string) string {
			if b.name != "mariadb" {
				return strings.Replace(dsn, "/postgres?", "/nowhere?", 1)
			}
			config, err := driver.ParseDSN(dsn)
			require.NoError(t, err)
			config.DBName = "nowhere"
			return config.FormatDSN()
		})
		_, _, err := b.open(nowhere, "", nil)
		assert.ErrorContains(t, err, "there is no such database")
		assert.ErrorContains(t, b.migrate(t.Context(), nowhere, ""), "there is no such database")

		tx, err := b.db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
		require.NoError(t, err)
		defer tx.Rollback()
		_, bind, err := b.open(b.db, "", nil)
		require.NoError(t, err)
		_, err = bind(tx).Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
		assert.ErrorContains(t, err, "transaction is read-only")

		if b.name == "mariadb" {
			return // a server that is read-only is among the outages
		}
		assert.ErrorContains(t, postgres.Migrate(t.Context(), b.db, &postgres.Options{Schema: "nowhere"}), "create the schema")
		readOnly := another(func(dsn string) string { return dsn + "&default_transaction_read_only=on" })
		s, _, err := b.open(readOnly, "", nil)
		require.NoError(t, err, "reading works")
		assert.Empty(t, titles(t, s))
		_, err = s.Accept(t.Context(), []notify.Acceptance{toAlice("paid")})
		assert.ErrorContains(t, err, "read-only: connect to the primary")
		assert.ErrorContains(t, b.migrate(t.Context(), readOnly, "other_"), "read-only: connect to the primary")
	})
}
