package integration

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/browser"
	"github.com/bellwether-go/notify/notifytest"
)

// browsers is a center with the browser channel, and the push service of all
// browsers.
type browsers struct {
	paced
	channel *browser.Channel
	service *notifytest.Push
}

func newBrowsers(t *testing.T, s notify.Store, advance func(time.Duration)) browsers {
	t.Helper()
	b := browsers{paced: paced{advance: advance}, service: notifytest.NewPush(t)}
	keys, err := browser.GenerateKeys()
	require.NoError(t, err)
	b.channel, err = browser.New(browser.Options{
		Subject: "ops@acme.example", Keys: keys, Allow: loopback, RootCAs: b.service.RootCAs(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.channel.Close() })
	b.Notifier, err = notify.New(s, &notify.Options{Channels: []notify.Channel{b.channel}})
	require.NoError(t, err)
	return b
}

// present registers a subscription for somebody, as the page would.
func (b browsers) present(t *testing.T, who notify.Recipient, s *notifytest.PushSubscription) (notify.Registration, error) {
	t.Helper()
	a, err := browser.Subscription(s.JSON())
	require.NoError(t, err)
	return b.Register(t.Context(), who, notify.Registration{Address: a, Name: "Firefox on Linux", Locale: "en"})
}

// subscribe makes a subscription and registers it for alice.
func (b browsers) subscribe(t *testing.T) *notifytest.PushSubscription {
	t.Helper()
	s := b.service.Subscribe(b.channel.PublicKey())
	_, err := b.present(t, alice, s)
	require.NoError(t, err)
	return s
}

// endpoints are those that somebody still has.
func (b browsers) endpoints(t *testing.T, who notify.Recipient) []string {
	t.Helper()
	all, err := b.Addresses(t.Context(), who)
	require.NoError(t, err)
	var endpoints []string
	for _, reg := range all {
		endpoints = append(endpoints, reg.Address.Value)
	}
	return endpoints
}

// accepted counts what the push service took, by subscription.
func (b browsers) accepted() map[string]int {
	to := map[string]int{}
	for _, request := range b.service.Accepted() {
		to[request.Endpoint]++
	}
	return to
}

func TestBrowsers_areReachedWhileTheCenterRuns(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		first, second := b.subscribe(t), b.subscribe(t)
		arrived := make(chan struct{}, 100)
		b.service.Answer(func(notifytest.PushRequest) notifytest.Reply {
			arrived <- struct{}{}
			return notifytest.Reply{}
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { assert.NoError(t, b.Run(ctx)) })
		_, err := b.Send(ctx, toTitle("one"))
		require.NoError(t, err)
		patience := time.After(time.Minute)
		for range 2 {
			select {
			case <-arrived:
			case <-patience:
				require.FailNow(t, "nothing arrived")
			}
		}
		stop() // ends once what is under way has ended
		running.Wait()
		assert.Equal(t, map[string]int{first.Endpoint: 1, second.Endpoint: 1}, b.accepted())
		for _, request := range b.service.Accepted() {
			assert.Contains(t, string(request.Text), `"title":"one"`)
			assert.Contains(t, string(request.Text), `"app_badge":1`)
		}
		all, err := b.Addresses(t.Context(), alice)
		require.NoError(t, err)
		require.Len(t, all, 2)
		for _, reg := range all {
			assert.False(t, reg.LastSuccess.IsZero())
			assert.Equal(t, "Firefox on Linux", reg.Name)
			assert.Empty(t, reg.LastError)
		}
	})
}

// R24: what one browser took is not sent to it again because of another.
func TestBrowsers_aRetryGoesToTheOneThatFailed(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		good, bad := b.subscribe(t), b.subscribe(t)
		asked := map[string]int{}
		var topics []string
		b.service.Answer(func(request notifytest.PushRequest) notifytest.Reply {
			asked[request.Endpoint]++ // one at a time: Drain calls address after address
			if request.Endpoint == bad.Endpoint {
				topics = append(topics, request.Topic)
				if len(topics) <= 2 {
					return notifytest.Reply{Status: 500}
				}
			}
			return notifytest.Reply{}
		})
		id := b.deliver(t, "one")
		for range 3 {
			b.later(t, 2*time.Hour)
		}
		assert.Equal(t, map[string]int{good.Endpoint: 1, bad.Endpoint: 3}, asked)
		assert.Equal(t, topics[0], topics[2], "under the same topic")
		assert.Equal(t, notify.StatusDelivered, b.record(t, id).Status)
		assert.Equal(t, 3, b.record(t, id).Attempts)
		assert.Len(t, b.endpoints(t, alice), 2)
	})
}

func TestBrowsers_areDroppedOnProofOnly(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		one := b.subscribe(t)
		for i, failure := range []notifytest.Reply{
			{Status: 500}, {Status: 503}, {Status: 429}, {Status: 400}, {Status: 401}, {Status: 403}, {Status: 413}, {Status: 302}, {Reset: true},
			{Status: 403, Body: "VapidPkHashMismatch"}, {Status: 418},
		} {
			b.service.Answer(func(notifytest.PushRequest) notifytest.Reply { return failure })
			b.deliver(t, fmt.Sprint("failure ", i))
			b.later(t, 48*time.Hour) // and give up
			assert.Equal(t, []string{one.Endpoint}, b.endpoints(t, alice), "%+v", failure)
		}
		all, err := b.Addresses(t.Context(), alice)
		require.NoError(t, err)
		assert.Contains(t, all[0].LastError, "418")
		assert.NotContains(t, all[0].LastError, "127.0.0.1")

		b.service.Answer(nil)
		b.service.Unsubscribe(one)
		b.deliver(t, "proof")
		b.later(t, time.Hour) // the service was paused by the 401
		assert.Empty(t, b.endpoints(t, alice))
		b.deliver(t, "nobody there")
		assert.Empty(t, b.service.Accepted())
	})
}

