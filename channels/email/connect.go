package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

var (
	errNoStartTLS  = errors.New("the relay does not offer STARTTLS")
	errNoAuth      = errors.New("the relay offers no authentication by password")
	errUnprotected = errors.New("the connection is neither encrypted nor local")
	errBeforeTLS   = errors.New("the relay spoke between STARTTLS and the handshake")
)

// connect opens a session: it is greeted, encrypted if it has to be, and
// authenticated. Ending the context cuts it off at any point.
func (c *Channel) connect(ctx context.Context) (*session, *failure) {
	if ctx.Err() != nil {
		return nil, fail(stageConnect, context.Cause(ctx))
	}
	dialing, done := context.WithTimeout(ctx, c.o.Timeout)
	defer done()
	socket, err := c.o.Dial(dialing, "tcp", c.o.Relay)
	if err != nil {
		return nil, fail(stageConnect, err)
	}
	s := &session{socket: socket, timeout: c.o.Timeout, submission: c.o.SubmitTimeout}
	stop := context.AfterFunc(ctx, s.cut)
	f := c.open(ctx, s)
	if !stop() && f == nil {
		f = fail(stageConnect, context.Cause(ctx))
	}
	if f == nil {
		return s, nil
	}
	s.cut()
	if ctx.Err() != nil && f.code == 0 {
		f.cause = context.Cause(ctx)
	}
	return nil, c.explain(f, "")
}

func (c *Channel) open(ctx context.Context, s *session) *failure {
	s.over(s.socket)
	switch {
	case c.o.TLS == ImplicitTLS:
		if f := c.encrypt(ctx, s); f != nil {
			return f
		}
	case c.o.TLS == Plaintext && (c.o.implied || c.o.Username != "") && !local(s.socket):
		return refuse(stageConnect, errUnprotected)
	}
	if _, f := s.expect(stageGreeting, 220, c.o.Timeout); f != nil {
		return f
	}
	if f := c.hello(s); f != nil {
		return f
	}
	if c.o.TLS == StartTLS {
		if f := c.startTLS(ctx, s); f != nil {
			return f
		}
	}
	s.budget = maxReplies
	return c.authenticate(s)
}

// hello introduces us and learns what the relay offers.
func (c *Channel) hello(s *session) *failure {
	a, f := s.ask(stageHello, 250, "EHLO "+c.o.Hello)
	if f == nil {
		s.offers = readOffers(a)
	}
	return f
}

// startTLS encrypts the session. What the relay offered before is forgotten,
// since anybody could have said it.
func (c *Channel) startTLS(ctx context.Context, s *session) *failure {
	if !s.offers.startTLS {
		return refuse(stageStartTLS, errNoStartTLS)
	}
	if _, f := s.ask(stageStartTLS, 220, "STARTTLS"); f != nil {
		return f
	}
	// Whatever came with the answer was not protected and must not be taken for
	// something said inside TLS.
	if s.in.Buffered() > 0 {
		return refuse(stageStartTLS, errBeforeTLS)
	}
	if f := c.encrypt(ctx, s); f != nil {
		return f
	}
	return c.hello(s)
}

func (c *Channel) encrypt(ctx context.Context, s *session) *failure {
	ctx, done := context.WithTimeout(ctx, c.o.Timeout)
	defer done()
	// Deadlines of the conversation so far must not end the handshake.
	if err := s.socket.SetDeadline(time.Time{}); err != nil {
		return fail(stageHandshake, err)
	}
	secure := tls.Client(s.socket, c.o.TLSConfig)
	if err := secure.HandshakeContext(ctx); err != nil {
		return fail(stageHandshake, err)
	}
	s.over(secure)
	return nil
}

// local tells a connection that does not leave this machine.
func local(conn net.Conn) bool {
	switch a := conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
