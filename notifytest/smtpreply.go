package notifytest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// SMTPStage is a point of the conversation with an [SMTP].
type SMTPStage string

// The stages, in the order in which a conversation comes to them.
const (
	StageGreeting SMTPStage = "greeting" // a connection was opened
	StageHello    SMTPStage = "hello"    // EHLO or HELO; twice with STARTTLS
	StageAuth     SMTPStage = "auth"     // credentials, right or wrong
	StageMail     SMTPStage = "mail"     // MAIL FROM
	StageRcpt     SMTPStage = "rcpt"     // RCPT TO
	StageBody     SMTPStage = "body"     // the letter begins to come
	StageEnd      SMTPStage = "end"      // the final dot has come
)

// SMTPStep is a moment of a conversation, for [SMTP.Answer].
type SMTPStep struct {
	Stage    SMTPStage
	Envelope        // as far as it is known; at StageAuth with the user who asks
	Password string // at StageAuth
	Letter   Letter // at StageEnd
}

// SMTPReply is what an [SMTP] does at a stage. The zero value answers as is in
// order.
type SMTPReply struct {
	Code     int    // 0 is what the stage leads to
	Enhanced [3]int // {5, 1, 1}; zero leaves it out
	Text     string

	Delay   time.Duration // before anything else; ends early with the server
	Reset   bool          // reset the connection instead of an answer
	Silent  bool          // read on and never say a word
	Garbage bool          // answer bytes that are no SMTP, and hang up
	Endless bool          // answer lines that never end, until the client hangs up
}

// mute tells a reply that is no answer.
func (r SMTPReply) mute() bool { return r.Reset || r.Silent || r.Garbage || r.Endless }

// play does what the reply says besides the answer, and tells whether an answer
// is still to be given.
func (r SMTPReply) play(conn net.Conn, ended <-chan struct{}) bool {
	if r.Delay > 0 {
		late := time.NewTimer(r.Delay)
		defer late.Stop()
		select {
		case <-late.C:
		case <-ended:
			return false
		}
	}
	switch {
	case r.Reset:
		reset(conn)
	case r.Silent:
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			select {
			case <-ended:
				_ = conn.Close()
			case <-stop:
			}
		}()
		_ = conn.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, conn)
	case r.Garbage:
		_, _ = conn.Write([]byte("\x00\xffHTTP/1.1 418 what?\r\n\r\n"))
		_ = conn.Close()
	case r.Endless:
		for {
			if _, err := conn.Write([]byte("451-and another thing\r\n")); err != nil {
				return false
			}
		}
	default:
		return true
	}
	return false
}

// refuse is the error that makes the server give the answer; nil if there is
// none.
func (r SMTPReply) refuse() error {
	if r.Code == 0 {
		return nil
	}
	enhanced := smtp.EnhancedCode(r.Enhanced)
	if enhanced == (smtp.EnhancedCode{}) {
		enhanced = smtp.NoEnhancedCode
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: enhanced, Message: r.Text}
}

// line is the answer as it goes over the wire.
func (r SMTPReply) line() string {
	if r.Enhanced == ([3]int{}) {
		return fmt.Sprintf("%d %s\r\n", r.Code, r.Text)
	}
	return fmt.Sprintf("%d %d.%d.%d %s\r\n", r.Code, r.Enhanced[0], r.Enhanced[1], r.Enhanced[2], r.Text)
}

// reset ends a connection with RST.
func reset(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
}
