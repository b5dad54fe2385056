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

// RequireNotSent makes sure that nothing was accepted for the recipient: on that
// channel, or on any if it is "". For a channel that is no recorder the log of
// deliveries tells, and what may have been accepted counts.
func (c *Center) RequireNotSent(r notify.Recipient, channel string) {
	c.t.Helper()
	c.Settle()
	found := channel == ""
	for _, ch := range c.channels {
		name := ch.Name()
		if channel != "" && name != channel {
			continue
		}
		found = true
		if sent := c.count(ch, &r); sent > 0 {
			c.t.Fatalf("notifytest: %d sent to %s on %s, want none\n%s", sent, r.ID, name, c.story(r))
		}
	}
	if !found { // a name that is none must not pass
		c.t.Fatalf("notifytest: no channel is named %q", channel)
	}
}

// RequireNothingSent makes sure that nothing was accepted for anybody on any
// channel.
func (c *Center) RequireNothingSent() {
	c.t.Helper()
	c.Settle()
	for _, ch := range c.channels {
		if sent := c.count(ch, nil); sent > 0 {
			c.t.Fatalf("notifytest: %d sent on %s, want none at all\n%s", sent, ch.Name(), c.story(c.receiver(ch)))
		}
	}
}

// count tells how many were accepted by a channel, for one recipient or for all.
func (c *Center) count(ch notify.Channel, r *notify.Recipient) int {
	c.t.Helper()
	if recorder, ok := ch.(*channeltest.Recorder); ok {
		return len(slices.DeleteFunc(recorder.Sent(), func(call channeltest.Call) bool { return r != nil && call.Recipient != *r }))
	}
	return len(c.log(ch, r))
}

// log are the deliveries that a channel has accepted, or may have.
func (c *Center) log(ch notify.Channel, r *notify.Recipient) []notify.DeliveryRecord {
	c.t.Helper()
	var all []notify.DeliveryRecord
	for _, status := range []notify.Status{notify.StatusDelivered, notify.StatusUnknown} {
		records, err := c.Deliveries(c.context(), notify.DeliveryQuery{Recipient: r, Channel: ch.Name(), Status: status, Limit: 1000})
		if err != nil {
			c.t.Fatalf("notifytest: Deliveries: %v", err)
		}
		all = append(all, records...)
	}
	return all
}

// receiver is someone for whom a channel has accepted something.
func (c *Center) receiver(ch notify.Channel) notify.Recipient {
	c.t.Helper()
	if recorder, ok := ch.(*channeltest.Recorder); ok {
		return recorder.Sent()[0].Recipient
	}
	return c.log(ch, nil)[0].Recipient
}

// sentTo are the accepted calls of a channel for a recipient, once what is due
// is done.
func (c *Center) sentTo(r notify.Recipient, channel string) []channeltest.Call {
	c.t.Helper()
	c.Settle()
	return slices.DeleteFunc(c.Recorder(channel).Sent(), func(call channeltest.Call) bool { return call.Recipient != r })
}
