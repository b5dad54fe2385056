// Package peer is what channels over HTTP share: asking a server that may be
// hostile, reading its answer within bounds, and telling why there was none
// without naming hosts, addresses or secrets.
package peer

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	maxBody    = 64 << 10        // bytes of an answer that are read; the rest is not
	bodyWait   = 5 * time.Second // for the body, once the status is there
	maxHeaders = 64 << 10
)

// Answer is what a peer answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // its beginning, at most 64 KB
}

// Silence is why a peer gave no answer.
type Silence struct {
	Sent  bool  // the request may have reached the peer
	Cause error // without any host, address or secret
}

// Error implements error.
func (s *Silence) Error() string { return s.Cause.Error() }

// Unwrap returns Cause.
func (s *Silence) Unwrap() error { return s.Cause }

// Ask sends a request and returns the answer, whatever its status, if it comes
// within patience. Once the status is there, a body that breaks off or takes too
// long is cut and no failure. The error is a [*Silence].
func Ask(client *http.Client, request *http.Request, patience time.Duration) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(request.Context(), patience, errLate)
	defer cancel()
	if ctx.Err() != nil {
		return Answer{}, &Silence{Cause: context.Cause(ctx)}
	}
	var watch struct { // one allocation
		sent  atomic.Bool
		trace httptrace.ClientTrace
	}
	// Not WroteHeaders, which comes after the write: the peer may know the
	// request by then, and the context may have ended.
	watch.trace.GotConn = func(httptrace.GotConnInfo) { watch.sent.Store(true) }
	// Past the client itself, which copies the header for redirects that are
	// never followed.
	response, err := client.Transport.RoundTrip(request.WithContext(httptrace.WithClientTrace(ctx, &watch.trace)))
	if err != nil {
		return Answer{}, &Silence{Sent: watch.sent.Load(), Cause: reason(ctx, err)}
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	if response.ContentLength == 0 {
		return answer, nil
	}
	late := time.AfterFunc(bodyWait, cancel)
	defer late.Stop()
	answer.Body, _ = io.ReadAll(io.LimitReader(response.Body, maxBody))
	return answer, nil
}

// NewClient returns a client that follows no redirect, uses no proxy and keeps
// nothing but its own connections; transport tells how they are made, and may
// leave everything else zero.
func NewClient(transport *http.Transport) *http.Client {
	transport.ForceAttemptHTTP2 = true
	transport.MaxResponseHeaderBytes = maxHeaders
	transport.IdleConnTimeout = 5 * time.Minute
	transport.TLSHandshakeTimeout = 10 * time.Second
	transport.DisableCompression = true // a small body may grow beyond all bounds
	// A connection that died unnoticed is found out before the next request
	// has waited for all of its time.
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
