package egress

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// The transport lets a dial go on after its request has ended, for another one
// to use. Strangers could pile up such dials by hosts that never answer.
func TestDial_endsWithTheRequest(t *testing.T) {
	ended := make(chan struct{}, 16)
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		ended <- struct{}{}
		return nil, ctx.Err()
	}}
	c := client(t, Options{Resolver: resolver, Timeout: 50 * time.Millisecond})
	begun := time.Now()
	_, _, err := post(t, c, "https://push.example.com/", "hello")
	assertFailure(t, notify.Temporary, "no answer in time", err)
	<-ended
	assert.Less(t, time.Since(begun), 3*time.Second, "the resolver itself would wait for 5 s")
}

// Each host of a stranger's leaves a connection behind that waits for another
// request.
func TestConnections_areBounded(t *testing.T) {
	for name, protocols := range map[string][]string{"HTTP/2": {"h2"}, "HTTP/1.1": {"http/1.1"}} {
		t.Run(name, func(t *testing.T) {
			server, roots := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) {})
			server.TLS.NextProtos = protocols
			c := client(t, Options{
				Allow: []netip.Prefix{loopback}, RootCAs: roots,
				Resolver: names(t, func(string) []string { return []string{"127.0.0.1"} }),
			})
			c.spare = 4
			for i := range 20 {
				_, _, err := post(t, c, fmt.Sprintf("https://%d.example.com:%s/", i, portOf(t, server)), "hello")
				require.NoError(t, err)
				require.Eventually(t, func() bool { return c.open.Load() <= c.spare }, 10*time.Second, time.Millisecond)
			}
			assert.Eventually(t, func() bool {
				c.CloseIdle() // the last one may not have been idle yet
				return c.open.Load() == 0
			}, 10*time.Second, time.Millisecond)
		})
	}
}
