package notifytest

import (
	"bytes"
	"errors"
	"io"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// errCut ends a step whose connection is gone.
var errCut = errors.New("the connection was cut by the script")

var (
	errUnauthenticated = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	errCredentials     = &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "Authentication failed"}
	errNotALetter      = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "Not a letter"}
)

// session is one conversation.
type session struct {
	smtp     *SMTP
	conn     *smtp.Conn
	envelope Envelope
}

// hello implements [smtp.BackendFunc].
func (s *SMTP) hello(conn *smtp.Conn) (smtp.Session, error) {
	in := &session{smtp: s, conn: conn, envelope: Envelope{Hello: conn.Hostname()}}
	_, in.envelope.Encrypted = conn.TLSConnectionState()
	if err := in.step(SMTPStep{Stage: StageHello, Envelope: in.envelope}); err != nil {
		return nil, err
	}
	return in, nil
}

// step does what the script says, and returns the answer if it is not the one
// in order.
func (in *session) step(step SMTPStep) error { return in.play(in.smtp.next(step)) }

func (in *session) play(reply SMTPReply) error {
	if !reply.play(in.conn.Conn(), in.smtp.ended) {
		_ = in.conn.Conn().Close()
		return errCut
	}
	return reply.refuse()
}

// AuthMechanisms implements [smtp.AuthSession].
func (in *session) AuthMechanisms() []string {
	if in.smtp.o.Username == "" {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth implements [smtp.AuthSession].
func (in *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		asking := in.envelope
		asking.User = user
		if err := in.step(SMTPStep{Stage: StageAuth, Envelope: asking, Password: password}); err != nil {
			return err
		}
		if user != in.smtp.o.Username || password != in.smtp.o.Password {
			return errCredentials
		}
		in.envelope.User = user
		return nil
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case sasl.Login:
		return &loginServer{check: check}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// Mail implements [smtp.Session].
func (in *session) Mail(from string, _ *smtp.MailOptions) error {
	in.envelope.From, in.envelope.To = from, ""
	if err := in.step(SMTPStep{Stage: StageMail, Envelope: in.envelope}); err != nil {
		return err
	}
	if in.smtp.o.Username != "" && in.envelope.User == "" {
		return errUnauthenticated
	}
	return nil
}

// Rcpt implements [smtp.Session]. With several recipients the last one is kept.
func (in *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	in.envelope.To = to
	return in.step(SMTPStep{Stage: StageRcpt, Envelope: in.envelope})
}

// Data implements [smtp.Session]. The letter is kept before the answer is on
// its way, so that a sender may be left in the dark about it.
func (in *session) Data(r io.Reader) error {
	if err := in.step(SMTPStep{Stage: StageBody, Envelope: in.envelope}); err != nil {
		return err
	}
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(r); err != nil {
		return err
	}
	letter, err := ParseLetter(raw.Bytes())
	if err != nil {
		return errNotALetter
	}
	letter.Envelope = in.envelope
	reply := in.smtp.next(SMTPStep{Stage: StageEnd, Envelope: in.envelope, Letter: letter})
	if reply.Code == 0 || reply.Code/100 == 2 {
		in.smtp.take(letter, !reply.mute())
	}
	return in.play(reply)
}

// Reset implements [smtp.Session].
func (in *session) Reset() { in.envelope.From, in.envelope.To = "", "" }

// Logout implements [smtp.Session].
func (in *session) Logout() error { return nil }

// loginServer is the server of AUTH LOGIN, which asks for the name and then for
// the password. A client may give the name without being asked.
type loginServer struct {
	check func(user, password string) error
	asked bool
	named bool
	user  string
}

// Next implements [sasl.Server].
func (s *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil && !s.asked:
		s.asked = true
		return []byte("Username:"), false, nil
	case !s.named:
		s.asked, s.named, s.user = true, true, string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, s.check(s.user, string(response))
}
