package browser

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifytest"
)

func TestDeliver_whatThePushServiceSees(t *testing.T) {
	service, c, s := start(t, nil)
	d := delivery(registered(t, c, s))
	request, m := sent(t, service, c, d)
	assert.Equal(t, *message(d), m)
	assert.Equal(t, topic(d.Item.Notification, d.Identity()), request.Topic)
	assert.Equal(t, "normal", request.Urgency)
	assert.Equal(t, defaultTTL, request.TTL)
	assert.Equal(t, "mailto:ops@acme.example", request.Subject)
	assert.Equal(t, c.PublicKey(), request.Key)
	assert.Equal(t, "aes128gcm", request.Header.Get("Content-Encoding"))
	assert.Len(t, request.Body, 1024, "the record is filled up")
	for _, part := range []string{"Rechnung", "joerg", "acme.example/invoices"} {
		assert.NotContains(t, string(request.Body), part)
	}

	again, _ := sent(t, service, c, d)
	assert.NotEqual(t, request.Body, again.Body, "each attempt has keys of its own")
	assert.Equal(t, request.Topic, again.Topic)
	assert.Equal(t, request.Text, again.Text)
}

func TestDeliver_howLongAndHowUrgent(t *testing.T) {
	service, c, s := start(t, func(o *Options) { o.TTL = time.Hour })
	d := delivery(registered(t, c, s))
	for priority, want := range map[notify.Priority]string{notify.Low: "low", notify.Normal: "normal", notify.High: "high"} {
		d.Item.Notification.Priority = priority
		request, _ := sent(t, service, c, d)
		assert.Equal(t, want, request.Urgency)
		assert.Equal(t, time.Hour, request.TTL)
	}
	d.Item.Notification.ExpiresAt = time.Now().Add(10 * time.Minute)
	request, _ := sent(t, service, c, d)
	assert.LessOrEqual(t, request.TTL, 10*time.Minute)
	assert.Greater(t, request.TTL, 5*time.Minute)
	d.Item.Notification.ExpiresAt = time.Now().Add(48 * time.Hour)
	request, _ = sent(t, service, c, d)
	assert.Equal(t, time.Hour, request.TTL)
	d.Item.Notification.ExpiresAt = time.Now().Add(-time.Hour)
	request, _ = sent(t, service, c, d)
	assert.Zero(t, request.TTL, "now or never")
}

// What follows from each answer (R22). Nothing but 404 and 410 is proof.
func TestDeliver_outcomes(t *testing.T) {
	wait := http.Header{"Retry-After": {"120"}}
	for _, c := range []struct {
		status     int
		body       string
		class      notify.Class
		retryAfter time.Duration
		overloaded bool
		reached    bool // and not held against the service
	}{
		{status: 301, class: notify.Permanent}, {status: 307, class: notify.Permanent},
		{status: 400, class: notify.Permanent},
		{status: 400, body: `{"reason":"BadJwtToken canary"}`, class: notify.Misconfigured},
		{status: 400, body: `{"reason":"VapidPkHashMismatch"}`, class: notify.Permanent},
		{status: 401, class: notify.Misconfigured},
		{status: 401, body: "VAPID public key mismatch", class: notify.Permanent},
		{status: 402, class: notify.Permanent},
		{status: 403, class: notify.Permanent},
		{status: 403, body: `{"reason":"BadJwtToken"}`, class: notify.Misconfigured},
		{status: 403, body: "the VAPID credentials do not correspond to the credentials used to create the subscriptions", class: notify.Permanent},
		{status: 404, class: notify.Gone}, {status: 410, class: notify.Gone},
		{status: 406, class: notify.Temporary, retryAfter: 2 * time.Minute, reached: true},
		{status: 408, class: notify.Temporary, retryAfter: 2 * time.Minute, reached: true},
		{status: 422, class: notify.Permanent},
		{status: 425, class: notify.Temporary, retryAfter: 2 * time.Minute, reached: true},
		{status: 429, class: notify.Temporary, retryAfter: 2 * time.Minute, overloaded: true},
		{status: 500, class: notify.Temporary, retryAfter: 2 * time.Minute},
		{status: 502, class: notify.Temporary, retryAfter: 2 * time.Minute},
		{status: 503, class: notify.Temporary, retryAfter: 2 * time.Minute, overloaded: true},
		{status: 504, class: notify.Temporary, retryAfter: 2 * time.Minute},
	} {
		service, channel, s := start(t, nil)
		service.Script(notifytest.Reply{Status: c.status, Body: c.body, Header: wait})
		f := failed(t, c.class, channel.Deliver(t.Context(), delivery(registered(t, channel, s))))
		assert.Equal(t, c.retryAfter, f.RetryAfter, "%d", c.status)
		assert.Equal(t, c.overloaded, f.Overloaded, "%d", c.status)
		assert.Equal(t, c.reached, f.Reached, "%d", c.status)
		assert.Equal(t, 1, service.Requests(), "%d", c.status)
	}
	for _, status := range []int{200, 201, 202, 204} {
		service, channel, s := start(t, nil)
		service.Script(notifytest.Reply{Status: status})
		assert.NoError(t, channel.Deliver(t.Context(), delivery(registered(t, channel, s))), "%d", status)
		assert.Len(t, service.Accepted(), 1)
	}
}

