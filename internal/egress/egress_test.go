package egress

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestNew_namesTheOption(t *testing.T) {
	for field, o := range map[string]Options{
		"Timeout":  {Timeout: -1},
		"Allow[1]": {Allow: []netip.Prefix{loopback, {}}},
	} {
		_, err := New(o)
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, field, bad.Field)
	}
}

func TestDo_speaksHTTP2OverOneConnection(t *testing.T) {
	from := make(map[string]bool) // one request after the other
	server, roots := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		from[r.RemoteAddr] = true
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Proto", r.Proto)
		_, _ = w.Write(body)
	})
	c := client(t, Options{Allow: []netip.Prefix{loopback}, RootCAs: roots})
	for range 3 {
		response, body, err := post(t, c, server.URL, "hello")
		require.NoError(t, err)
		assert.Equal(t, "HTTP/2.0", response.Header.Get("Proto"))
		assert.Equal(t, "hello", body)
	}
	assert.Len(t, from, 1)
}

// The class follows from how far the request came.
func TestDo_tellsHowFarItCame(t *testing.T) {
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for name, c := range map[string]struct {
		handle  func(net.Conn) // after TLS
		timeout time.Duration
		class   notify.Class
		text    string
	}{
		"gone after the request": {handle: func(conn net.Conn) {
			if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
			}
		}, class: notify.Unknown, text: "unexpected EOF"},
		"silence after the request": {handle: silent, timeout: 300 * time.Millisecond, class: notify.Unknown, text: "no answer in time"},
		"nonsense after the request": {handle: func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4<<10))
			_, _ = io.WriteString(conn, "I am 10.0.0.7 and you are welcome\r\n\r\n")
		}, class: notify.Unknown, text: "the connection failed"},
	} {
		t.Run(name, func(t *testing.T) {
			server, roots := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) {})
			config := server.TLS.Clone()
			config.NextProtos = []string{"http/1.1"}
			listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
			require.NoError(t, err)
			acceptEach(t, listener, c.handle)
			o := Options{Allow: []netip.Prefix{loopback}, RootCAs: roots, Timeout: c.timeout}
			_, _, err = post(t, client(t, o), "https://"+listener.Addr().String(), "hello")
			assertFailure(t, c.class, c.text, err)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, listener.Close())
		_, _, err = post(t, client(t, Options{Allow: []netip.Prefix{loopback}}), "https://"+listener.Addr().String(), "hello")
		assertFailure(t, notify.Temporary, "connection refused", err)
	})
	t.Run("an authority that nobody trusts", func(t *testing.T) {
		server, _ := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) {})
		_, _, err := post(t, client(t, Options{Allow: []netip.Prefix{loopback}}), server.URL, "hello")
		assertFailure(t, notify.Temporary, "the certificate is not trusted", err)
	})
	t.Run("silence before TLS", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		acceptEach(t, listener, silent)
		o := Options{Allow: []netip.Prefix{loopback}, Timeout: 50 * time.Millisecond}
		_, _, err = post(t, client(t, o), "https://"+listener.Addr().String(), "hello")
		assertFailure(t, notify.Temporary, "no answer in time", err)
	})
}

func assertFailure(t *testing.T, class notify.Class, text string, err error) {
	t.Helper()
	var failure *notify.DeliveryError
	if assert.ErrorAs(t, err, &failure) {
		assert.Equal(t, class, failure.Class)
		assert.Equal(t, text, failure.Err.Error())
	}
}

// acceptEach handles each connection once and closes it.
func acceptEach(t *testing.T, listener net.Listener, handle func(net.Conn)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
}
