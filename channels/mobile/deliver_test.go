package mobile

import (
	"context"
	"encoding/json"
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

func TestDeliver_isAcceptedByBothServices(t *testing.T) {
	c, s := start(t)
	require.NoError(t, c.Deliver(t.Context(), toApple()))
	require.NoError(t, c.Deliver(t.Context(), toFirebase()))

	pushes := s.apple.Accepted()
	require.Len(t, pushes, 1)
	assert.Equal(t, iPhone, pushes[0].Token)
	assert.Equal(t, uuid(toApple().Identity()), pushes[0].ID)
	messages := s.firebase.Accepted()
	require.Len(t, messages, 1)
	assert.Equal(t, android, messages[0].Token)
}

func TestDeliver_usesOneTokenForAllPushes(t *testing.T) {
	c, s := start(t)
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range 5 {
				assert.NoError(t, c.Deliver(t.Context(), toApple()))
				assert.NoError(t, c.Deliver(t.Context(), toFirebase()))
			}
		})
	}
	senders.Wait()
	assert.Len(t, s.apple.Accepted(), 40)
	assert.Len(t, s.firebase.Accepted(), 40)
	assert.Equal(t, 1, s.apple.ProviderTokens())
	assert.Len(t, s.firebase.Assertions(), 1)
}

func TestDeliver_readsTheAnswersOfApple(t *testing.T) {
	c, s := start(t)
	registered := noon
	for _, test := range []struct {
		name   string
		reply  notifytest.Reply
		others bool // another device was reached before
		class  notify.Class
		after  time.Duration
	}{
		{"unregistered later", notifytest.APNsRefusal(410, "Unregistered", noon.Add(time.Hour)), false, notify.Gone, 0},
		{"expired later", notifytest.APNsRefusal(410, "ExpiredToken", noon.Add(time.Second)), false, notify.Gone, 0},
		{"unregistered before", notifytest.APNsRefusal(410, "Unregistered", noon.Add(-time.Second)), false, notify.Temporary, 0},
		{"unregistered, nobody knows when", notifytest.Reply{Status: 410, Body: `{"reason":"Unregistered"}`}, false, notify.Permanent, 0},
		{"410 from elsewhere", notifytest.Reply{Status: 410, Body: "<html>"}, true, notify.Permanent, 0},
		{"no token, no others", notifytest.APNsRefusal(400, "BadDeviceToken", noon), false, notify.Permanent, 0},
		{"no token, others work", notifytest.APNsRefusal(400, "BadDeviceToken", noon), true, notify.Gone, 0},
		{"other app, no others", notifytest.APNsRefusal(400, "DeviceTokenNotForTopic", noon), false, notify.Permanent, 0},
		{"other app, others work", notifytest.APNsRefusal(400, "DeviceTokenNotForTopic", noon), true, notify.Gone, 0},
		{"bad topic", notifytest.APNsRefusal(400, "BadTopic", noon), true, notify.Misconfigured, 0},
		{"topic not ours", notifytest.APNsRefusal(400, "TopicDisallowed", noon), true, notify.Misconfigured, 0},
		{"idle", notifytest.APNsRefusal(400, "IdleTimeout", noon), true, notify.Temporary, 0},
		{"bad request of ours", notifytest.APNsRefusal(400, "BadCollapseId", noon), true, notify.Permanent, 0},
		{"key revoked", notifytest.APNsRefusal(403, "InvalidProviderToken", noon), true, notify.Misconfigured, 0},
		{"token just issued and expired", notifytest.APNsRefusal(403, "ExpiredProviderToken", noon), true, notify.Misconfigured, 0},
		{"key of the other environment", notifytest.APNsRefusal(403, "BadEnvironmentKeyIdInToken", noon), true, notify.Misconfigured, 0},
		{"forbidden", notifytest.Reply{Status: 403}, true, notify.Misconfigured, 0},
		{"path", notifytest.APNsRefusal(404, "BadPath", noon), true, notify.Permanent, 0},
		{"too large", notifytest.APNsRefusal(413, "PayloadTooLarge", noon), true, notify.Permanent, 0},
		{"device is busy", notifytest.APNsRefusal(429, "TooManyRequests", noon), true, notify.Temporary, busy},
		{"new tokens too often", notifytest.APNsRefusal(429, "TooManyProviderTokenUpdates", noon), true, notify.Temporary, 5 * busy},
		{"busy for a while", notifytest.Reply{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, true, notify.Temporary, 7 * time.Second},
		{"broken", notifytest.APNsRefusal(500, "InternalServerError", noon), true, notify.Temporary, 0},
		{"down", notifytest.Reply{Status: 503, Header: http.Header{"Retry-After": {"90"}}}, true, notify.Temporary, 90 * time.Second},
		{"redirect", notifytest.Reply{Status: 307, Header: http.Header{"Location": {"https://127.0.0.1:1/"}}}, true, notify.Temporary, 0},
		{"null", notifytest.Reply{Status: 400, Body: "null"}, true, notify.Permanent, 0},
		{"secret as a reason", notifytest.Reply{Status: 400, Body: `{"reason":"` + iPhone + `"}`}, true, notify.Permanent, 0},
		{"megabytes", notifytest.Reply{Status: 500, Endless: true}, true, notify.Temporary, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			evidence := c.teams[s.apple.Topic].proof[place{s.apple.Topic, Production}]
			evidence.latest = [2]acceptance{}
			if test.others {
				evidence.accepted(iPad)
			}
			s.apple.Script(test.reply)
			d := toApple()
			d.Registered = registered
			f := refused(t, c.Deliver(t.Context(), d), test.class)
			assert.Equal(t, test.after, f.RetryAfter)
			assert.Equal(t, strings.HasPrefix(test.name, "down") || strings.HasPrefix(test.name, "new tokens"), f.Overloaded)
			assert.Equal(t, strings.HasPrefix(test.name, "unregistered before") || strings.HasPrefix(test.name, "device is busy") ||
				strings.HasPrefix(test.name, "busy for") || strings.HasPrefix(test.name, "no key for Apple, others"), f.Reached)
		})
	}
}