// R36: a subscription belongs to one recipient, and only who has its keys can
// take it over.
func TestBrowsers_belongToWhoHasTheKeys(t *testing.T) {
	bob := notify.Recipient{Tenant: "acme", ID: "bob"}
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		one := b.subscribe(t)

		forged := b.service.Subscribe(b.channel.PublicKey())
		forged.Endpoint = one.Endpoint
		_, err := b.present(t, bob, forged)
		require.ErrorIs(t, err, notify.ErrConflict)
		assert.NotContains(t, err.Error(), one.Endpoint)
		assert.Equal(t, []string{one.Endpoint}, b.endpoints(t, alice))
		assert.Empty(t, b.endpoints(t, bob))

		mine, err := b.present(t, alice, one)
		require.NoError(t, err)
		require.ErrorIs(t, b.Unregister(t.Context(), bob, mine.ID), notify.ErrNotFound)

		a, err := browser.Subscription([]byte(strings.Replace(string(one.JSON()), "https://127", "HTTPS://127", 1)))
		require.NoError(t, err)
		_, err = b.Register(t.Context(), bob, notify.Registration{Address: a})
		require.NoError(t, err, "the same browser, where bob has signed in")
		assert.Empty(t, b.endpoints(t, alice))
		assert.Equal(t, []string{one.Endpoint}, b.endpoints(t, bob))
		b.deliver(t, "for alice")
		assert.Empty(t, b.service.Accepted())
	})
}

func TestBrowsers_sixteenAreKept(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		var all []string
		for range 18 {
			all = append(all, b.subscribe(t).Endpoint)
			advance(time.Second)
		}
		assert.Equal(t, all[2:], b.endpoints(t, alice), "the oldest go")
		b.deliver(t, "one")
		assert.Len(t, b.accepted(), 16)
	})
}

func TestBrowsers_hostileSubscriptionsAreRefused(t *testing.T) { // T1
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		strict, err := browser.New(browser.Options{Subject: "ops@acme.example", Keys: func() browser.Keys {
			keys, err := browser.GenerateKeys()
			require.NoError(t, err)
			return keys
		}()})
		require.NoError(t, err)
		n, err := notify.New(s, &notify.Options{Channels: []notify.Channel{strict}})
		require.NoError(t, err)
		genuine := b.service.Subscribe("")
		for _, endpoint := range []string{
			genuine.Endpoint, "https://127.0.0.1/a.google.com/", "https://[::1]/", "https://169.254.169.254/latest/meta-data/", "https://localhost/",
			"https://user:pass@push.example.com/", "https://push.example.com:8443/", "http://push.example.com/", "https://2130706433/",
		} {
			genuine.Endpoint = endpoint
			a, err := browser.Subscription(genuine.JSON())
			require.NoError(t, err)
			_, err = n.Register(t.Context(), alice, notify.Registration{Address: a})
			require.ErrorIs(t, err, notify.ErrInvalid, endpoint)
		}
		all, err := n.Addresses(t.Context(), alice)
		require.NoError(t, err)
		assert.Empty(t, all)
		assert.Zero(t, b.service.Requests())
	})
}

func TestBrowsers_areExportedAndErased(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		one := b.subscribe(t)
		b.deliver(t, "one")
		export, err := b.Export(t.Context(), alice)
		require.NoError(t, err)
		require.Len(t, export.Addresses, 1)
		assert.Equal(t, one.Endpoint, export.Addresses[0].Address.Value)
		assert.Contains(t, string(export.Addresses[0].Address.Meta), "p256dh")
		require.Len(t, export.Deliveries, 1)

		require.NoError(t, b.Erase(t.Context(), alice))
		assert.Empty(t, b.endpoints(t, alice))
		_, err = b.present(t, alice, one)
		require.ErrorIs(t, err, notify.ErrNotFound)
		b.deliver(t, "too late")
		assert.Len(t, b.service.Accepted(), 1)
	})
}

// What is wrong with the host's account pauses the service, burns no attempt,
// and is over once it works.
func TestBrowsers_aRefusedAccountPausesAndRecovers(t *testing.T) { // R22
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		b.subscribe(t)
		b.service.Answer(func(notifytest.PushRequest) notifytest.Reply { return notifytest.Reply{Status: 401} })
		id := b.deliver(t, "one")
		for range 5 {
			b.later(t, 11*time.Minute)
		}
		health, err := b.Health(t.Context())
		require.NoError(t, err)
		assert.False(t, health.OK)
		require.Len(t, health.Paused, 1)
		assert.Zero(t, b.record(t, id).Attempts)
		assert.Less(t, b.service.Requests(), 10, "probes, not a storm")

		b.service.Answer(nil)
		for range 3 { // the delivery may have stepped back for longer than the pause
			b.later(t, 11*time.Minute)
		}
		assert.Len(t, b.service.Accepted(), 1)
		assert.Equal(t, notify.StatusDelivered, b.record(t, id).Status)
		health, err = b.Health(t.Context())
		require.NoError(t, err)
		assert.Empty(t, health.Paused)
	})
}

func TestBrowsers_waitAsLongAsTheServiceAsks(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		b := newBrowsers(t, s, advance)
		b.subscribe(t)
		b.service.Script(notifytest.Reply{Status: 429, Header: http.Header{"Retry-After": {"1800"}}})
		id := b.deliver(t, "one")
		b.later(t, 29*time.Minute)
		assert.Empty(t, b.service.Accepted(), "not before half an hour")
		b.later(t, 62*time.Second)
		assert.Len(t, b.service.Accepted(), 1)
		assert.Equal(t, 2, b.record(t, id).Attempts)
	})
}
