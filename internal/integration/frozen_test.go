package integration

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// icebox is what is between a client and a server that freezes: after so many
// more messages of the client nothing goes either way.
type icebox struct {
	net.Listener
	left   atomic.Int64 // messages; below zero it is frozen
	thawed chan struct{}
}

func newIcebox(t testing.TB, server string) *icebox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &icebox{Listener: listener, thawed: make(chan struct{})}
	b.left.Store(1 << 40)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go b.serve(client, server)
		}
	}()
	return b
}

// remove has the server see that its clients are gone.
func (b *icebox) remove() {
	close(b.thawed)
	b.Close()
}

func (b *icebox) serve(client net.Conn, server string) {
	defer client.Close()
	conn, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer conn.Close()
	go func() {
		io.Copy(writer{b, client}, conn)
		client.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if b.left.Add(-1) < 0 {
			<-b.thawed
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// writer writes nothing once it is frozen.
type writer struct {
	*icebox
	to io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	if w.left.Load() < 0 {
		return len(p), nil
	}
	return w.to.Write(p)
}

// behind opens a pool whose connections lead through the icebox.
func (b *backend) behind(t testing.TB, box *icebox) *sql.DB {
	t.Helper()
	dsn := ""
	if b.name == "mariadb" {
		config, err := driver.ParseDSN(b.dsn)
		require.NoError(t, err)
		config.Addr = box.Addr().String()
		dsn = config.FormatDSN()
	} else {
		u, err := url.Parse(b.dsn)
		require.NoError(t, err)
		u.Host = box.Addr().String()
		dsn = u.String()
	}
	db, err := sql.Open(b.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func (b *backend) server(t testing.TB) string {
	t.Helper()
	if b.name == "mariadb" {
		config, err := driver.ParseDSN(b.dsn)
		require.NoError(t, err)
		return config.Addr
	}
	u, err := url.Parse(b.dsn)
	require.NoError(t, err)
	return u.Host
}

// Whichever message of a call is the last that a server answers before it
// freezes, the call ends with its context.
func TestFrozen_callsEndWithTheirContext(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		if b.name == "pq" {
			return // lib/pq waits for the server, whatever a context says
		}
		require.NoError(t, b.migrate(t.Context(), b.db, ""))
		for name, call := range map[string]func(context.Context, notify.Store) error{
			"accept": func(ctx context.Context, s notify.Store) error {
				a := toAlice("paid")
				a.Notification.CollapseKey = "slot"
				_, err := s.Accept(ctx, []notify.Acceptance{a})
				return err
			},
			"items": func(ctx context.Context, s notify.Store) error {
				_, err := s.Items(ctx, alice, notify.ItemQuery{Limit: 5})
				return err
			},
			"claim": func(ctx context.Context, s notify.Store) error {
				_, err := s.Claim(ctx, claimTen)
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for n := int64(0); !b.endsAfter(t, n, call); n++ {
				}
			})
		}
	})
}

// endsAfter freezes the server after so many messages of a call, and tells
// whether that was after its last one.
func (b *backend) endsAfter(t *testing.T, n int64, call func(context.Context, notify.Store) error) bool {
	box := newIcebox(t, b.server(t))
	defer box.remove()
	s, _, err := b.open(b.behind(t, box), "", nil)
	require.NoError(t, err)
	box.left.Store(n)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- call(ctx, s) }()
	select {
	case err = <-ended:
	case <-time.After(3 * time.Second):
		t.Errorf("it does not end after %d messages", n)
		return false
	}
	if err != nil {
		assert.ErrorIs(t, err, context.DeadlineExceeded, "after %d messages", n)
	}
	return box.left.Load() >= 0
}