func TestDeliver_readsTheAnswersOfFirebase(t *testing.T) {
	c, s := start(t)
	violation := func(field string) notifytest.Reply {
		r := notifytest.FCMRefusal(400, "INVALID_ARGUMENT")
		r.Body = strings.Replace(r.Body, "The registration token is not a valid FCM registration token", "Request contains an invalid argument.", 1)
		r.Body = r.Body[:len(r.Body)-len("]}}")] + `,{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"` + field + `"}]}]}}`
		return r
	}
	for _, test := range []struct {
		name   string
		reply  notifytest.Reply
		others bool
		class  notify.Class
		after  time.Duration
	}{
		{"unregistered", notifytest.FCMRefusal(404, "UNREGISTERED"), false, notify.Gone, 0},
		{"not found", notifytest.Reply{Status: 404, Body: `{"error":{"code":404,"status":"NOT_FOUND"}}`}, true, notify.Permanent, 0},
		{"not found, as HTML", notifytest.Reply{Status: 404, Body: "<html>UNREGISTERED"}, true, notify.Permanent, 0},
		{"no token, others work", notifytest.FCMRefusal(400, "INVALID_ARGUMENT"), true, notify.Gone, 0},
		{"no token, named, others work", violation("message.token"), true, notify.Gone, 0},
		{"no token, no others", notifytest.FCMRefusal(400, "INVALID_ARGUMENT"), false, notify.Permanent, 0},
		{"our message, others work", violation("message.data"), true, notify.Permanent, 0},
		{"too big, others work", notifytest.Reply{Status: 400, Body: `{"error":{"code":400,"message":"Android message is too big","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"}]}}`}, true, notify.Permanent, 0},
		{"our message, as a general error", notifytest.Reply{Status: 400, Body: `{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","errorCode":"INVALID_ARGUMENT"}]}}`}, true, notify.Permanent, 0},
		{"token of another project", notifytest.FCMRefusal(403, "SENDER_ID_MISMATCH"), false, notify.Permanent, 0},
		{"may not send", notifytest.Reply{Status: 403, Body: `{"error":{"code":403,"status":"PERMISSION_DENIED"}}`}, true, notify.Misconfigured, 0},
		{"no key for Apple, no others", notifytest.FCMRefusal(401, "THIRD_PARTY_AUTH_ERROR"), false, notify.Misconfigured, 0},
		{"no key for Apple, others work", notifytest.FCMRefusal(401, "THIRD_PARTY_AUTH_ERROR"), true, notify.Temporary, 10 * busy},
		{"quota", notifytest.FCMRefusal(429, "QUOTA_EXCEEDED"), true, notify.Temporary, busy},
		{"quota for a while", notifytest.Reply{Status: 429, Header: http.Header{"Retry-After": {"300"}}}, true, notify.Temporary, 5 * time.Minute},
		{"broken", notifytest.FCMRefusal(500, "INTERNAL"), true, notify.Unknown, 0},
		{"down", notifytest.Reply{Status: 503, Header: http.Header{"Retry-After": {"30"}}}, true, notify.Unknown, 30 * time.Second},
		{"redirect", notifytest.Reply{Status: 302, Header: http.Header{"Location": {"https://127.0.0.1:1/"}}}, true, notify.Temporary, 0},
		{"null", notifytest.Reply{Status: 400, Body: `{"error":null}`}, true, notify.Permanent, 0},
		{"megabytes", notifytest.Reply{Status: 500, Endless: true}, true, notify.Unknown, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			evidence := &c.projects[s.firebase.Project].proof
			evidence.latest = [2]acceptance{}
			if test.others {
				evidence.accepted(tablet)
			}
			s.firebase.Script(test.reply)
			f := refused(t, c.Deliver(t.Context(), toFirebase()), test.class)
			assert.Equal(t, test.after, f.RetryAfter)
			assert.Equal(t, strings.HasPrefix(test.name, "down") || strings.HasPrefix(test.name, "new tokens"), f.Overloaded)
			assert.Equal(t, strings.HasPrefix(test.name, "unregistered before") || strings.HasPrefix(test.name, "device is busy") ||
				strings.HasPrefix(test.name, "busy for") || strings.HasPrefix(test.name, "no key for Apple, others"), f.Reached)
		})
	}
}

