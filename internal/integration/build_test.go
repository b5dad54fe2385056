package integration

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

var alice = notify.Recipient{Tenant: "acme", ID: "alice"}

// newID makes a UUID of version 7.
func newID() notify.ID {
	var b [10]byte
	rand.Read(b[:])
	ms := time.Now().UnixMilli()
	return notify.ID(fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", ms>>16, ms&0xffff, int(b[0])<<4&0xfff, int(b[1])<<4&0xfff, b[2:8]))
}

// toAlice is a notification with one item and one delivery.
func toAlice(title string) notify.Acceptance {
	n := notify.Notification{Tenant: "acme", Provider: "billing", To: []notify.Recipient{alice}, Title: title}
	return notify.Acceptance{
		ID: newID(), Notification: n, Fingerprint: title,
		Filings: []notify.Filing{{Recipient: alice, Tasks: []notify.NewTask{{ID: newID(), Kind: notify.KindDelivery, Channel: notify.Email}}}},
	}
}

// fanOut is a notification whose recipients are to be filed later.
func fanOut(title string) notify.Acceptance {
	a := toAlice(title)
	a.Filings, a.Task = nil, &notify.NewTask{ID: newID(), Kind: notify.KindFanOut}
	return a
}

// titles reads what is in alice's inbox, oldest first.
func titles(t testing.TB, s notify.Store) []string {
	t.Helper()
	items, err := s.Items(t.Context(), alice, notify.ItemQuery{Ascending: true})
	require.NoError(t, err)
	var found []string
	for _, it := range items {
		found = append(found, it.Notification.Title)
	}
	return found
}

// count counts the rows of a table.
func count(t testing.TB, db *sql.DB, table string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

// pragma reads a setting of the only connection of a pool.
func pragma(t testing.TB, db *sql.DB, name string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRow("PRAGMA "+name).Scan(&n))
	return n
}
