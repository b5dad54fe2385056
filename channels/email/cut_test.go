package email

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// cutter breaks after so many bytes were written.
type cutter struct {
	net.Conn
	left int
	how  func()
}

var errCut = errors.New("cut")

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) <= c.left {
		c.left -= len(b)
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:c.left])
	c.left = 0
	c.how()
	return n, errCut
}

// TestNothingIsAcceptedHalfWritten cuts the conversation after every sort of
// byte. What the relay accepts is whole, and an outcome that says "not sent" is
// true.
func TestNothingIsAcceptedHalfWritten(t *testing.T) {
	d := delivery()
	whole, err := newChannel(t, nil).Preview(d)
	require.NoError(t, err)
	const dialogue = 150 // what is written around the message, at least
	random := rand.New(rand.NewPCG(7, 11))
	counts := []int{0, 1, len(whole), len(whole) + dialogue}
	for range 60 {
		counts = append(counts, random.IntN(len(whole)+dialogue))
	}
	for name, hang := range map[string]bool{"the connection breaks": false, "the attempt is called off": true} {
		t.Run(name, func(t *testing.T) {
			for _, n := range counts {
				p := newPeer(t, script{})
				ctx, cancel := context.WithCancel(t.Context())
				c := p.channel(t, func(o *Options) {
					o.IdleSessions = -1
					o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := new(net.Dialer).DialContext(ctx, network, address)
						if err != nil {
							return nil, err
						}
						broken := &cutter{Conn: conn, left: n, how: func() { _ = conn.Close() }}
						if hang {
							broken.how = func() {
								cancel()
								_, _ = conn.Read(make([]byte, 1)) // until the channel closes it
							}
						}
						return broken, nil
					}
				})
				err := ends(t, func() error { return c.Deliver(ctx, d) })
				cancel()
				got, _, _ := p.log()
				for _, message := range got {
					require.Equal(t, string(whole), message, "after %d bytes", n)
				}
				// What was not accepted was not written to its end, and we know it.
				if err == nil {
					require.Len(t, got, 1)
				} else {
					require.Empty(t, got, "after %d bytes it was accepted, but reported as not sent", n)
					require.Equal(t, notify.Temporary, classOf(t, err))
				}
			}
		})
	}
}

// TestALocalErrorNeverWritesTheDot has a write fail on a connection that works
// on afterwards: taking leave properly would complete the message.
func TestALocalErrorNeverWritesTheDot(t *testing.T) {
	p := newPeer(t, script{})
	c := p.channel(t, func(o *Options) {
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			broken := &cutter{Conn: conn, left: 3000}
			broken.how = func() { broken.left = 1 << 20 }
			return broken, nil
		}
	})
	err := c.Deliver(t.Context(), delivery())
	assert.Equal(t, notify.Temporary, classOf(t, err))
	assert.ErrorContains(t, err, "body: cut")
	require.NoError(t, c.Close())
	got, _, _ := p.log()
	assert.Empty(t, got)
}
