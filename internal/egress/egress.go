// Package egress is the one door through which requests leave for URLs that
// strangers chose: the endpoints of push subscriptions and webhooks.
//
// A URL is checked twice. [Client.Check] refuses what its text already shows:
// another scheme than https, user information, other ports, addresses of
// special purpose in any notation. What a name stands for can change at any
// time, so every address is checked again at the moment it is dialled, against
// the IANA registries of special-purpose addresses; only then a connection is
// made. There is no proxy, which would hide the target from that check, and no
// redirect is followed.
//
// What comes back is bounded, as everything that is asked through package peer,
// and errors tell nothing about the inside of the network: a name that does not
// exist and one that leads inside look the same.
package egress

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/peer"
)

// Options configure a [Client]. The zero value reaches the public internet at
// port 443.
type Options struct {
	// Timeout is for one request, from the lookup of the name to the end of
	// the answer; 0 is 15 s.
	Timeout time.Duration

	// Allow is the exception to the rule, for development and tests: addresses
	// that may be reached though they have a special purpose, and at any port.
	// With an exception a name may also be local or have a port, as what it
	// stands for is decided when it is dialled.
	Allow []netip.Prefix

	// RootCAs are the authorities that servers are checked against; nil is
	// those of the system.
	RootCAs *x509.CertPool

	// Resolver looks names up; nil is that of the system.
	Resolver *net.Resolver
}

// Client sends requests past the guard. Its methods may be called from several
// goroutines.
type Client struct {
	timeout time.Duration
	allow   []netip.Prefix
	guard   *ssrf.Guardian
	dialer  *net.Dialer
	http    *http.Client

	open  atomic.Int64 // connections
	spare int64        // so many may be open before idle ones are closed
}

// port is the only one that may be dialled without an exception.
const port = 443

const (
	defaultTimeout = 15 * time.Second
	defaultSpare   = 256
)

// New returns a client. It starts nothing. The error is a
// [notify.InvalidError] that names the option.
func New(o Options) (*Client, error) {
	if o.Timeout < 0 {
		return nil, invalid("Timeout", "is negative")
	}
	for i, prefix := range o.Allow {
		if !prefix.IsValid() {
			return nil, invalid(fmt.Sprintf("Allow[%d]", i), "is no prefix")
		}
	}
	c := &Client{
		timeout: cmp.Or(o.Timeout, defaultTimeout),
		allow:   slices.Clone(o.Allow),
		guard:   ssrf.New(ssrf.WithPorts(port)),
		spare:   defaultSpare,
	}
	// A dial outlives the request that it was begun for, so it needs an end of
	// its own: somewhat later, so that it is the request that tells of it.
	c.dialer = &net.Dialer{Resolver: o.Resolver, Control: c.control, Timeout: c.timeout + time.Second}
	c.http = peer.NewClient(&http.Transport{
		DialContext:     c.dial,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
	})
	return c, nil
}

// dial opens a connection. Strangers may bring any number of hosts, each of
// which leaves one behind that waits for another request: beyond a number all
// that wait are closed. The transport has no such limit for HTTP/2.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if c.open.Add(1) > c.spare {
		c.CloseIdle()
	}
	return &counted{Conn: conn, open: &c.open}, nil
}

// counted is a connection that says when it is closed.
type counted struct {
	net.Conn
	open   *atomic.Int64
	closed atomic.Bool
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

// control is asked by the dialer for every address, after the lookup and before
// the connection. The error says nothing about the address.
func (c *Client) control(network, address string, raw syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return forbidden{}
	}
	if c.excepted(to.Addr()) {
		return nil
	}
	if c.guard.Safe(network, address, raw) != nil {
		return forbidden{}
	}
	return nil
}

func (c *Client) excepted(ip netip.Addr) bool {
	return slices.ContainsFunc(c.allow, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Do sends a request and returns the answer, whatever its status. Its body is in
// memory already and need not be closed. A redirect is an answer like others.
//
// The error is a [notify.DeliveryError]: Permanent if the URL must not be asked,
// Temporary if the request did not leave, and Unknown if it did and no answer
// came.
func (c *Client) Do(request *http.Request) (*http.Response, error) {
	if err := c.admit(request.URL); err != nil {
		return nil, &notify.DeliveryError{Class: notify.Permanent, Err: err}
	}
	answer, err := peer.Ask(c.http, request, c.timeout)
	if err != nil {
		return nil, explain(err)
	}
	response := &http.Response{
		StatusCode: answer.Status, Header: answer.Header, ContentLength: int64(len(answer.Body)), Body: http.NoBody,
	}
	if len(answer.Body) > 0 {
		response.Body = io.NopCloser(bytes.NewReader(answer.Body))
	}
	return response, nil
}

// CloseIdle ends the connections that wait for another request.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

func invalid(field, format string, args ...any) error {
	return &notify.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
