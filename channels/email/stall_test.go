package email

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// TestARelayThatStopsReadingIsLeft uses a pipe, which has no buffers that could
// hold a whole letter.
func TestARelayThatStopsReadingIsLeft(t *testing.T) {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close() })
	var serving sync.WaitGroup
	serving.Go(func() {
		in := bufio.NewReader(theirs)
		ok := say(theirs, "220 relay")
		for ok {
			line, err := in.ReadString('\n')
			switch {
			case err != nil:
				return
			case strings.HasPrefix(line, "DATA"):
				say(theirs, "354 go on")
				return
			}
			ok = say(theirs, "250 ok")
		}
	})
	c := newChannel(t, func(o *Options) {
		o.TLS, o.Timeout = Plaintext, 200*time.Millisecond
		o.Dial = func(context.Context, string, string) (net.Conn, error) { return ours, nil }
	})
	err := ends(t, func() error { return c.Deliver(t.Context(), delivery()) })
	assert.Equal(t, notify.Temporary, classOf(t, err))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.ErrorContains(t, err, "body: ")
	serving.Wait()
}

// lastWord ends the attempt as soon as the relay's acceptance was read.
type lastWord struct {
	net.Conn
	heard func()
}

func (l lastWord) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if bytes.Contains(b[:n], []byte("queued")) {
		l.heard()
	}
	return n, err
}

func TestWhatWasAcceptedInTheLastMomentIsDelivered(t *testing.T) {
	p := newPeer(t, script{})
	ctx, cancel := context.WithCancel(t.Context())
	c := p.channel(t, func(o *Options) {
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return lastWord{conn, cancel}, err
		}
	})
	require.NoError(t, c.Deliver(ctx, delivery()))
	assert.Empty(t, c.sessions.idle, "a connection that was cut is not kept")
}

// TestASilentSessionIsGivenUpSoon runs in virtual time: a kept connection that
// swallows what is said costs seconds, not the time-out of a command.
func TestASilentSessionIsGivenUpSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var serving sync.WaitGroup
		c := newChannel(t, func(o *Options) {
			o.TLS = Plaintext
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				serving.Go(func() { swallowNoop(theirs) })
				return ours, nil
			}
		})
		require.NoError(t, c.Deliver(t.Context(), delivery()))
		time.Sleep(probeAfter)
		asked := time.Now()
		require.NoError(t, c.Deliver(t.Context(), delivery()))
		assert.Equal(t, probeTimeout, time.Since(asked))
		require.NoError(t, c.Close())
		serving.Wait()
	})
}

// swallowNoop takes one letter after the other, but never answers NOOP.
func swallowNoop(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for ok := say(conn, "220 relay"); ok; {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case strings.HasPrefix(line, "NOOP"):
		case strings.HasPrefix(line, "DATA"):
			say(conn, "354 go on")
			_, _ = readMessage(in)
			ok = say(conn, "250 ok")
		default:
			ok = say(conn, "250 ok")
		}
	}
}

// TestCloseTakesLeaveOfAllAtOnce runs in virtual time: relays that do not answer
// QUIT hold a shutdown up for a second, and not each for one.
func TestCloseTakesLeaveOfAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var serving, sending sync.WaitGroup
		c := newChannel(t, func(o *Options) {
			o.TLS = Plaintext
			o.Dial = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				serving.Go(func() { swallowQuit(theirs) })
				return ours, nil
			}
		})
		for range 8 {
			sending.Go(func() { assert.NoError(t, c.Deliver(t.Context(), delivery())) })
		}
		sending.Wait()
		require.Len(t, c.sessions.idle, 8)
		asked := time.Now()
		require.NoError(t, c.Close())
		assert.Equal(t, time.Second, time.Since(asked))
		serving.Wait()
	})
}

// swallowQuit takes one letter, slowly, and never answers QUIT.
func swallowQuit(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for ok := say(conn, "220 relay"); ok; {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return
		case strings.HasPrefix(line, "QUIT"):
		case strings.HasPrefix(line, "DATA"):
			say(conn, "354 go on")
			_, _ = readMessage(in)
			time.Sleep(time.Minute) // so that each letter has a connection of its own
			ok = say(conn, "250 ok")
		default:
			ok = say(conn, "250 ok")
		}
	}
}
