package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var (
	errNoStartTLS    = errors.New("the relay does not offer STARTTLS")
	errNoAuth        = errors.New("the relay offers no authentication by password")
	errUnprotected   = errors.New("the connection is neither encrypted nor local")
	errBeforeTLS     = errors.New("the relay spoke between STARTTLS and the handshake")
	plaintextGreeted = []byte("220 ready\r\n")
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
	s := &session{socket: socket}
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
	s.wire = &wire{Conn: s.socket, timeout: c.o.Timeout, budget: maxReplies}
	switch c.o.TLS {
	case StartTLS:
		if f := c.askForTLS(s.wire); f != nil {
			return f
		}
		if f := c.encrypt(ctx, s); f != nil {
			return f
		}
		// The client waits for a greeting, which the relay gave before.
		s.wire.replay = plaintextGreeted
	case ImplicitTLS:
		if f := c.encrypt(ctx, s); f != nil {
			return f
		}
	case Plaintext:
		if (c.o.implied || c.o.Username != "") && !local(s.socket) {
			return refuse(stageConnect, errUnprotected)
		}
	}
	s.client = smtp.NewClient(s.wire)
	s.client.CommandTimeout = c.o.Timeout
	s.client.SubmissionTimeout = c.o.SubmitTimeout
	if err := s.client.Hello(c.o.Hello); err != nil {
		if !s.wire.wrote {
			return fail(stageGreeting, err)
		}
		return fail(stageHello, err)
	}
	return c.authenticate(s)
}

// askForTLS leads the conversation up to the point where TLS begins. The client
// would do it under the name "localhost", which some relays turn away.
func (c *Channel) askForTLS(w *wire) *failure {
	if err := w.SetDeadline(time.Now().Add(c.o.Timeout)); err != nil {
		return fail(stageGreeting, err)
	}
	text := textproto.NewConn(w)
	if _, _, err := text.ReadResponse(220); err != nil {
		return fail(stageGreeting, err)
	}
	offer, err := exchange(text, 250, "EHLO "+c.o.Hello)
	if err != nil {
		return fail(stageHello, err)
	}
	if !offers(offer, "STARTTLS") {
		return refuse(stageStartTLS, errNoStartTLS)
	}
	if _, err := exchange(text, 220, "STARTTLS"); err != nil {
		return fail(stageStartTLS, err)
	}
	// Whatever came with the answer was not protected and must not be taken for
	// something said inside TLS.
	if text.R.Buffered() > 0 {
		return refuse(stageStartTLS, errBeforeTLS)
	}
	return nil
}

func exchange(text *textproto.Conn, expect int, command string) (string, error) {
	if err := text.PrintfLine("%s", command); err != nil {
		return "", err
	}
	_, answer, err := text.ReadResponse(expect)
	return answer, err
}

func offers(ehlo, extension string) bool {
	for line := range strings.SplitSeq(ehlo, "\n") {
		if strings.EqualFold(strings.TrimSpace(line), extension) {
			return true
		}
	}
	return false
}

func (c *Channel) encrypt(ctx context.Context, s *session) *failure {
	ctx, done := context.WithTimeout(ctx, c.o.Timeout)
	defer done()
	secure := tls.Client(s.socket, c.o.TLSConfig)
	if err := secure.HandshakeContext(ctx); err != nil {
		return fail(stageHandshake, err)
	}
	if err := s.socket.SetDeadline(time.Time{}); err != nil {
		return fail(stageHandshake, err)
	}
	s.wire = &wire{Conn: secure, timeout: c.o.Timeout, budget: maxReplies}
	return nil
}

func (c *Channel) authenticate(s *session) *failure {
	if c.o.Username == "" {
		return nil
	}
	var mechanism sasl.Client
	switch {
	case s.client.SupportsAuth(sasl.Plain):
		mechanism = sasl.NewPlainClient("", c.o.Username, c.o.Password)
	case s.client.SupportsAuth(sasl.Login):
		mechanism = sasl.NewLoginClient(c.o.Username, c.o.Password)
	default:
		return refuse(stageAuth, errNoAuth)
	}
	if err := s.client.Auth(mechanism); err != nil {
		return fail(stageAuth, err)
	}
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
