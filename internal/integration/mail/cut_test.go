package mail_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/store/memory"
)

// cut is what happens to one attempt: after so many bytes of the conversation,
// said or heard, it ends.
type cut struct {
	left   int
	cancel func() // calls the attempt off; nil resets instead
}

type cutKey struct{}

// cutConn ends a conversation as its attempt is to end.
type cutConn struct {
	*net.TCPConn
	cut *cut
}

var errCut = errors.New("cut")

func (c cutConn) Write(b []byte) (int, error) {
	if len(b) <= c.cut.left {
		c.cut.left -= len(b)
		return c.TCPConn.Write(b)
	}
	n, err := c.TCPConn.Write(b[:c.cut.left])
	c.cut.left = 0
	if err != nil || !c.end() {
		return n, errCut
	}
	rest, err := c.TCPConn.Write(b[n:]) // a race with the cancellation, as in life
	return n + rest, err
}

func (c cutConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if c.cut.left -= n; c.cut.left <= 0 && !c.end() {
		return 0, errCut // what was heard is lost
	}
	return n, err
}

// end carries the cut out, and tells whether the conversation may go on.
func (c cutConn) end() bool {
	if c.cut.cancel != nil {
		c.cut.cancel()
		return true
	}
	_ = c.SetLinger(0) // a reset, not a farewell
	_ = c.Close()
	return false
}

// cutting is the e-mail channel with every first attempt cut short, and some of
// the later ones. It is no notify.Router: a relay that fails so often would be
// left alone.
type cutting struct {
	*testing.T
	email *email.Channel

	mu     sync.Mutex
	random *rand.Rand
	meant  map[string]string // letters by Message-ID
}

func (c *cutting) Name() string { return notify.Email }

func (c *cutting) Deliver(ctx context.Context, d notify.Delivery) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	letter, err := c.email.Preview(d)
	if err == nil {
		ctx = context.WithValue(ctx, cutKey{}, c.plan(d, string(letter), cancel))
	}
	return c.email.Deliver(ctx, d)
}

// plan draws where the attempt ends: anywhere, or near the final dot, where it
// is hardest to know what was accepted.
func (c *cutting) plan(d notify.Delivery, letter string, cancel func()) *cut {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, ok := c.meant[messageID(letter)]; ok {
		assert.Equal(c, before, letter, "a retry is the same letter, byte for byte")
	}
	c.meant[messageID(letter)] = letter
	p := &cut{left: 1 << 30}
	if d.Attempt > 1 && c.random.IntN(4) > 0 {
		return p
	}
	const dialogue = 300 // around the letter, said and heard
	p.left = c.random.IntN(len(letter) + dialogue)
	if c.random.IntN(2) == 0 {
		p.left = len(letter) + c.random.IntN(dialogue)
	}
	if c.random.IntN(2) == 0 {
		p.cancel = cancel
	}
	return p
}

// at once tries again immediately and for ever.
type atOnce struct{}

func (atOnce) Next(int, time.Duration) (time.Duration, bool) { return time.Millisecond, true }

// TestEightHundredLettersCutShort sends letters whose connection is reset, whose
// attempt is called off, or whose template fails, at any byte. None is accepted
// truncated; none twice without an outcome that was recorded as unknown.
func TestEightHundredLettersCutShort(t *testing.T) {
	const letters, traps = 600, 200
	relay := newSink(t, nil)
	var mu sync.Mutex
	unknown := make(map[notify.ID]int)
	mails, err := email.New(email.Options{
		Relay: relay.address, From: "no-reply@acme.example", IdleSessions: -1,
		Templates: fstest.MapFS{"mine.html": &fstest.MapFile{Data: []byte(
			`{{define "lines"}}{{range .}}{{if eq . "trap"}}{{index . 99}}{{end}}{{.}}<br>{{end}}{{end}}`)}},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return cutConn{conn.(*net.TCPConn), ctx.Value(cutKey{}).(*cut)}, nil
		},
	})
	require.NoError(t, err)
	channel := &cutting{T: t, email: mails, random: rand.New(rand.NewPCG(20261127, 3)), meant: make(map[string]string)}
	ann := notify.User("ann")
	n, err := notify.New(memory.New(nil), &notify.Options{
		Channels: []notify.Channel{channel}, Retry: atOnce{}, PollInterval: 5 * time.Millisecond,
		Directory: notify.People{ann: {Name: "Ann", Addresses: []notify.Address{{Channel: notify.Email, Value: "ann@customer.example"}}}},
		Observe: func(_ context.Context, e notify.Event) {
			if e.Type == notify.EventAttempt && e.Class == notify.Unknown {
				mu.Lock()
				unknown[e.Delivery]++
				mu.Unlock()
			}
		},
	})
	require.NoError(t, err)
	for i := range letters + traps {
		body := "A letter of some length. " + strings.Repeat("More of it.\n", i%200)
		if i >= letters {
			body = "half of it\ntrap\nthe rest"
		}
		_, err := n.Send(t.Context(), notify.Notification{Provider: "p", To: []notify.Recipient{ann}, Title: fmt.Sprint("Letter ", i), Body: body})
		require.NoError(t, err)
	}
	runUntilSettled(t, n, letters+traps)

	records, err := n.Deliveries(t.Context(), notify.DeliveryQuery{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, records, letters+traps)
	delivered, twice, knew := 0, 0, 0
	for _, r := range records {
		id := fmt.Sprintf("<notify.%s@acme.example>", notify.Delivery{ID: r.ID, Address: address}.Identity())
		got := relay.letters(id)
		if r.Status == notify.StatusDead {
			require.Empty(t, got, "a template failed: nothing was sent")
			require.Contains(t, r.Error, "Templates")
			continue
		}
		delivered++
		require.Equal(t, notify.StatusDelivered, r.Status)
		require.NotEmpty(t, got)
		for _, letter := range got {
			require.Equal(t, channel.meant[id], letter, "truncated or changed")
		}
		require.LessOrEqual(t, len(got)-1, unknown[r.ID], "accepted again, though the outcome was known")
		if len(got) > 1 {
			twice++
		}
		knew += unknown[r.ID]
	}
	assert.Equal(t, letters, delivered)
	assert.Positive(t, twice, "no cut fell behind the final dot: nothing was tried")
	t.Logf("%d letters, %d of them accepted twice, %d outcomes unknown", delivered, twice, knew)
}

var address = notify.Address{Channel: notify.Email, Value: "ann@customer.example"}

// runUntilSettled runs the center until so many deliveries have their outcome.
func runUntilSettled(t *testing.T, n *notify.Notifier, count int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	require.Eventually(t, func() bool {
		records, err := n.Deliveries(t.Context(), notify.DeliveryQuery{Limit: 1000})
		require.NoError(t, err)
		settled := 0
		for _, r := range records {
			if !r.Settled.IsZero() {
				settled++
			}
		}
		return settled == count
	}, 5*time.Minute, 50*time.Millisecond)
}
