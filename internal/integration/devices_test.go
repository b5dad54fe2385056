package integration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/mobile"
	"github.com/bellwether-go/notify/notifytest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// phones is a center with the mobile channel, and the services that it pushes
// through.
type phones struct {
	paced
	apple    *notifytest.APNs
	firebase *notifytest.FCM
}

func newPhones(t *testing.T, s notify.Store, advance func(time.Duration)) phones {
	t.Helper()
	p := phones{paced: paced{advance: advance}, apple: notifytest.NewAPNs(t), firebase: notifytest.NewFCM(t)}
	channel, err := mobile.New(mobile.Options{
		Firebase: []mobile.Firebase{{ServiceAccount: p.firebase.ServiceAccount(), Endpoint: p.firebase.URL()}},
		Apple: []mobile.Apple{{
			Team: p.apple.Team, KeyID: p.apple.KeyID, Key: p.apple.Key(), Topics: []string{p.apple.Topic},
			Endpoint: p.apple.URL(), Sandbox: p.apple.Sandbox(),
		}},
		Allow: loopback, RootCAs: p.apple.RootCAs(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = channel.Close() })
	p.Notifier, err = notify.New(s, &notify.Options{Channels: []notify.Channel{channel}})
	require.NoError(t, err)
	return p
}

// The devices of alice.
var (
	iPhone = strings.Repeat("0a", 32)
	iPad   = strings.Repeat("0b", 32)
	pixel  = strings.Repeat("pixel:", 10)
)

func (p phones) register(t *testing.T, platform mobile.Platform, token string) notify.ID {
	t.Helper()
	meta, err := json.Marshal(mobile.Device{Platform: platform})
	require.NoError(t, err)
	reg, err := p.Register(t.Context(), alice, notify.Registration{
		Address: notify.Address{Channel: notify.Mobile, Value: token, Meta: meta}, Name: token[:2],
	})
	require.NoError(t, err)
	return reg.ID
}

// tokens are those that alice still has.
func (p phones) tokens(t *testing.T) []string {
	t.Helper()
	all, err := p.Addresses(t.Context(), alice)
	require.NoError(t, err)
	var tokens []string
	for _, reg := range all {
		tokens = append(tokens, reg.Address.Value)
	}
	return tokens
}

func TestDevices_areReachedEachByItsService(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.APNs, iPhone)
		p.register(t, mobile.APNs, iPad)
		p.register(t, mobile.FCM, pixel)
		p.deliver(t, "first")
		second := p.deliver(t, "second")

		require.Len(t, p.apple.Accepted(), 4)
		require.Len(t, p.firebase.Accepted(), 2)
		last := p.apple.Accepted()[3]
		assert.Contains(t, string(last.Payload), `"badge":2`, "two are unread by now")
		assert.Contains(t, string(p.firebase.Accepted()[1].Request), `"badge":"2"`)
		assert.Equal(t, notify.StatusDelivered, p.record(t, second).Status)
		all, err := p.Addresses(t.Context(), alice)
		require.NoError(t, err)
		for _, reg := range all {
			assert.False(t, reg.LastSuccess.IsZero())
			assert.Empty(t, reg.LastError)
		}
		ids := map[string]bool{}
		for _, push := range p.apple.Accepted() {
			ids[push.ID] = true
		}
		assert.Len(t, ids, 4, "an id per delivery and device")
	})
}

// R24: what one device took is not sent to it again because of another.
func TestDevices_aRetryGoesToTheOneThatFailed(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.APNs, iPhone)
		p.register(t, mobile.APNs, iPad)
		p.register(t, mobile.FCM, pixel)
		var failures atomic.Int64
		p.apple.Answer(func(push notifytest.APNsPush) notifytest.Reply {
			if push.Token == iPad && failures.Add(1) <= 2 {
				return notifytest.APNsRefusal(500, "InternalServerError", time.Time{})
			}
			return notifytest.Reply{}
		})
		id := p.deliver(t, "one")
		for range 3 {
			p.later(t, 2*time.Hour)
		}
		to := map[string]int{}
		for _, push := range p.apple.Accepted() {
			to[push.Token]++
		}
		assert.Equal(t, map[string]int{iPhone: 1, iPad: 1}, to)
		assert.Len(t, p.firebase.Accepted(), 1)
		assert.Equal(t, int64(3), failures.Load())
		assert.Equal(t, notify.StatusDelivered, p.record(t, id).Status)
		assert.Equal(t, 3, p.record(t, id).Attempts)
		assert.Len(t, p.tokens(t), 3)
	})
}

