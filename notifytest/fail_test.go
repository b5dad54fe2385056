package notifytest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/stretchr/testify/assert"
)

// failing is a test that keeps its failure to itself.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// message is how a requirement fails; "" if it does not.
func message(t testing.TB, o *notifytest.Options, test func(t testing.TB, c *notifytest.Center)) string {
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(f, notifytest.New(f, o))
	}()
	<-done
	return f.message
}

// Each requirement fails when it does not hold, and says what was there.
func TestCenter_failuresTellTheStory(t *testing.T) {
	begin := func(c *notifytest.Center) {
		daily(t, c, raj)
		send(t, c, "Hello", ann, raj)
	}
	for name, test := range map[string]struct {
		require func(c *notifytest.Center)
		say     []string
	}{
		"not sent": {func(c *notifytest.Center) { c.RequireSent(ann, notify.Email, "Goodbye") }, []string{
			`"Goodbye" was not sent to ann on email`, "It is 2026-05-04 12:00:00.", `unread "Hello" from parcels`,
			"Calls of email for ann:\n  2026-05-04 12:00:00 \"Hello\", attempt 1: accepted", "delivered on email from parcels",
		}},
		"not yet sent":    {func(c *notifytest.Center) { c.RequireSent(raj, notify.Email, "Hello") }, []string{`"Hello" was not sent to raj on email`, "Calls of email for raj:\n  none"}},
		"sent":            {func(c *notifytest.Center) { c.RequireNotSent(ann, notify.Email) }, []string{"1 sent to ann on email, want none"}},
		"sent somewhere":  {func(c *notifytest.Center) { c.RequireNotSent(ann, "") }, []string{"1 sent to ann on email, want none"}},
		"sent at all":     {func(c *notifytest.Center) { c.RequireNothingSent() }, []string{"1 sent on email, want none at all"}},
		"inbox":           {func(c *notifytest.Center) { c.RequireInbox(raj, "Hello", "Goodbye") }, []string{`the inbox of raj shows ["Hello"], want ["Hello" "Goodbye"]`}},
		"empty inbox":     {func(c *notifytest.Center) { c.RequireInbox(raj) }, []string{`the inbox of raj shows ["Hello"], want []`}},
		"unread":          {func(c *notifytest.Center) { c.RequireUnread(raj, 2) }, []string{"1 items of raj are unread, want 2"}},
		"next digest":     {func(c *notifytest.Center) { c.RequireNextDigest(raj) }, []string{`the next digest of raj shows ["Hello"], want []`}},
		"no digest sent":  {func(c *notifytest.Center) { c.RequireDigestSent(raj, notify.Email, "Hello") }, []string{"no digest was sent to raj on email"}},
		"no digest ahead": {func(c *notifytest.Center) { c.AdvanceToDigest(ann, notify.Email) }, []string{"ann gets no digest on email"}},
		"other digest": {func(c *notifytest.Center) {
			c.AdvanceToDigest(raj, notify.Email)
			c.RequireDigestSent(raj, notify.Email, "Goodbye")
		}, []string{`the digest of raj on email shows ["Hello"], want ["Goodbye"]`, `digest of 1: ["Hello"], attempt 1: accepted`}},
		"pending": {func(c *notifytest.Center) {
			c.Settle()
			c.Recorder(notify.Email).Always(channeltest.Refuse(notify.Temporary))
			send(t, c, "Later", ann)
			c.RequireSettled()
		}, []string{"1 deliveries are pending, want none; the first is to ann on email", "attempt 1: temporary: refused", "pending on email from parcels: retry, due 2026-05-04 12:"}},
		"dead": {func(c *notifytest.Center) {
			c.Settle()
			c.Recorder(notify.Email).Next(channeltest.Refuse(notify.Permanent))
			send(t, c, "Never", ann)
			c.RequireSettled()
		}, []string{"1 deliveries are dead"}},
		"unknown": {func(c *notifytest.Center) {
			c.Settle()
			c.Recorder(notify.Email).Next(channeltest.Refuse(notify.Unknown))
			send(t, c, "Perhaps", ann)
			c.RequireSettled()
		}, []string{"1 deliveries are unknown"}},
		"no recorder":      {func(c *notifytest.Center) { c.RequireNotSent(ann, "pigeon") }, []string{`no channel is named "pigeon"`}},
		"not recorded":     {func(c *notifytest.Center) { c.RequireSent(ann, "pigeon", "Hello") }, []string{`no recorder "pigeon"`}},
		"the past":         {func(c *notifytest.Center) { c.AdvanceTo(noon.Add(-time.Second)) }, []string{"has passed"}},
		"no time of day":   {func(c *notifytest.Center) { c.AdvanceToClock(ann, "six") }, []string{`"six" is no time of day`}},
		"all as it should": {func(c *notifytest.Center) { c.RequireSent(ann, notify.Email, "Hello") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := message(t, &notifytest.Options{Start: noon}, func(_ testing.TB, c *notifytest.Center) {
				begin(c)
				test.require(c)
			})
			if test.say == nil {
				assert.Empty(t, got)
			}
			for _, say := range test.say {
				assert.Contains(t, got, say)
			}
		})
	}
}

// mute is a channel that is no recorder.
type mute struct{}

func (mute) Name() string                                   { return "mute" }
func (mute) Addressless() bool                              { return true }
func (mute) Deliver(context.Context, notify.Delivery) error { return nil }

func TestCenter_looksIntoTheLogWhereNothingIsRecorded(t *testing.T) {
	o := &notifytest.Options{Options: notify.Options{Channels: []notify.Channel{mute{}}}}
	for want, requirement := range map[string]func(c *notifytest.Center){
		"1 sent on mute, want none at all": (*notifytest.Center).RequireNothingSent,
		"1 sent to ann on mute, want none": func(c *notifytest.Center) { c.RequireNotSent(ann, "") },
		"":                                 func(c *notifytest.Center) { c.RequireNotSent(raj, "mute") },
	} {
		got := message(t, o, func(_ testing.TB, c *notifytest.Center) {
			send(t, c, "Hello", ann)
			requirement(c)
		})
		assert.Contains(t, got, want)
		assert.Equal(t, want == "", got == "")
	}
}

func TestNew_refusesOptionsThatAreNone(t *testing.T) {
	got := message(t, &notifytest.Options{Options: notify.Options{Workers: -1}}, func(testing.TB, *notifytest.Center) {})
	assert.Contains(t, got, "Options.Workers")
	got = message(t, &notifytest.Options{Open: func(func() time.Time) (notify.Store, error) { return nil, errors.New("no database") }}, nil)
	assert.Contains(t, got, "Options.Open: no database")
}
