package email

import (
	"bufio"
	"net"
	"strings"
	"time"
)

// session is an open conversation with the relay. One goroutine at a time may
// use it, except that cut may be called by another.
type session struct {
	socket net.Conn // beneath TLS
	conn   net.Conn // what is spoken over
	in     *bufio.Reader
	budget int // what the relay may still say, in bytes

	timeout    time.Duration // for each command
	submission time.Duration // for the answer to the final dot

	offers offers
	mails  int
	since  time.Time // when it was put aside; zero for a fresh one
	expiry *time.Timer
}

// over lets the conversation go on over conn: the socket, or TLS on top of it.
func (s *session) over(conn net.Conn) {
	s.conn, s.in, s.budget = conn, bufio.NewReaderSize(conn, maxReply), maxReplies
}

// write sends all of b or fails. A failed write has not sent the last byte: the
// kernel takes from the front, and half a TLS record cannot be read.
func (s *session) write(b []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

// hear waits for one answer. The time is that for the whole of it: a relay that
// sends a byte now and then gains nothing.
func (s *session) hear(patience time.Duration) (answer, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return answer{}, err
	}
	return readAnswer(s.in, &s.budget)
}

// ask sends one command and waits for its answer, which must have that code.
func (s *session) ask(at stage, expect int, command string) (answer, *failure) {
	if err := s.write([]byte(command + "\r\n")); err != nil {
		return answer{}, fail(at, err)
	}
	return s.expect(at, expect, s.timeout)
}

// expect waits for an answer that must have that code.
func (s *session) expect(at stage, code int, patience time.Duration) (answer, *failure) {
	a, err := s.hear(patience)
	switch {
	case err != nil:
		return answer{}, fail(at, err)
	case a.code != code:
		return a, unwelcome(at, a)
	}
	return a, nil
}

// cut drops the connection on the spot. What was written of a message stays
// without its final dot. Closing TLS properly instead would wait for the peer.
func (s *session) cut() { _ = s.socket.Close() }

// quit takes leave, and waits only shortly for the answer: nothing depends on
// it. It must not be called inside a message.
func (s *session) quit() {
	s.timeout, s.budget = min(s.timeout, time.Second), maxReplies
	_, _ = s.ask(stageQuit, 221, "QUIT")
	s.cut()
}

// alive asks a session that was idle for a while whether anybody is there: a
// connection that a firewall forgot would swallow a letter's first command and
// leave it unanswered until the time-out.
func (s *session) alive() *failure {
	if s.since.IsZero() || time.Since(s.since) < probeAfter {
		return nil
	}
	patient := s.timeout
	defer func() { s.timeout = patient }()
	s.timeout, s.budget = min(s.timeout, probeTimeout), maxReplies
	_, f := s.ask(stageNoop, 250, "NOOP")
	return f
}

// offers are the extensions that the relay announced.
type offers struct {
	startTLS, pipelining, size bool
	plain, login               bool // mechanisms of AUTH
}

func readOffers(ehlo answer) offers {
	var o offers
	for _, line := range ehlo.lines[1:] { // the first names the relay
		words := strings.Fields(strings.ToUpper(line))
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "STARTTLS":
			o.startTLS = true
		case "PIPELINING":
			o.pipelining = true
		case "SIZE":
			o.size = true
		case "AUTH":
			for _, mechanism := range words[1:] {
				o.plain = o.plain || mechanism == "PLAIN"
				o.login = o.login || mechanism == "LOGIN"
			}
		}
	}
	return o
}
