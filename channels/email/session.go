package email

import (
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// session is an open conversation with the relay. One goroutine at a time may
// use it, except that cut may be called by another.
type session struct {
	socket net.Conn // beneath TLS
	wire   *wire
	client *smtp.Client
	mails  int
	expiry *time.Timer
}

// cut drops the connection on the spot. What was written of a message stays
// without its final dot. Closing TLS properly instead would wait for the peer.
func (s *session) cut() { _ = s.socket.Close() }

// quit takes leave, and waits only shortly for the answer: nothing depends on
// it. It must not be called inside a message, which it would complete.
func (s *session) quit() {
	s.client.CommandTimeout = time.Second
	_ = s.client.Quit()
	s.cut()
}

// submit is one mail transaction with one recipient, so that an answer always
// concerns that one. After a failure the session must not be used again.
func (s *session) submit(from, to string, message []byte) *failure {
	s.mails++
	s.wire.budget = maxReplies
	if err := s.client.Mail(from, &smtp.MailOptions{Size: int64(len(message))}); err != nil {
		return fail(stageMail, err)
	}
	if err := s.client.Rcpt(to, nil); err != nil {
		return fail(stageRcpt, err)
	}
	data, err := s.client.Data()
	if err != nil {
		return fail(stageData, err)
	}
	// Any command that the client sends after a failed write, QUIT among them,
	// would write the final dot first and make the relay accept half a letter:
	// a failure here has no code, and the session is cut.
	if _, err := data.Write(message); err != nil {
		return fail(stageBody, err)
	}
	_, err = data.CloseWithResponse()
	switch {
	case err == nil:
		return nil
	case s.wire.broken:
		// The dot ends the last write, so one that failed has not sent it.
		return fail(stageBody, err)
	}
	f := fail(stageEnd, err)
	if f.code/100 == 2 {
		return nil
	}
	return f
}
