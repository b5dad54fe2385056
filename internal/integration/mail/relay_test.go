package mail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
)

func deliveryTo(address, title string) notify.Delivery {
	return notify.Delivery{
		ID: notify.ID("01935b2a-6c00-7000-8000-" + fmt.Sprintf("%012x", len(title))), Recipient: notify.User("ann"),
		Contact: notify.Contact{Name: "Ann Müller", Locale: "de", TimeZone: "Europe/Berlin"},
		Address: notify.Address{Channel: notify.Email, Value: address},
		Item: notify.Item{Filed: time.Date(2026, 11, 3, 16, 42, 7, 0, time.UTC), Notification: notify.Notification{
			Provider: "billing", Title: title, Body: ".\n..\nBcc: x@y.example\n.", URL: "https://app.acme.example/",
		}},
		Links: notify.DeliveryLinks{Inbox: "https://app.acme.example/inbox"},
	}
}

// TestPostfix holds the channel's side of the conversation against a mail server
// that shares no line with it.
func TestPostfix(t *testing.T) {
	p := startPostfix(t)

	t.Run("letters arrive as they were written, over one kept connection", func(t *testing.T) {
		c := p.channel(t, nil)
		var want []string
		for i := range 5 {
			d := deliveryTo("ann@customer.example", strings.Repeat("x", i+1))
			raw, err := c.Preview(d)
			require.NoError(t, err)
			want = append(want, strings.ReplaceAll(string(raw), "\r\n", "\n"))
			require.NoError(t, c.Deliver(t.Context(), d))
		}
		got := strings.Join(p.mailbox(t, "ann", 5), "")
		for _, letter := range want {
			assert.Contains(t, got, letter)
		}
		assert.Contains(t, got, "\nReturn-Path: <no-reply@acme.example>\n", "the envelope")
		assert.Equal(t, 5, strings.Count(got, "with ESMTPS id"), "encrypted")
		require.NoError(t, c.Close())
		assert.Eventually(t, func() bool {
			return strings.Contains(p.log(), "disconnect from localhost[127.0.0.1] ehlo=2 starttls=1 mail=5 rcpt=5 data=5 quit=1 commands=19")
		}, time.Minute, 10*time.Millisecond, "%s", p.log())
	})

	t.Run("what it refuses is understood", func(t *testing.T) {
		for _, test := range []struct {
			name, address, title, stage string
			want                        notify.Class
			change                      func(*email.Options)
			overloaded, reached         bool
		}{
			{name: "no such mailbox", address: "nobody@customer.example", stage: "rcpt", want: notify.Gone},
			{name: "no such mailbox in an international domain", address: "nobody@Bücher.example", stage: "rcpt", want: notify.Gone},
			{name: "not our domain", address: "ann@elsewhere.example", stage: "rcpt", want: notify.Permanent},
			{name: "greylisted", address: "later@customer.example", stage: "rcpt", want: notify.Temporary, reached: true},
			{name: "full", address: "full@customer.example", stage: "rcpt", want: notify.Temporary, reached: true},
			{name: "too much", address: "bye@customer.example", stage: "rcpt", want: notify.Temporary, overloaded: true},
			{name: "refused at DATA", address: "data@customer.example", stage: "data", want: notify.Temporary},
			{name: "the sender", address: "ann@customer.example", stage: "rcpt", want: notify.Misconfigured,
				change: func(o *email.Options) { o.Bounce = "bad@acme.example" }},
			{name: "too large", address: "ann@customer.example", title: strings.Repeat("ö", 250), stage: "mail", want: notify.Permanent},
			{name: "the content", address: "ann@customer.example", title: "Forbidden", stage: "end", want: notify.Permanent},
		} {
			t.Run(test.name, func(t *testing.T) {
				d := deliveryTo(test.address, test.title+"!")
				if test.name == "too large" {
					d.Item.Notification.Body = strings.Repeat("long ", 3000)
				}
				err := p.channel(t, test.change).Deliver(t.Context(), d)
				var problem *notify.DeliveryError
				require.ErrorAs(t, err, &problem)
				assert.Equal(t, test.want, problem.Class, "%v", err)
				assert.ErrorContains(t, err, ": notify/email: "+test.stage+": ")
				assert.Equal(t, test.overloaded, problem.Overloaded)
				assert.Equal(t, test.reached, problem.Reached)
				assert.NotContains(t, err.Error(), "@")
			})
		}
	})

	t.Run("and it never saw bad manners", func(t *testing.T) {
		for line := range strings.Lines(p.log()) {
			for _, complaint := range []string{"lost connection", "improper command pipelining", "too many errors", "warning: ", "timeout after"} {
				assert.NotContains(t, line, complaint)
			}
		}
	})

	t.Run("its certificate counts", func(t *testing.T) {
		err := p.channel(t, func(o *email.Options) { o.TLSConfig = nil }).Deliver(t.Context(), deliveryTo("ann@customer.example", "x"))
		var problem *notify.DeliveryError
		require.ErrorAs(t, err, &problem)
		assert.Equal(t, notify.Misconfigured, problem.Class)
		assert.ErrorContains(t, err, ": notify/email: tls: ")
	})
}