// A stranger's subscription that a push service refuses stops nobody else: the
// account has just proved to be good.
func TestDeliver_oneSubscriptionDoesNotStopTheService(t *testing.T) {
	service, c, s := start(t, nil)
	d := delivery(registered(t, c, s))
	service.Script(notifytest.Reply{Status: 401})
	failed(t, notify.Misconfigured, c.Deliver(t.Context(), d))
	sent(t, service, c, d)
	for _, reply := range []notifytest.Reply{{Status: 401}, {Status: 403, Body: "BadJwtToken"}} {
		service.Script(reply)
		failed(t, notify.Permanent, c.Deliver(t.Context(), d))
	}

	// One that was made with somebody else's key is told apart even before.
	service, c, _ = start(t, nil)
	foreign, err := c.CheckAddress(service.Subscribe(generate(t).Public).Address())
	require.NoError(t, err)
	failed(t, notify.Permanent, c.Deliver(t.Context(), delivery(foreign)))
}

func TestDeliver_endedSubscription(t *testing.T) {
	service, c, s := start(t, nil)
	service.Unsubscribe(s)
	failed(t, notify.Gone, c.Deliver(t.Context(), delivery(registered(t, c, s))))
	a := registered(t, c, s)
	a.Value += "-other"
	failed(t, notify.Gone, c.Deliver(t.Context(), delivery(a)))
}

// A service that takes less than it should gets a smaller message, once.
func TestDeliver_tooLarge(t *testing.T) {
	for _, c := range []struct {
		limit, text, requests int
		class                 notify.Class
		ok                    bool
	}{
		{limit: 4096, text: 1500, requests: 1, ok: true},
		{limit: 3070, text: 1500, requests: 1, ok: true},
		{limit: 2048, text: 1500, requests: 2, ok: true},
		{limit: 1024, text: 1500, requests: 2, class: notify.Permanent},
		{limit: 1024, text: 1000, requests: 2, ok: true},
		{limit: 512, text: 10, requests: 1, class: notify.Permanent},
	} {
		service, channel, s := start(t, nil)
		service.Limit(c.limit)
		d := delivery(registered(t, channel, s))
		d.Item.Notification.Body = strings.Repeat("x", c.text)
		err := channel.Deliver(t.Context(), d)
		assert.Equal(t, c.requests, service.Requests(), "limit %d", c.limit)
		if !c.ok {
			failed(t, c.class, err)
			continue
		}
		require.NoError(t, err, "limit %d", c.limit)
		request := service.Accepted()[0]
		assert.LessOrEqual(t, len(request.Body), c.limit)
		assert.Contains(t, string(request.Text), string(d.Item.ID))
		assert.Contains(t, string(request.Text), d.Item.Notification.URL)
	}
}

// Silence after the message was written is an unknown outcome, and a server that
// goes away in order is asked again by the transport.
func TestDeliver_brokenConversations(t *testing.T) {
	service, c, s := start(t, func(o *Options) { o.Timeout = 500 * time.Millisecond })
	d := delivery(registered(t, c, s))
	service.Script(notifytest.Reply{Delay: time.Hour})
	failed(t, notify.Unknown, c.Deliver(t.Context(), d))
	service.Script(notifytest.Reply{Reset: true})
	failed(t, notify.Unknown, c.Deliver(t.Context(), d))
	service.Script(notifytest.Reply{GoAway: true})
	sent(t, service, c, d)
	service.Script(notifytest.Reply{Status: 201, Endless: true})
	assert.NoError(t, c.Deliver(t.Context(), d), "the status counts")

	taken := service.Taken()
	for _, request := range taken[1:] {
		assert.Equal(t, taken[0].Topic, request.Topic)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failed(t, notify.Temporary, c.Deliver(ctx, d))
}

func TestDeliver_unreachable(t *testing.T) {
	service, c, s := start(t, nil)
	d := delivery(registered(t, c, s))
	c = open(t, Options{Keys: c.keys[c.current]}) // without the exception
	failed(t, notify.Permanent, c.Deliver(t.Context(), d))
	d.Address.Value = "https://push.invalid.example/canary"
	failed(t, notify.Temporary, c.Deliver(t.Context(), d))
	assert.Zero(t, service.Requests())
}

// One notification for many subscriptions, at the same time.
func TestDeliver_fromManyGoroutines(t *testing.T) {
	service, c, _ := start(t, nil)
	d := delivery(notify.Address{})
	var all sync.WaitGroup
	for range 16 {
		a := registered(t, c, service.Subscribe(c.PublicKey()))
		all.Go(func() {
			d := d
			d.Address = a
			assert.NoError(t, c.Deliver(t.Context(), d))
		})
	}
	all.Wait()
	endpoints := map[string]bool{}
	for _, request := range service.Accepted() {
		endpoints[request.Endpoint] = true
	}
	assert.Len(t, endpoints, 16)
}

func TestAccounts_forgetAndStayFew(t *testing.T) {
	var a accounts
	for i := range 2 * maxAccounts {
		a.worked(account{host: strings.Repeat("x", i)})
	}
	assert.Len(t, a.accepted, maxAccounts)
	assert.True(t, a.proven(account{host: "x"}))
	assert.False(t, a.proven(account{host: "x", pair: "other"}))
	for at := range a.accepted {
		a.accepted[at] = time.Now().Add(-proofLasts - time.Second)
	}
	assert.False(t, a.proven(account{host: "x"}))
	a.worked(account{host: "new"})
	assert.True(t, a.proven(account{host: "new"}))
	assert.Len(t, a.accepted, 1)
}
