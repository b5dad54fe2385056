package integration

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/mysql"
	"github.com/bellwether-go/notify/store/storetest"
)

// newDatabase makes a database that lasts as long as the test. How to connect to
// it is changed by the given function, if any.
func newDatabase(t testing.TB, configure func(*driver.Config)) *driver.Config {
	t.Helper()
	config, err := driver.ParseDSN(serviceDSN(t, "NOTIFY_TEST_MYSQL"))
	require.NoError(t, err)
	server := connectMySQL(t, config)
	name := fmt.Sprintf("t%d_%d", time.Now().UnixNano(), sets.Add(1))
	_, err = server.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := server.Exec("DROP DATABASE " + name)
		require.NoError(t, err)
	})
	config.DBName = name
	if configure != nil {
		configure(config)
	}
	return config
}

func connectMySQL(t testing.TB, config *driver.Config) *sql.DB {
	connector, err := driver.NewConnector(config)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { db.Close() })
	return db
}

// newMySQL opens a store on new tables.
func newMySQL(t testing.TB, db *sql.DB, opts *mysql.Options) *mysql.Store {
	t.Helper()
	require.NoError(t, mysql.Migrate(t.Context(), db, opts))
	s, err := mysql.New(db, opts)
	require.NoError(t, err)
	return s
}

// The settings of the driver that hosts differ in make no difference.
func TestMySQL_conformance(t *testing.T) {
	for _, tt := range []struct {
		name      string
		configure func(*driver.Config)
	}{
		{"with the defaults of the driver", nil},
		{"with everything otherwise", func(c *driver.Config) {
			c.ParseTime, c.ClientFoundRows, c.InterpolateParams = true, true, true
			c.Loc = time.FixedZone("far", 13*60*60)
			c.Params = map[string]string{"time_zone": "'-11:00'", "tx_isolation": "'SERIALIZABLE'"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := newDatabase(t, tt.configure)
			db := connectMySQL(t, config)
			tables := &tablePool{db: db, make: func(t testing.TB, prefix string) { newMySQL(t, db, &mysql.Options{Prefix: prefix}) }}
			storetest.Run(t, func(t testing.TB) storetest.Harness { return mysqlHarness(t, connectMySQL(t, config), tables.take(t)) })
		})
	}
}

func mysqlHarness(t testing.TB, db *sql.DB, prefix string) storetest.Harness {
	var moved atomic.Int64
	opts := &mysql.Options{
		Prefix: prefix,
		Now:    func() time.Time { return time.Now().Add(time.Duration(moved.Load())) },
	}
	s, err := mysql.New(db, opts)
	require.NoError(t, err)
	return storetest.Harness{
		Store:   s,
		Advance: func(d time.Duration) { moved.Add(int64(d)) },
		Reopen:  func() (notify.Store, error) { return mysql.New(db, opts) },
		Begin: func(ctx context.Context) (storetest.Tx, error) {
			store, err := mysql.New(db, opts)
			if err != nil {
				return storetest.Tx{}, err
			}
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return storetest.Tx{}, err
			}
			return storetest.Tx{Acceptor: store.Tx(tx), Commit: tx.Commit, Rollback: tx.Rollback}, nil
		},
	}
}