func TestDeliver_takesAnAcceptanceWhateverFollows(t *testing.T) {
	c, s := start(t)
	s.apple.Script(notifytest.Reply{Status: 200, Endless: true})
	s.firebase.Script(notifytest.Reply{Status: 200, Body: "not JSON"})
	require.NoError(t, c.Deliver(t.Context(), toApple()))
	require.NoError(t, c.Deliver(t.Context(), toFirebase()))
}

// Only a token other than the refused one shows that the app works.
func TestEvidence_isAboutOthers(t *testing.T) {
	var e evidence
	assert.False(t, e.others("a"))
	e.accepted("a")
	assert.False(t, e.others("a"))
	assert.True(t, e.others("b"))
	e.accepted("b")
	e.accepted("b")
	assert.True(t, e.others("b"), "a was accepted before")
	e.latest[0].at, e.latest[1].at = time.Now().Add(-fresh), time.Now().Add(-fresh)
	assert.False(t, e.others("c"), "long ago")
}

func TestDeliver_findsTheEnvironmentOfAToken(t *testing.T) {
	c, s := start(t)
	unknown := deliveryTo(iPhone, Device{Platform: APNs}, note())
	s.apple.Answer(func(p notifytest.APNsPush) notifytest.Reply {
		if p.Token == iPhone && !p.Sandbox {
			return notifytest.APNsRefusal(400, "BadDeviceToken", noon)
		}
		return notifytest.Reply{}
	})
	require.NoError(t, c.Deliver(t.Context(), unknown))
	require.Len(t, s.apple.Accepted(), 1)
	assert.True(t, s.apple.Accepted()[0].Sandbox)

	t.Run("a known one is not looked for elsewhere", func(t *testing.T) {
		before := s.apple.Requests()
		refused(t, c.Deliver(t.Context(), toApple()), notify.Permanent)
		assert.Equal(t, before+1, s.apple.Requests())
	})
	t.Run("in neither", func(t *testing.T) {
		s.apple.Script(notifytest.APNsRefusal(400, "BadDeviceToken", noon), notifytest.APNsRefusal(400, "BadDeviceToken", noon))
		refused(t, c.Deliver(t.Context(), unknown), notify.Permanent)
		require.NoError(t, c.Deliver(t.Context(), deliveryTo(iPad, Device{Platform: APNs}, note())))
		s.apple.Script(notifytest.APNsRefusal(400, "BadDeviceToken", noon), notifytest.APNsRefusal(400, "BadDeviceToken", noon))
		refused(t, c.Deliver(t.Context(), unknown), notify.Gone)
	})
	// Others are accepted by production: what it refuses could be proof.
	for name, sandbox := range map[string]struct {
		replies []notifytest.Reply
		class   notify.Class
		after   time.Duration
	}{
		"a sandbox that is silent":           {[]notifytest.Reply{{Reset: true}, {Reset: true}}, notify.Unknown, 0},
		"a sandbox that is broken":           {[]notifytest.Reply{notifytest.APNsRefusal(500, "InternalServerError", noon)}, notify.Temporary, 0},
		"a sandbox that is down for a while": {[]notifytest.Reply{{Status: 503, Header: http.Header{"Retry-After": {"90"}}}}, notify.Temporary, 90 * time.Second},
		"a sandbox that is busy":             {[]notifytest.Reply{notifytest.APNsRefusal(429, "TooManyRequests", noon)}, notify.Temporary, busy},
		"a key for production only":          {[]notifytest.Reply{notifytest.APNsRefusal(403, "BadEnvironmentKeyIdInToken", noon)}, notify.Permanent, 0},
		"a token that died in the sandbox":   {[]notifytest.Reply{notifytest.APNsRefusal(410, "Unregistered", noon)}, notify.Gone, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c.teams[s.apple.Topic].proof[place{s.apple.Topic, Production}].accepted(iPad)
			s.apple.Script(append([]notifytest.Reply{notifytest.APNsRefusal(400, "BadDeviceToken", noon)}, sandbox.replies...)...)
			f := refused(t, c.Deliver(t.Context(), unknown), sandbox.class)
			assert.Equal(t, sandbox.after, f.RetryAfter)
			assert.False(t, f.Overloaded, "production is not to blame")
			assert.Equal(t, sandbox.class == notify.Temporary || sandbox.class == notify.Unknown, f.Reached)
		})
	}
}

