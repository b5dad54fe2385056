package notifytest

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// SMTPOptions configure an [SMTP]. Nil and the zero value work.
type SMTPOptions struct {
	// Username and Password are what clients have to authenticate with, by AUTH
	// PLAIN or LOGIN, before they may send. Without a Username none need to.
	Username, Password string

	ImplicitTLS bool // speak TLS from the first byte, as on port 465
	NoTLS       bool // do not offer STARTTLS
}

// SMTP is a mail server on loopback that keeps the letters it accepts, and fails
// as it is told. It offers STARTTLS, with a certificate for localhost, 127.0.0.1
// and mail.example. Its methods may be called from several goroutines.
type SMTP struct {
	o        SMTPOptions
	server   *smtp.Server
	listener net.Listener
	cert     tls.Certificate
	ended    chan struct{} // closed by Close
	end      func()

	mu       sync.Mutex
	script   map[SMTPStage][]SMTPReply
	answer   func(SMTPStep) SMTPReply
	accepted []Letter
	taken    []Letter
	opened   int
}

// NewSMTP starts a mail server that ends with the test.
func NewSMTP(t testing.TB, o *SMTPOptions) *SMTP {
	t.Helper()
	s, err := OpenSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// OpenSMTP starts a mail server without a test, for demonstrations. Close ends
// it.
func OpenSMTP(o *SMTPOptions) (*SMTP, error) {
	cert, err := selfSigned("localhost", "mail.example", "127.0.0.1")
	if err != nil {
		return nil, fmt.Errorf("notifytest: the mail server's certificate: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("notifytest: the mail server: %w", err)
	}
	s := &SMTP{o: *cmp.Or(o, &SMTPOptions{}), listener: listener, cert: cert, ended: make(chan struct{}), script: map[SMTPStage][]SMTPReply{}}
	s.server = smtp.NewServer(smtp.BackendFunc(s.hello))
	s.server.Domain, s.server.AllowInsecureAuth, s.server.ErrorLog = "mail.example", true, quiet{}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	if !s.o.NoTLS && !s.o.ImplicitTLS {
		s.server.TLSConfig = config
	}
	incoming := net.Listener(greeter{listener, s})
	if s.o.ImplicitTLS {
		incoming = tls.NewListener(incoming, config)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.server.Serve(incoming) })
	s.end = sync.OnceFunc(func() {
		close(s.ended)
		_ = listener.Close() // the server may not have it yet
		_ = s.server.Close()
		serving.Wait()
	})
	return s, nil
}

// Addr is where the server listens: "127.0.0.1:40123".
func (s *SMTP) Addr() string { return s.listener.Addr().String() }

// RootCAs are what the certificate of the server is checked against.
func (s *SMTP) RootCAs() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.cert.Leaf)
	return pool
}

// Script says what happens the next times that conversations come to a stage,
// one reply each. What was there already comes first.
func (s *SMTP) Script(at SMTPStage, replies ...SMTPReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[at] = append(s.script[at], replies...)
}

// Answer says what happens at every step for which there is no script. It may
// be called from several goroutines at a time. Nil leaves all in good order.
func (s *SMTP) Answer(answer func(SMTPStep) SMTPReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Accepted returns the letters that were accepted, in the order in which they
// came.
func (s *SMTP) Accepted() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.accepted)
}

// Taken returns what was accepted and what was taken in whole without an answer:
// all that a sender must expect to have arrived.
func (s *SMTP) Taken() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// Connections tells how many have been opened so far.
func (s *SMTP) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Close ends the server before the test does. What it accepted stays.
func (s *SMTP) Close() { s.end() }

// next takes the reply for a step.
func (s *SMTP) next(step SMTPStep) SMTPReply {
	s.mu.Lock()
	if replies := s.script[step.Stage]; len(replies) > 0 {
		s.script[step.Stage] = replies[1:]
		s.mu.Unlock()
		return replies[0]
	}
	answer := s.answer
	s.mu.Unlock()
	if answer == nil {
		return SMTPReply{}
	}
	return answer(step)
}

// take keeps a letter that came in whole.
func (s *SMTP) take(l Letter, answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, l)
	if answered {
		s.accepted = append(s.accepted, l)
	}
}

// greeter lets connections in, if the script does.
type greeter struct {
	net.Listener
	smtp *SMTP
}

// Accept implements [net.Listener]. A connection that is not to be greeted is
// dealt with aside.
func (g greeter) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g.smtp.mu.Lock()
		g.smtp.opened++
		g.smtp.mu.Unlock()
		reply := g.smtp.next(SMTPStep{Stage: StageGreeting})
		if reply == (SMTPReply{}) {
			return conn, nil
		}
		go func() { // ends with the connection or the server
			defer conn.Close()
			if reply.play(conn, g.smtp.ended) {
				_, _ = conn.Write([]byte(reply.line()))
			}
		}()
	}
}

// quiet is a log that nobody reads: what went wrong, a test sees at the client.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
