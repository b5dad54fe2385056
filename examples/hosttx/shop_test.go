package main

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/bellwether-go/notify/store/sqlite"
	"github.com/stretchr/testify/require"
)

//snippet:start test

// The order and the notification about it are there together or not at all.
func TestShop_tellsOfOrdersThatArePlaced(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "app.db")+"?_txlock=immediate"+
		"&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, sqlite.Migrate(t.Context(), db, nil))
	_, err = db.Exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer TEXT NOT NULL)`)
	require.NoError(t, err)

	// The store is the host's, the clock is the center's.
	var store *sqlite.Store
	center := notifytest.New(t, &notifytest.Options{Open: func(now func() time.Time) (notify.Store, error) {
		store, err = sqlite.New(db, &sqlite.Options{Now: now})
		return store, err
	}})
	shop, ann := shop{db: db, store: store, center: center.Notifier}, notify.User("ann")

	if err := shop.placeOrder(t.Context(), 1, "ann", false); !errors.Is(err, errNoStock) {
		t.Fatal(err)
	}
	center.RequireInbox(ann)
	center.RequireNothingSent()

	require.NoError(t, shop.placeOrder(t.Context(), 2, "ann", true))
	center.RequireInbox(ann, "Order 2 is placed")
	center.RequireSent(ann, notify.Email, "Order 2 is placed")
	center.RequireSettled()
}

//snippet:end test
