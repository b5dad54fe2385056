package email

import (
	"bytes"
	"strconv"
)

// submit is one mail transaction with one recipient, so that an answer always
// concerns that one. After a failure the session may only take leave, and only
// if it says so; see leave.
func (s *session) submit(from, to string, message []byte) *failure {
	s.mails++
	s.budget = maxReplies
	if f := s.envelope(from, to, len(message)); f != nil {
		return f
	}
	// The dot ends this write, so one that fails has not sent it: the relay is
	// left with a message that never ends.
	if err := s.write(dotted(message)); err != nil {
		return fail(stageBody, err)
	}
	a, err := s.hear(s.submission)
	switch {
	case err != nil:
		return fail(stageEnd, err)
	case a.code/100 == 2:
		return nil
	}
	f := unwelcome(stageEnd, a)
	f.open = a.code/100 == 3 // it wants more, who knows of what
	return f
}

// envelope leads up to the point where the relay waits for the message. With
// PIPELINING the three commands travel in one packet (RFC 2920), but each answer
// still counts by itself and in its turn, and none of the message is sent before
// all are in.
func (s *session) envelope(from, to string, size int) *failure {
	sender := "MAIL FROM:<" + from + ">"
	if s.offers.size {
		sender += " SIZE=" + strconv.Itoa(size)
	}
	steps := []struct {
		stage   stage
		command string
		welcome func(code int) bool
	}{
		{stageMail, sender, func(code int) bool { return code == 250 }},
		{stageRcpt, "RCPT TO:<" + to + ">", func(code int) bool { return code/10 == 25 }},
		{stageData, "DATA", func(code int) bool { return code == 354 }},
	}
	if s.offers.pipelining {
		all := steps[0].command + "\r\n" + steps[1].command + "\r\n" + steps[2].command + "\r\n"
		if err := s.write([]byte(all)); err != nil {
			return fail(stageMail, err)
		}
	}
	var first *failure
	for _, step := range steps {
		if !s.offers.pipelining {
			if err := s.write([]byte(step.command + "\r\n")); err != nil {
				return fail(step.stage, err)
			}
		}
		a, err := s.hear(s.timeout)
		switch {
		case err != nil && first == nil:
			return fail(step.stage, err)
		case err != nil:
			first.open = true // what the relay makes of the rest is unknown
			return first
		case first != nil:
			first.open = first.open || step.stage == stageData && a.code == 354
		case !step.welcome(a.code):
			first = unwelcome(step.stage, a)
			if !s.offers.pipelining || step.stage == stageData {
				return first
			}
		}
	}
	return first
}

// dotted is the message as it is written after DATA: a dot that begins a line
// is doubled, and a line with a dot ends it.
func dotted(message []byte) []byte {
	out := make([]byte, 0, len(message)+64)
	for len(message) > 0 {
		if message[0] == '.' {
			out = append(out, '.')
		}
		next := bytes.IndexByte(message, '\n') + 1
		if next == 0 {
			next = len(message)
		}
		out, message = append(out, message[:next]...), message[next:]
	}
	if !bytes.HasSuffix(out, []byte("\r\n")) {
		out = append(out, "\r\n"...)
	}
	return append(out, ".\r\n"...)
}