func TestDevices_areDroppedOnProofOnly(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.APNs, iPhone)
		p.register(t, mobile.APNs, iPad)
		p.register(t, mobile.FCM, pixel)
		everything := []string{iPhone, iPad, pixel}
		var reply notifytest.Reply
		var refusal notifytest.Reply
		p.apple.Answer(func(push notifytest.APNsPush) notifytest.Reply {
			if push.Token == iPad {
				return reply
			}
			return notifytest.Reply{}
		})
		p.firebase.Answer(func(notifytest.FCMMessage) notifytest.Reply { return refusal })
		for i, failure := range []notifytest.Reply{
			{Status: 500}, {Status: 503}, {Status: 429}, {Status: 404}, {Status: 400}, {Status: 413}, {Status: 302}, {Reset: true},
			{Status: 410}, {Status: 410, Body: "gone, I say"},
			notifytest.APNsRefusal(410, "Unregistered", time.Now().Add(-time.Hour)), // before it was registered
		} {
			reply, refusal = failure, failure
			p.deliver(t, fmt.Sprint("failure ", i))
			p.later(t, 48*time.Hour) // and give up
			assert.ElementsMatch(t, everything, p.tokens(t), "failure %d", i)
			p.register(t, mobile.APNs, iPhone) // the app was started again
		}
		refusal = notifytest.FCMRefusal(404, "UNREGISTERED")
		reply = notifytest.APNsRefusal(410, "Unregistered", time.Now().Add(10_000*time.Hour))
		id := p.deliver(t, "proof")
		assert.Equal(t, []string{iPhone}, p.tokens(t))
		assert.Equal(t, notify.StatusDelivered, p.record(t, id).Status)

		p.register(t, mobile.APNs, iPad)
		reply = notifytest.APNsRefusal(400, "BadDeviceToken", time.Time{})
		p.deliver(t, "no token of this app, while others are")
		assert.Equal(t, []string{iPhone}, p.tokens(t))
	})
}

// A mix-up of environments answers the same for every token: none is dropped.
func TestDevices_surviveAMixUp(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.APNs, iPhone)
		p.register(t, mobile.APNs, iPad)
		p.apple.Answer(func(notifytest.APNsPush) notifytest.Reply {
			return notifytest.APNsRefusal(400, "BadDeviceToken", time.Time{})
		})
		id := p.deliver(t, "one")
		assert.Len(t, p.tokens(t), 2)
		assert.Equal(t, notify.StatusDead, p.record(t, id).Status)
	})
}

func TestDevices_aMisconfiguredAppPausesAndRecovers(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.APNs, iPhone)
		p.register(t, mobile.FCM, pixel)
		p.apple.Answer(func(notifytest.APNsPush) notifytest.Reply {
			return notifytest.APNsRefusal(403, "InvalidProviderToken", time.Time{})
		})
		first := p.deliver(t, "first")
		second := p.deliver(t, "second")
		for range 10 {
			p.later(t, 11*time.Minute)
		}
		assert.Len(t, p.firebase.Accepted(), 2, "the other service is none of its business")
		health, err := p.Health(t.Context())
		require.NoError(t, err)
		assert.False(t, health.OK)
		require.Len(t, health.Paused, 1)
		assert.Contains(t, fmt.Sprint(health.Paused[0]), "apns/"+p.apple.Topic+"/production")
		assert.NotContains(t, fmt.Sprint(health), iPhone)
		for _, id := range []notify.ID{first, second} {
			assert.LessOrEqual(t, p.record(t, id).Attempts, 1, "only what reached Firebase was an attempt")
		}
		assert.Less(t, p.apple.Requests(), 20, "probes, not a storm")

		p.apple.Answer(nil)
		for range 10 { // one of them probes, and the other may have stepped back just then
			p.later(t, 11*time.Minute)
		}
		require.Len(t, p.apple.Accepted(), 2, "both came through")
		health, err = p.Health(t.Context())
		require.NoError(t, err)
		assert.Empty(t, health.Paused)
		assert.Equal(t, notify.StatusDelivered, p.record(t, first).Status)
		assert.Equal(t, notify.StatusDelivered, p.record(t, second).Status)
		assert.Len(t, p.firebase.Accepted(), 2, "and nothing twice")
	})
}

func TestDevices_aKeyThatGoogleRefusesPausesTheProject(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.FCM, pixel)
		p.firebase.ScriptTokens(notifytest.Reply{Status: 400, Body: `{"error":"invalid_grant"}`})
		id := p.deliver(t, "one")
		health, err := p.Health(t.Context())
		require.NoError(t, err)
		require.Len(t, health.Paused, 1)
		assert.Zero(t, p.record(t, id).Attempts)
		for range 3 {
			p.later(t, time.Minute)
		}
		assert.Len(t, p.firebase.Accepted(), 1)
		assert.Equal(t, notify.StatusDelivered, p.record(t, id).Status)
	})
}

func TestDevices_waitAsLongAsTheServiceAsks(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.APNs, iPhone)
		p.apple.Script(notifytest.Reply{Status: 429, Header: http.Header{"Retry-After": {"1800"}}})
		id := p.deliver(t, "one")
		p.later(t, 29*time.Minute)
		assert.Empty(t, p.apple.Accepted(), "not before half an hour")
		p.later(t, 62*time.Second)
		assert.Len(t, p.apple.Accepted(), 1)
		assert.Equal(t, 2, p.record(t, id).Attempts)
	})
}

// R36: a device changes hands with its token.
func TestDevices_belongToWhoRegisteredThemLast(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		p := newPhones(t, s, advance)
		p.register(t, mobile.APNs, iPhone)
		_, err := p.Register(t.Context(), notify.Recipient{Tenant: "acme", ID: "bob"}, notify.Registration{Address: notify.Address{
			Channel: notify.Mobile, Value: strings.ToUpper(iPhone), Meta: json.RawMessage(`{"platform":"apns","app":"` + p.apple.Topic + `"}`),
		}})
		require.NoError(t, err, "the same token in another spelling")
		p.deliver(t, "for alice")
		assert.Empty(t, p.apple.Accepted())
		assert.Empty(t, p.tokens(t))
		_, err = p.Register(t.Context(), alice, notify.Registration{Address: notify.Address{Channel: notify.Mobile, Value: "no token", Meta: json.RawMessage(`{"platform":"apns"}`)}})
		require.ErrorIs(t, err, notify.ErrInvalid)
	})
}
