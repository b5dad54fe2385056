package egress

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

var loopback = netip.MustParsePrefix("127.0.0.0/8")

// serve starts a TLS server that speaks HTTP/2 on an address of this machine.
func serve(t *testing.T, address string, handler http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	require.NoError(t, server.Listener.Close())
	server.Listener, server.EnableHTTP2 = listener, true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

func portOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	return port
}

// canary is a listener that nobody must ever reach.
type canary struct {
	net.Listener
	reached atomic.Int64
}

func listen(t *testing.T, address string) *canary {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	c := &canary{Listener: listener}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.reached.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return c
}

func (c *canary) port(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(c.Addr().String())
	require.NoError(t, err)
	return port
}

// names is a name server that answers every question from a function; a name
// without an address does not exist.
func names(t *testing.T, addresses func(name string) []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		question := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(answerTo(question[:n], addresses), from)
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answerTo writes a message of RFC 1035, section 4.
func answerTo(question []byte, addresses func(name string) []string) []byte {
	const header, kindA, kindAAAA = 12, 1, 28
	end := header
	var labels []string
	for question[end] != 0 {
		labels = append(labels, string(question[end+1:end+1+int(question[end])]))
		end += 1 + int(question[end])
	}
	kind := binary.BigEndian.Uint16(question[end+1:])
	end += 5
	known := addresses(strings.Join(labels, "."))
	answer := append([]byte{}, question[:end]...)
	binary.BigEndian.PutUint16(answer[2:], 0x8180) // an answer, recursion available
	clear(answer[6:header])
	if len(known) == 0 {
		answer[3] |= 3 // no such name
	}
	count := uint16(0)
	for _, text := range known {
		ip := netip.MustParseAddr(text)
		if ip.Is4() != (kind == kindA) || ip.Is6() != (kind == kindAAAA) {
			continue
		}
		count++
		answer = append(answer, 0xc0, header) // the name of the question
		answer = binary.BigEndian.AppendUint16(answer, kind)
		answer = append(answer, 0, 1, 0, 0, 0, 0) // the internet, do not keep
		answer = binary.BigEndian.AppendUint16(answer, uint16(ip.BitLen()/8))
		answer = append(answer, ip.AsSlice()...)
	}
	binary.BigEndian.PutUint16(answer[6:], count)
	return answer
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdle)
	return c
}

// post sends a body through a client and returns the answer with its body.
func post(t *testing.T, c *Client, url, body string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	response, err := c.Do(request)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(text), nil
}
