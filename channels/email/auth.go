package email

import "encoding/base64"

// authenticate proves who we are by PLAIN (RFC 4616) or LOGIN. Both hand over
// the password itself: settle and open have seen to it that the connection is
// encrypted, or local and plain on purpose.
func (c *Channel) authenticate(s *session) *failure {
	code := base64.StdEncoding.EncodeToString
	switch {
	case c.o.Username == "":
		return nil
	case s.offers.plain:
		_, f := s.ask(stageAuth, 235, "AUTH PLAIN "+code([]byte("\x00"+c.o.Username+"\x00"+c.o.Password)))
		return f
	case s.offers.login:
		if _, f := s.ask(stageAuth, 334, "AUTH LOGIN"); f != nil {
			return f
		}
		if _, f := s.ask(stageAuth, 334, code([]byte(c.o.Username))); f != nil {
			return f
		}
		_, f := s.ask(stageAuth, 235, code([]byte(c.o.Password)))
		return f
	}
	return refuse(stageAuth, errNoAuth)
}