// The connection dies in every way that there is, and Apple gets the push once
// more at once, under the same id.
func TestDeliver_survivesDyingConnectionsToApple(t *testing.T) {
	c, s := start(t)
	for name, reply := range map[string]notifytest.Reply{
		"GOAWAY": {GoAway: true}, "stream reset": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.Deliver(t.Context(), toApple())) // a warm connection
			s.apple.Script(reply)
			before := s.apple.Requests()
			require.NoError(t, c.Deliver(t.Context(), toApple()))
			assert.Equal(t, before+2, s.apple.Requests())
		})
	}
	t.Run("closed while idle", func(t *testing.T) {
		s.apple.Disconnect()
		require.NoError(t, c.Deliver(t.Context(), toApple()))
	})
	ids := map[string]bool{}
	for _, p := range s.apple.Accepted() {
		ids[p.ID] = true
	}
	assert.Len(t, ids, 1)

	t.Run("again and again", func(t *testing.T) {
		s.apple.Script(notifytest.Reply{Reset: true}, notifytest.Reply{Reset: true})
		refused(t, c.Deliver(t.Context(), toApple()), notify.Unknown)
	})
}

// Firebase knows no ids: what may have arrived is not sent again at once.
func TestDeliver_repeatsToFirebaseOnlyWhatDidNotArrive(t *testing.T) {
	c, s := start(t)
	require.NoError(t, c.Deliver(t.Context(), toFirebase()))
	s.firebase.Script(notifytest.Reply{GoAway: true})
	require.NoError(t, c.Deliver(t.Context(), toFirebase()), "GOAWAY says that it was not taken")
	before := s.firebase.Requests()
	s.firebase.Script(notifytest.Reply{Reset: true})
	refused(t, c.Deliver(t.Context(), toFirebase()), notify.Unknown)
	assert.Equal(t, before+1, s.firebase.Requests())
}

func TestDeliver_isUnknownWhenTheAnswerIsLate(t *testing.T) {
	c, s := start(t)
	require.NoError(t, c.Deliver(t.Context(), toFirebase())) // has a token
	for name, d := range map[string]notify.Delivery{"apple": toApple(), "firebase": toFirebase()} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			hang := func() notifytest.Reply { cancel(); return notifytest.Reply{Delay: time.Hour} }
			s.apple.Answer(func(notifytest.APNsPush) notifytest.Reply { return hang() })
			s.firebase.Answer(func(notifytest.FCMMessage) notifytest.Reply { return hang() })
			refused(t, c.Deliver(ctx, d), notify.Unknown)
		})
	}
}

func TestDeliver_refusesWhatHasExpired(t *testing.T) {
	c, s := start(t)
	d := toApple()
	d.Item.Notification.ExpiresAt = time.Now().Add(-time.Second)
	f := refused(t, c.Deliver(t.Context(), d), notify.Permanent)
	require.ErrorIs(t, f, errExpired)
	assert.Zero(t, s.apple.Requests())
}

func TestDeliver_refusesAddressesThatItCannotRead(t *testing.T) {
	c, _ := start(t)
	d := toApple()
	d.Address.Meta = json.RawMessage(`{"platform":"apns","app":"com.example.other"}`)
	f := refused(t, c.Deliver(t.Context(), d), notify.Permanent)
	require.ErrorIs(t, f, notify.ErrInvalid)
	assert.Empty(t, c.Destination(d.Address))
}
