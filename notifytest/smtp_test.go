package notifytest_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const hello = "From: <shop@acme.example>\r\nTo: <ann@home.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=C3=B6n, dass es =\r\ndich gibt.\r\n"

// client opens a conversation as the channel does, with TLS where it is offered.
func client(t testing.TB, s *notifytest.SMTP, implicit bool) *smtp.Client {
	t.Helper()
	config := &tls.Config{RootCAs: s.RootCAs(), ServerName: "mail.example"}
	var c *smtp.Client
	var err error
	if implicit {
		c, err = smtp.DialTLS(s.Addr(), config)
	} else {
		c, err = smtp.DialStartTLS(s.Addr(), config)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func mailTo(c *smtp.Client, to string) error {
	return c.SendMail("shop@acme.example", []string{to}, strings.NewReader(hello))
}

func code(t testing.TB, err error) int {
	t.Helper()
	answer, ok := errors.AsType[*smtp.SMTPError](err)
	require.True(t, ok, "%v", err)
	return answer.Code
}

func TestSMTP_keepsLettersAsTheyAreRead(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		s := notifytest.NewSMTP(t, &notifytest.SMTPOptions{ImplicitTLS: implicit})
		require.NoError(t, mailTo(client(t, s, implicit), "ann@home.example"))
		letters := s.Accepted()
		require.Len(t, letters, 1)
		assert.Equal(t, letters, s.Taken())
		assert.Equal(t, notifytest.Envelope{
			From: "shop@acme.example", To: "ann@home.example", Hello: "localhost", Encrypted: true,
		}, letters[0].Envelope)
		assert.Equal(t, "Grüße", letters[0].Subject)
		assert.Equal(t, "Schön, dass es dich gibt.\n", letters[0].Text)
		assert.Equal(t, hello, string(letters[0].Raw))
		assert.Equal(t, 1, s.Connections())
	}
}

func TestSMTP_asksForCredentials(t *testing.T) {
	s := notifytest.NewSMTP(t, &notifytest.SMTPOptions{Username: "robot", Password: "open-sesame"})
	for _, mechanism := range []func(password string) sasl.Client{
		func(password string) sasl.Client { return sasl.NewPlainClient("", "robot", password) },
		func(password string) sasl.Client { return sasl.NewLoginClient("robot", password) },
	} {
		c := client(t, s, false)
		assert.Equal(t, 530, code(t, mailTo(c, "ann@home.example")))
		require.NoError(t, c.Reset())
		assert.Equal(t, 535, code(t, c.Auth(mechanism("wrong"))))
		require.NoError(t, c.Auth(mechanism("open-sesame")))
		assert.NoError(t, mailTo(c, "ann@home.example"))
	}
	assert.Len(t, s.Accepted(), 2)
	assert.Equal(t, "robot", s.Accepted()[0].User)
}

func TestSMTP_answersAsItIsToldAtEveryStage(t *testing.T) {
	refusal := notifytest.SMTPReply{Code: 451, Enhanced: [3]int{4, 3, 0}, Text: "told so"}
	for _, stage := range []notifytest.SMTPStage{
		notifytest.StageMail, notifytest.StageRcpt, notifytest.StageBody, notifytest.StageEnd,
	} {
		s := notifytest.NewSMTP(t, nil)
		s.Script(stage, refusal)
		c := client(t, s, false)
		err := mailTo(c, "ann@home.example")
		assert.Equal(t, 451, code(t, err), stage)
		assert.ErrorContains(t, err, "told so", stage)
		assert.Empty(t, s.Accepted(), stage)
		require.NoError(t, c.Reset())
		assert.NoError(t, mailTo(c, "ann@home.example"), "%s: the script is used up", stage)
		assert.Len(t, s.Accepted(), 1, stage)
	}
	s := notifytest.NewSMTP(t, &notifytest.SMTPOptions{Username: "robot", Password: "open-sesame"})
	s.Script(notifytest.StageAuth, refusal)
	assert.Equal(t, 451, code(t, client(t, s, false).Auth(sasl.NewPlainClient("", "robot", "open-sesame"))))
	s.Script(notifytest.StageHello, refusal)
	_, err := smtp.DialStartTLS(s.Addr(), &tls.Config{RootCAs: s.RootCAs(), ServerName: "localhost"})
	assert.ErrorContains(t, err, "told so")
	s.Script(notifytest.StageGreeting, refusal)
	assert.Equal(t, "451 4.3.0 told so", firstLine(t, s))
}

// firstLine is what the server says to someone who says nothing.
func firstLine(t testing.TB, s *notifytest.SMTP) string {
	t.Helper()
	conn, err := textproto.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer conn.Close()
	line, err := conn.ReadLine()
	require.NoError(t, err)
	return line
}

func TestSMTP_answerDecidesByTheStep(t *testing.T) {
	s := notifytest.NewSMTP(t, nil)
	s.Answer(func(step notifytest.SMTPStep) notifytest.SMTPReply {
		if step.Stage == notifytest.StageRcpt && step.To == "bob@home.example" {
			return notifytest.SMTPReply{Code: 550, Enhanced: [3]int{5, 1, 1}, Text: "no " + step.To + " for " + step.From}
		}
		return notifytest.SMTPReply{}
	})
	c := client(t, s, false)
	assert.NoError(t, mailTo(c, "ann@home.example"))
	err := mailTo(c, "bob@home.example")
	assert.ErrorContains(t, err, "no bob@home.example for shop@acme.example")
	s.Answer(nil)
	require.NoError(t, c.Reset())
	assert.NoError(t, mailTo(c, "bob@home.example"))
}

func TestSMTP_breaksConnections(t *testing.T) {
	for _, stage := range []notifytest.SMTPStage{notifytest.StageMail, notifytest.StageRcpt, notifytest.StageBody, notifytest.StageEnd} {
		for name, reply := range map[string]notifytest.SMTPReply{
			"reset": {Reset: true}, "garbage": {Garbage: true}, "silent": {Silent: true}, "endless": {Endless: true},
		} {
			s := notifytest.NewSMTP(t, nil)
			c := client(t, s, false)
			s.Answer(func(step notifytest.SMTPStep) notifytest.SMTPReply {
				if step.Stage != stage {
					return notifytest.SMTPReply{}
				}
				if reply.Silent || reply.Endless {
					time.AfterFunc(20*time.Millisecond, func() { _ = c.Close() })
				}
				return reply
			})
			err := mailTo(c, "ann@home.example")
			require.Error(t, err, "%s at %s", name, stage)
			_, answered := errors.AsType[*smtp.SMTPError](err)
			assert.False(t, answered, "%s at %s: %v", name, stage, err)
			assert.Empty(t, s.Accepted(), "%s at %s", name, stage)
			assert.Len(t, s.Taken(), map[bool]int{true: 1}[stage == notifytest.StageEnd], "%s at %s: the letter is whole at the end", name, stage)
		}
	}
}

func TestSMTP_refusesToGreet(t *testing.T) {
	s := notifytest.NewSMTP(t, nil)
	s.Script(notifytest.StageGreeting, notifytest.SMTPReply{Reset: true}, notifytest.SMTPReply{Garbage: true}, notifytest.SMTPReply{Silent: true}, notifytest.SMTPReply{Endless: true})
	read := func(patience time.Duration) (string, error) {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			return "", err // a reset may come before the connection is ours
		}
		defer conn.Close()
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		got, err := io.ReadAll(io.LimitReader(conn, 1<<16))
		return string(got), err
	}
	got, err := read(time.Minute)
	assert.Error(t, err)
	assert.Empty(t, got)
	got, _ = read(time.Minute)
	assert.Contains(t, got, "\x00")
	got, err = read(100 * time.Millisecond)
	assert.Empty(t, got)
	late, ok := errors.AsType[net.Error](err)
	assert.True(t, ok && late.Timeout(), "%v", err)
	got, _ = read(time.Minute)
	assert.Contains(t, got, "451-and another thing\r\n451-and another thing\r\n")
	assert.Equal(t, "220 mail.example ESMTP Service Ready", firstLine(t, s))
	assert.Equal(t, 5, s.Connections())
}

