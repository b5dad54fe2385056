package notifytest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Reply is what a sink over HTTP does with one request. The zero value checks
// the request as the real service does, and accepts it if it is in order.
type Reply struct {
	Status int         // 0 is what the check leads to
	Header http.Header // besides what the sink answers anyway, such as Retry-After
	Body   string

	Delay   time.Duration // before the answer; ends early when the client hangs up
	Reset   bool          // take the request and break the stream instead of an answer
	GoAway  bool          // HTTP/2: refuse the request by GOAWAY, as a server that is about to stop
	Endless bool          // a body without end, until the client hangs up
}

// Sink is what the services over HTTP have in common: a server on loopback with
// a certificate of its own. R is what comes in. Its methods may be called from
// several goroutines.
type Sink[R any] struct {
	server *httptest.Server

	mu       sync.Mutex
	script   []Reply
	answer   func(R) Reply
	arrivals []*arrival[R]
}

// arrival is a request that has come, and what became of it.
type arrival[R any] struct {
	request  R
	reply    Reply
	accepted bool
	taken    bool // whole, and without an answer until now
}

// start serves over TLS until the test ends.
func (s *Sink[R]) start(t testing.TB, handler http.Handler) {
	s.open(handler, (*httptest.Server).StartTLS)
	t.Cleanup(s.end)
}

func (s *Sink[R]) open(handler http.Handler, start func(*httptest.Server)) {
	s.server = httptest.NewUnstartedServer(handler)
	s.server.EnableHTTP2 = true
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connection{}, c)
	}
	start(s.server)
}

func (s *Sink[R]) end() {
	s.server.CloseClientConnections()
	s.server.Close()
}

type connection struct{}

// URL is where the sink listens: "https://127.0.0.1:40123". A channel reaches it
// if its options allow 127.0.0.1/32 and have RootCAs.
func (s *Sink[R]) URL() string { return s.server.URL }

// RootCAs are what the certificate of the sink is checked against. All sinks
// have the same one.
func (s *Sink[R]) RootCAs() *x509.CertPool {
	pool := x509.NewCertPool()
	if cert := s.server.Certificate(); cert != nil { // without TLS there is none
		pool.AddCert(cert)
	}
	return pool
}

// Script sets what happens to the next requests, in order.
func (s *Sink[R]) Script(replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, replies...)
}

// Answer sets what happens to requests that no script is left for. It may be
// called from several goroutines at a time; nil accepts what is in order.
func (s *Sink[R]) Answer(answer func(R) Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Accepted returns what was accepted, in the order in which it came.
func (s *Sink[R]) Accepted() []R {
	return s.arrived(func(a *arrival[R]) bool { return a.accepted })
}

// Taken returns what was accepted and what was taken without an answer that ends,
// by a Delay, a Reset or Endless: all that a client must expect to have arrived.
func (s *Sink[R]) Taken() []R {
	return s.arrived(func(a *arrival[R]) bool { return a.accepted || a.taken })
}

func (s *Sink[R]) arrived(wanted func(*arrival[R]) bool) []R {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []R
	for _, a := range s.arrivals {
		if wanted(a) {
			all = append(all, a.request)
		}
	}
	return all
}

// Requests tells how many requests have come in whole, accepted or not.
func (s *Sink[R]) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrivals)
}

// Disconnect breaks all connections, those in use too.
func (s *Sink[R]) Disconnect() { s.server.CloseClientConnections() }

// arrive notes a request and finds the reply for it.
func (s *Sink[R]) arrive(request R) *arrival[R] {
	a := &arrival[R]{request: request}
	s.mu.Lock()
	answer := s.answer
	if len(s.script) > 0 {
		a.reply, s.script, answer = s.script[0], s.script[1:], nil
	}
	s.mu.Unlock()
	if answer != nil {
		a.reply = answer(request)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.taken = a.reply.Reset || a.reply.Delay > 0 || a.reply.Endless && a.reply.accepts()
	s.arrivals = append(s.arrivals, a)
	return a
}

// settle notes how the request is answered.
func (s *Sink[R]) settle(a *arrival[R], accepted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.accepted, a.taken = accepted, false
}

// play does what the reply says besides the answer, and tells whether an answer
// is still to be given.
func (r Reply) play(w http.ResponseWriter, request *http.Request) bool {
	if r.Delay > 0 {
		late := time.NewTimer(r.Delay)
		defer late.Stop()
		select {
		case <-late.C:
		case <-request.Context().Done():
			return false
		}
	}
	if r.GoAway && request.ProtoMajor == 2 {
		goAway(request)
		return false
	}
	if r.Reset || r.GoAway {
		panic(http.ErrAbortHandler)
	}
	for name, values := range r.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if r.Endless {
		w.WriteHeader(max(r.Status, http.StatusOK))
		for block := make([]byte, 16<<10); ; {
			if _, err := w.Write(block); err != nil {
				return false
			}
		}
	}
	return true
}

// goAway tells the client that none of its requests on this connection were
// taken, and closes it (RFC 9113, section 6.8). It writes past the server, which
// is silent meanwhile unless it answers another request on the same connection:
// then the client sees the connection break instead.
func goAway(request *http.Request) {
	c, ok := request.Context().Value(connection{}).(*tls.Conn)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	frame := []byte{0, 0, 8, 7, 0, 0, 0, 0, 0} // 8 bytes of GOAWAY on stream 0
	frame = binary.BigEndian.AppendUint32(frame, 0)
	frame = binary.BigEndian.AppendUint32(frame, 0) // NO_ERROR
	_, _ = c.Write(frame)
	_ = c.Close()
}

// accepts tells whether the reply leaves a request that is in order accepted.
func (r Reply) accepts() bool { return r.Status == 0 || r.Status/100 == 2 }

// write answers with a status and a body, unless the reply has others.
func (r Reply) write(w http.ResponseWriter, status int, body string) {
	if r.Status != 0 {
		status, body = r.Status, r.Body
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// readAll reads the body of a request, up to a limit. A body that breaks off ends
// the handler: such a request has not come.
func readAll(r *http.Request) []byte {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return body
}
