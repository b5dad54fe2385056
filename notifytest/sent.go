package notifytest

import (
	"slices"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

// RequireSent returns the accepted call of a channel's recorder that brought the
// recipient the notification with that title, outside any digest. If there are
// several, it is the last.
func (c *Center) RequireSent(r notify.Recipient, channel, title string) channeltest.Call {
	c.t.Helper()
	sent := c.sentTo(r, channel)
	for _, call := range slices.Backward(sent) {
		if call.Digest == nil && call.Item.Notification.Title == title {
			return call
		}
	}
	c.t.Fatalf("notifytest: %q was not sent to %s on %s\n%s", title, r.ID, channel, c.story(r))
	return channeltest.Call{}
}

// RequireDigestSent returns the last digest that a channel's recorder accepted
// for the recipient. It has to show exactly these titles, the newest first.
func (c *Center) RequireDigestSent(r notify.Recipient, channel string, titles ...string) channeltest.Call {
	c.t.Helper()
	for _, call := range slices.Backward(c.sentTo(r, channel)) {
		if call.Digest == nil {
			continue
		}
		if !slices.Equal(call.Titles(), titles) {
			c.t.Fatalf("notifytest: the digest of %s on %s shows %q, want %q\n%s", r.ID, channel, call.Titles(), titles, c.story(r))
		}
		return call
	}
	c.t.Fatalf("notifytest: no digest was sent to %s on %s\n%s", r.ID, channel, c.story(r))
	return channeltest.Call{}
}

// RequireNotSent makes sure that no recorder has accepted anything for the
// recipient: on that channel, or on any if it is "".
func (c *Center) RequireNotSent(r notify.Recipient, channel string) {
	c.t.Helper()
	c.Settle()
	for _, recorder := range c.recorders() {
		if channel != "" && recorder.Name() != channel {
			continue
		}
		if sent := c.sentTo(r, recorder.Name()); len(sent) > 0 {
			c.t.Fatalf("notifytest: %d sent to %s on %s, want none\n%s", len(sent), r.ID, recorder.Name(), c.story(r))
		}
	}
	if channel != "" {
		c.Recorder(channel) // a name that is none must not pass
	}
}

// RequireNothingSent makes sure that no recorder has accepted anything for
// anybody.
func (c *Center) RequireNothingSent() {
	c.t.Helper()
	c.Settle()
	for _, recorder := range c.recorders() {
		if sent := recorder.Sent(); len(sent) > 0 {
			c.t.Fatalf("notifytest: %d sent on %s, want none at all\n%s", len(sent), recorder.Name(), c.story(sent[0].Recipient))
		}
	}
}

// sentTo are the accepted calls of a channel for a recipient, once what is due
// is done.
func (c *Center) sentTo(r notify.Recipient, channel string) []channeltest.Call {
	c.t.Helper()
	c.Settle()
	return slices.DeleteFunc(c.Recorder(channel).Sent(), func(call channeltest.Call) bool { return call.Recipient != r })
}