func TestSMTP_delaysAndEnds(t *testing.T) {
	s := notifytest.NewSMTP(t, &notifytest.SMTPOptions{NoTLS: true})
	s.Script(notifytest.StageGreeting, notifytest.SMTPReply{Code: 220, Text: "at last", Delay: 20 * time.Millisecond})
	begun := time.Now()
	assert.Equal(t, "220 at last", firstLine(t, s))
	assert.GreaterOrEqual(t, time.Since(begun), 20*time.Millisecond)

	s.Script(notifytest.StageMail, notifytest.SMTPReply{Delay: time.Hour})
	s.Script(notifytest.StageGreeting, notifytest.SMTPReply{}, notifytest.SMTPReply{Silent: true})
	c, err := smtp.Dial(s.Addr())
	require.NoError(t, err)
	defer c.Close()
	failed := make(chan error)
	go func() { failed <- mailTo(c, "ann@home.example") }()
	_, err = net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	s.Close()
	assert.Error(t, <-failed, "who waits is let go")
	s.Close()
	_, err = net.Dial("tcp", s.Addr())
	assert.Error(t, err)
}

func TestSMTP_takesOnlyLetters(t *testing.T) {
	s := notifytest.NewSMTP(t, nil)
	c := client(t, s, false)
	err := c.SendMail("shop@acme.example", []string{"ann@home.example"}, strings.NewReader("no header\r\n"))
	assert.Equal(t, 554, code(t, err))
	assert.Empty(t, s.Accepted())
}

func TestSMTP_behavesOrSaysThatItCannot(t *testing.T) {
	s := notifytest.NewSMTP(t, nil)
	assert.ErrorIs(t, s.Behave(channeltest.RetryAfter), errors.ErrUnsupported)
	require.NoError(t, s.Behave(channeltest.Gone))
	err := mailTo(client(t, s, false), "ann@home.example")
	assert.Equal(t, 550, code(t, err))
	assert.ErrorContains(t, err, "ann@home.example", "it is rude")
	require.NoError(t, s.Behave(channeltest.Accept))
	assert.NoError(t, mailTo(client(t, s, false), "ann@home.example"))
}
