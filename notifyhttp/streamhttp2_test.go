package notifyhttp

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipes is a listener whose connections stay within the process, so that a
// bubble can wait for them.
type pipes struct {
	accepted chan net.Conn
	closed   context.Context
	close    context.CancelFunc
}

func newPipes() *pipes {
	p := &pipes{accepted: make(chan net.Conn)}
	p.closed, p.close = context.WithCancel(context.Background())
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.accepted <- server
	return client, nil
}

// On HTTP/2 a write deadline that passes ends the stream also while nothing is
// written.
func TestStream_livesThroughSilenceOnHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var unencrypted http.Protocols
		unencrypted.SetUnencryptedHTTP2(true)
		s, listener := newSite(t), newPipes()
		server := &http.Server{Handler: s.handler, Protocols: &unencrypted, WriteTimeout: time.Minute}
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		transport := &http.Transport{DialContext: listener.dial, Protocols: &unencrypted}

		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://app.example/notify/api/v1/stream", nil)
		require.NoError(t, err)
		r.Header.Set("X-User", "ann")
		response, err := transport.RoundTrip(r)
		require.NoError(t, err)
		require.Equal(t, 2, response.ProtoMajor)
		heard := make(chan string, 1)
		go func() {
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() && !strings.HasPrefix(lines.Text(), "event: notification") {
			}
			heard <- lines.Text()
		}()
		time.Sleep(5 * time.Minute)
		s.send("one")
		synctest.Wait()
		select {
		case line := <-heard:
			assert.Equal(t, "event: notification", line)
		default:
			assert.Fail(t, "no event")
		}
		_ = response.Body.Close()
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
}
