package notifytest

import (
	"fmt"

	"github.com/bellwether-go/notify/channels/channeltest"
)

// Behave makes the server a peer for the checks of channeltest: from now on it
// treats every letter like that. Its refusals are rude, and repeat the
// recipient and the password.
func (s *SMTP) Behave(b channeltest.Behavior) error {
	at := map[channeltest.Behavior]map[SMTPStage]SMTPReply{
		channeltest.Accept:        {},
		channeltest.Temporary:     {StageRcpt: {Code: 450, Enhanced: [3]int{4, 2, 1}, Text: "busy"}},
		channeltest.Permanent:     {StageEnd: {Code: 554, Enhanced: [3]int{5, 7, 1}, Text: "refused"}},
		channeltest.Gone:          {StageRcpt: {Code: 550, Enhanced: [3]int{5, 1, 1}, Text: "no such mailbox"}},
		channeltest.Misconfigured: {StageAuth: {Code: 535, Enhanced: [3]int{5, 7, 8}, Text: "bad credentials"}, StageMail: {Code: 530, Enhanced: [3]int{5, 7, 0}, Text: "who are you"}},
		channeltest.Silent:        {StageGreeting: {Silent: true}, StageMail: {Silent: true}},
		channeltest.Reset:         {StageGreeting: {Reset: true}, StageMail: {Reset: true}},
		channeltest.Hang:          {StageEnd: {Silent: true}},
		channeltest.Drop:          {StageEnd: {Reset: true}},
		channeltest.Garbage:       {StageGreeting: {Garbage: true}, StageMail: {Garbage: true}},
		channeltest.Flood:         {StageMail: {Endless: true}},
	}[b]
	if at == nil {
		return unsupported("SMTP", b)
	}
	s.Answer(func(step SMTPStep) SMTPReply {
		reply := at[step.Stage]
		if reply.Code != 0 {
			reply.Text += fmt.Sprintf(": <%s>, %s with %s", step.To, s.o.Username, s.o.Password)
		}
		return reply
	})
	return nil
}
