package email

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifytest"
)

func TestDeliverInEachMode(t *testing.T) {
	for _, mode := range []TLSMode{StartTLS, ImplicitTLS, Plaintext} {
		t.Run(string(mode), func(t *testing.T) {
			s := newGuardedSink(t, mode == ImplicitTLS)
			c := s.channel(t, mode, func(o *Options) { o.Username, o.Password = "robot", "open-sesame" })
			d := delivery()
			require.NoError(t, c.Deliver(t.Context(), d))
			want, err := c.Preview(d)
			require.NoError(t, err)
			require.Len(t, s.Accepted(), 1)
			assert.Equal(t, notifytest.Envelope{
				From: "no-reply@acme.example", To: "joerg.mueller@customer.example", Hello: "acme.example",
				User: "robot", Encrypted: mode != Plaintext,
			}, s.Accepted()[0].Envelope)
			assert.Equal(t, string(want), string(s.Accepted()[0].Raw))

			d, g := digest()
			require.NoError(t, c.DeliverDigest(t.Context(), d, g))
			require.Len(t, s.Accepted(), 2)
			assert.Contains(t, s.Accepted()[1].Subject, "12 unread notifications")
		})
	}
}

func TestLinesThatStartWithADotArrive(t *testing.T) {
	s := newSink(t, false)
	d := delivery()
	d.Item.Notification.Body = ".\n..\n.\r\n.hidden\nQUIT\n.\n"
	require.NoError(t, s.channel(t, Plaintext, nil).Deliver(t.Context(), d))
	require.Len(t, s.Accepted(), 1)
	assert.Contains(t, read(t, s.Accepted()[0].Raw).text, "\n.\n..\n.\n.hidden\nQUIT\n.\n")
}

func TestWrongPasswordIsTheOperatorsMatter(t *testing.T) {
	s := newGuardedSink(t, false)
	c := s.channel(t, StartTLS, func(o *Options) { o.Username, o.Password = "robot", "knock-knock" })
	problem := failed(t, c.Deliver(t.Context(), delivery()))
	assert.Equal(t, notify.Misconfigured, problem.Class)
	assert.Contains(t, problem.Error(), "auth: 5")
	assert.NotContains(t, problem.Error(), "knock")
	assert.NotContains(t, problem.Error(), "robot")
	assert.Empty(t, s.Accepted())
}

func TestUntrustedCertificateIsTheOperatorsMatter(t *testing.T) {
	for _, mode := range []TLSMode{StartTLS, ImplicitTLS} {
		s := newSink(t, mode == ImplicitTLS)
		c := s.channel(t, mode, func(o *Options) { o.TLSConfig = &tls.Config{ServerName: relayName} })
		problem := failed(t, c.Deliver(t.Context(), delivery()))
		assert.Equal(t, notify.Misconfigured, problem.Class)
		assert.Empty(t, s.Accepted())
	}
}

func TestPlaintextRelayOnATLSPortIsTheOperatorsMatter(t *testing.T) {
	s := newSink(t, false)
	problem := failed(t, s.channel(t, ImplicitTLS, nil).Deliver(t.Context(), delivery()))
	assert.Equal(t, notify.Misconfigured, problem.Class)
}

// remote claims to be somewhere else.
type remote struct{ net.Conn }

func (remote) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25} }

func TestNothingUnprotectedLeavesTheMachineUnasked(t *testing.T) {
	s := newSink(t, false)
	away := func(o *Options) {
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, s.Addr())
			return remote{conn}, err
		}
	}
	// The address says loopback, which allows plaintext; the connection leads elsewhere.
	for name, change := range map[string]func(*Options){
		"implied":     func(o *Options) { o.TLS = "" },
		"credentials": func(o *Options) { o.TLS, o.Username, o.Password = Plaintext, "robot", "open-sesame" },
	} {
		c := s.channel(t, "", func(o *Options) { away(o); change(o) })
		problem := failed(t, c.Deliver(t.Context(), delivery()))
		assert.Equal(t, notify.Misconfigured, problem.Class, name)
	}
	assert.Empty(t, s.Accepted())
	require.NoError(t, s.channel(t, Plaintext, away).Deliver(t.Context(), delivery()), "asked for")
}

func TestConnectionsAreKept(t *testing.T) {
	s := newSink(t, false)
	c := s.channel(t, StartTLS, nil)
	for range 3 {
		require.NoError(t, c.Deliver(t.Context(), delivery()))
	}
	assert.Len(t, s.Accepted(), 3)
	assert.Equal(t, 1, s.Connections())

	require.NoError(t, c.Close())
	require.NoError(t, c.Deliver(t.Context(), delivery()))
	require.NoError(t, c.Deliver(t.Context(), delivery()))
	assert.Equal(t, 3, s.Connections(), "a closed channel keeps none")
}

func TestConnectionsEndAfterAHundredLetters(t *testing.T) {
	s := newSink(t, false)
	c := s.channel(t, Plaintext, nil)
	for range maxMails + 1 {
		require.NoError(t, c.Deliver(t.Context(), delivery()))
	}
	assert.Equal(t, 2, s.Connections())
	assert.Len(t, s.Accepted(), maxMails+1)
}

func TestRepliesAreBoundedByTheLetterNotByTheConnection(t *testing.T) {
	p := newPeer(t, script{"RCPT": "250 " + strings.Repeat("welcome ", 200)})
	c := p.channel(t, nil)
	for range maxReplies/1600 + 2 {
		require.NoError(t, c.Deliver(t.Context(), delivery()))
	}
	assert.Equal(t, 1, p.connections())
}

func TestNoMoreConnectionsAreKeptThanAskedFor(t *testing.T) {
	s := newSink(t, false)
	c := s.channel(t, Plaintext, func(o *Options) { o.IdleSessions = 2 })
	var all sync.WaitGroup
	var lost atomic.Int32
	for i := range 12 {
		all.Go(func() {
			d := delivery()
			d.ID = notify.ID(fmt.Sprint(i))
			if c.Deliver(t.Context(), d) != nil {
				lost.Add(1)
			}
		})
	}
	all.Wait()
	assert.Zero(t, lost.Load())
	assert.Len(t, s.Accepted(), 12)
	assert.LessOrEqual(t, len(c.sessions.idle), 2)
	ids := make(map[string]bool)
	for _, m := range s.Accepted() {
		ids[m.Header.Get("Message-ID")] = true
	}
	assert.Len(t, ids, 12)
}

func failed(t testing.TB, err error) *notify.DeliveryError {
	t.Helper()
	var problem *notify.DeliveryError
	require.ErrorAs(t, err, &problem)
	return problem
}

func TestBouncesMayGoElsewhere(t *testing.T) {
	s := newSink(t, false)
	c := s.channel(t, Plaintext, func(o *Options) { o.Bounce = "bounces@Acme.example" })
	require.NoError(t, c.Deliver(t.Context(), delivery()))
	assert.Equal(t, "bounces@acme.example", s.Accepted()[0].From)
	assert.Equal(t, "no-reply@acme.example", read(t, s.Accepted()[0].Raw).sender(t))
}
