package notifytest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

// RequireSettled makes sure that every delivery has come to a good end: it was
// delivered, or skipped on purpose. None waits, hangs, was given up, or ended
// nobody knows how.
func (c *Center) RequireSettled() {
	c.t.Helper()
	c.Settle()
	for _, status := range []notify.Status{notify.StatusDead, notify.StatusUnknown, notify.StatusPending} {
		records, err := c.Deliveries(c.context(), notify.DeliveryQuery{Status: status, Limit: 1000})
		if err != nil {
			c.t.Fatalf("notifytest: Deliveries: %v", err)
		}
		if len(records) > 0 {
			first := records[len(records)-1]
			c.t.Fatalf("notifytest: %d deliveries are %s, want none; the first is to %s on %s\n%s", len(records), status, first.Recipient.ID, first.Channel, c.story(first.Recipient))
		}
	}
}

// story tells what there is of a recipient, for whoever reads a failure.
func (c *Center) story(r notify.Recipient) string {
	var b strings.Builder
	fmt.Fprintf(&b, "It is %s.\n", c.Now().Format(time.DateTime))
	fmt.Fprintf(&b, "The inbox of %s:\n", r.ID)
	items := c.inbox(r)
	for _, item := range items {
		state := "unread"
		if !item.Read.IsZero() {
			state = "read"
		}
		fmt.Fprintf(&b, "  %s %-6s %q from %s\n", item.Filed.Format(time.DateTime), state, item.Notification.Title, item.Notification.Provider)
	}
	nothing(&b, len(items))
	for _, recorder := range c.recorders() {
		calls := slices.DeleteFunc(recorder.Calls(), func(call channeltest.Call) bool { return call.Recipient != r })
		fmt.Fprintf(&b, "Calls of %s for %s:\n", recorder.Name(), r.ID)
		for _, call := range calls {
			fmt.Fprintf(&b, "  %s %s\n", call.At.UTC().Format(time.DateTime), describe(call))
		}
		nothing(&b, len(calls))
	}
	records, err := c.Deliveries(c.context(), notify.DeliveryQuery{Recipient: &r, Limit: 1000})
	if err != nil {
		c.t.Fatalf("notifytest: Deliveries: %v", err)
	}
	fmt.Fprintf(&b, "Deliveries to %s:\n", r.ID)
	for _, record := range slices.Backward(records) {
		fmt.Fprintf(&b, "  %s %s\n", record.Filed.Format(time.DateTime), outcome(record))
	}
	nothing(&b, len(records))
	return b.String()
}

func nothing(b *strings.Builder, count int) {
	if count == 0 {
		b.WriteString("  none\n")
	}
}

// describe is a call in a line.
func describe(call channeltest.Call) string {
	what := fmt.Sprintf("%q", call.Item.Notification.Title)
	if call.Digest != nil {
		what = fmt.Sprintf("digest of %d: %q", call.Digest.Total, call.Titles())
	}
	switch {
	case !call.Finished:
		return what + ", attempt " + fmt.Sprint(call.Attempt) + ": goes on"
	case call.Err != nil:
		return what + ", attempt " + fmt.Sprint(call.Attempt) + ": " + call.Err.Error()
	}
	return what + ", attempt " + fmt.Sprint(call.Attempt) + ": accepted"
}

// outcome is a record in a line.
func outcome(r notify.DeliveryRecord) string {
	line := fmt.Sprintf("%s on %s", r.Status, r.Channel)
	if r.Provider != "" {
		line += " from " + r.Provider
	}
	if r.Reason != "" {
		line += ": " + r.Reason
	}
	if !r.Due.IsZero() && r.Settled.IsZero() {
		line += ", due " + r.Due.Format(time.DateTime)
	}
	return line
}
