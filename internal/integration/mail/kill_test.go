package mail_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/store/sqlite"
)

// The environment of a child: its database, and the relay.
const (
	childFile  = "NOTIFY_MAIL_CHILD"
	childRelay = "NOTIFY_MAIL_RELAY"
)

// unrouted is the channel without its destination: a relay whose clients die is
// not to be left alone for it.
type unrouted struct{ notify.Channel }

func openCenter(file, relay string) (*notify.Notifier, *sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	if err := sqlite.Migrate(context.Background(), db, nil); err != nil {
		return nil, nil, err
	}
	store, err := sqlite.New(db, nil)
	if err != nil {
		return nil, nil, err
	}
	mails, err := email.New(email.Options{Relay: relay, From: "no-reply@acme.example"})
	if err != nil {
		return nil, nil, err
	}
	n, err := notify.New(store, &notify.Options{
		Channels: []notify.Channel{unrouted{mails}}, Retry: atOnce{}, Lease: time.Second, PollInterval: 50 * time.Millisecond, Workers: 4,
		Directory: notify.People{notify.User("ann"): {Name: "Ann", Addresses: []notify.Address{address}}},
	})
	return n, db, err
}

// child delivers until it is stopped.
func child() {
	n, _, err := openCenter(os.Getenv(childFile), os.Getenv(childRelay))
	if err == nil {
		err = n.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, "the child ended by itself:", err)
	os.Exit(1)
}

// executioner stops the child after so many bytes of its letters.
type executioner struct {
	mu   sync.Mutex
	left int
	cmd  *exec.Cmd
}

func (e *executioner) heard(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left -= n; e.left <= 0 && e.cmd != nil {
		_ = e.cmd.Process.Kill()
	}
}

// start lets a child live for so many bytes.
func (e *executioner) start(t *testing.T, file, relay string, bytes int) *exec.Cmd {
	e.mu.Lock()
	defer e.mu.Unlock()
	program, err := os.Executable()
	require.NoError(t, err)
	e.cmd, e.left = exec.CommandContext(t.Context(), program), bytes
	e.cmd.Env = append(os.Environ(), childFile+"="+file, childRelay+"="+relay)
	e.cmd.Stderr = os.Stderr
	require.NoError(t, e.cmd.Start())
	return e.cmd
}

// TestLettersOfProcessesThatAreStopped stops the sending process at any byte,
// again and again. What the relay has accepted in the end is whole, and twice
// only where an attempt was cut off.
func TestLettersOfProcessesThatAreStopped(t *testing.T) {
	lives := 20
	if os.Getenv("NOTIFY_SWEEP") == "full" {
		lives = 200
	}
	letters := 3*lives + 20
	e := &executioner{}
	relay := newSink(t, e.heard)
	file := filepath.Join(t.TempDir(), "test.db")
	n, db, err := openCenter(file, relay.address)
	require.NoError(t, err)
	defer db.Close()
	for i := range letters {
		_, err := n.Send(t.Context(), notify.Notification{
			Provider: "p", To: []notify.Recipient{notify.User("ann")}, Title: fmt.Sprint("Letter ", i), Body: strings.Repeat("More of it.\n", i%200),
		})
		require.NoError(t, err)
	}
	random := rand.New(rand.NewPCG(20261127, 4))
	for range lives {
		require.Error(t, e.start(t, file, relay.address, 1+random.IntN(15_000)).Wait(), "it was stopped")
	}
	last := e.start(t, file, relay.address, 1<<30)
	require.Eventually(t, func() bool { return len(delivered(t, n)) == letters }, 5*time.Minute, 50*time.Millisecond)
	require.NoError(t, last.Process.Kill())
	require.Error(t, last.Wait())

	twice := 0
	for _, r := range delivered(t, n) {
		got := relay.letters(fmt.Sprintf("<notify.%s@acme.example>", notify.Delivery{ID: r.ID, Address: address}.Identity()))
		require.NotEmpty(t, got)
		for _, letter := range got {
			require.Equal(t, got[0], letter, "a retry is the same letter")
			require.True(t, strings.HasSuffix(letter, "--\r\n"), "truncated")
		}
		// The attempt that a process dies with counts from the second time on: of
		// several that it had begun nobody knows which one ran.
		require.LessOrEqual(t, len(got), r.Attempts+1, "accepted again without an attempt that was cut off")
		if len(got) > 1 {
			twice++
		}
	}
	assert.LessOrEqual(t, twice, 4*lives, "one for each worker and life, at most")
	t.Logf("%d letters, %d lives, %d letters accepted twice", letters, lives+1, twice)
}

// delivered returns the records of what was delivered, page by page.
func delivered(t *testing.T, n *notify.Notifier) []notify.DeliveryRecord {
	t.Helper()
	records, err := n.Deliveries(t.Context(), notify.DeliveryQuery{Status: notify.StatusDelivered, Limit: 1000})
	require.NoError(t, err)
	return records
}
