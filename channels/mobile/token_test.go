package mobile

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

func newTokens(t *testing.T) *providerTokens {
	t.Helper()
	c, s := start(t)
	return c.teams[s.apple.Topic].tokens
}

func TestProviderTokens_areReplacedBetween20And60Minutes(t *testing.T) {
	tokens := newTokens(t)
	first, err := tokens.current(noon)
	require.NoError(t, err)
	for _, test := range []struct {
		at  time.Duration
		new bool
	}{{time.Minute, false}, {renewAfter - time.Second, false}, {-30 * time.Second, false}, {renewAfter, true}} {
		token, err := tokens.current(noon.Add(test.at))
		require.NoError(t, err)
		assert.Equal(t, test.new, token != first, "%s", test.at)
	}

	t.Run("one that Apple calls expired", func(t *testing.T) {
		tokens := newTokens(t)
		old, err := tokens.current(noon)
		require.NoError(t, err)
		assert.False(t, tokens.renew(old, noon.Add(soonestRenew-time.Second)), "Apple takes offence at too many")
		assert.True(t, tokens.renew(old, noon.Add(soonestRenew)))
		assert.True(t, tokens.renew(old, noon.Add(soonestRenew)), "another push was faster")
		now, err := tokens.current(noon.Add(soonestRenew))
		require.NoError(t, err)
		assert.NotEqual(t, old, now)
	})
	t.Run("one from before the clock was set back", func(t *testing.T) {
		tokens := newTokens(t)
		ahead, err := tokens.current(noon)
		require.NoError(t, err)
		now, err := tokens.current(noon.Add(-time.Hour))
		require.NoError(t, err)
		assert.NotEqual(t, ahead, now)
	})
}

func TestDeliver_replacesAProviderTokenThatAppleCallsExpired(t *testing.T) {
	c, s := start(t)
	tokens := c.teams[s.apple.Topic].tokens
	_, err := tokens.current(time.Now().Add(-soonestRenew - time.Minute))
	require.NoError(t, err)
	expired := notifytest.APNsRefusal(403, "ExpiredProviderToken", noon)
	s.apple.Script(expired)
	require.NoError(t, c.Deliver(t.Context(), toApple()))
	assert.Equal(t, 2, s.apple.ProviderTokens())
	assert.Equal(t, 2, s.apple.Requests())

	t.Run("but only once", func(t *testing.T) {
		tokens.issued = tokens.issued.Add(-soonestRenew)
		s.apple.Script(expired, expired)
		refused(t, c.Deliver(t.Context(), toApple()), notify.Misconfigured)
		assert.Equal(t, 4, s.apple.Requests())
	})
}

// A machine that slept through the life of a token notices by the wall clock.
func TestProviderTokens_goByTheWallClock(t *testing.T) {
	tokens := newTokens(t)
	_, err := tokens.current(time.Now())
	require.NoError(t, err)
	assert.NotContains(t, tokens.issued.String(), "m=", "no monotonic reading")
}

func TestAccessTokens_areFetchedAgainWhenTheyAreOld(t *testing.T) {
	c, s := start(t)
	require.NoError(t, c.Deliver(t.Context(), toFirebase()))
	tokens := c.projects[s.firebase.Project].tokens
	assert.WithinDuration(t, time.Now().Add(3599*time.Second-earlier), tokens.latest.Load().expires, 20*time.Second)
	tokens.latest.Load().expires = time.Now()
	require.NoError(t, c.Deliver(t.Context(), toFirebase()))
	assert.Len(t, s.firebase.Assertions(), 2)

	t.Run("one that was revoked", func(t *testing.T) {
		s.firebase.RevokeTokens()
		require.NoError(t, c.Deliver(t.Context(), toFirebase()))
		assert.Len(t, s.firebase.Assertions(), 3)
	})
	t.Run("a service that takes none", func(t *testing.T) {
		no := notifytest.Reply{Status: 401, Body: `{"error":{"code":401,"status":"UNAUTHENTICATED"}}`}
		s.firebase.Script(no, no)
		refused(t, c.Deliver(t.Context(), toFirebase()), notify.Misconfigured)
		assert.Len(t, s.firebase.Assertions(), 4)
	})
}

// Many pushes learn at once that a token was revoked. The one who comes last must
// not throw away what the first has fetched meanwhile.
func TestAccessTokens_areNotThrownAwayForAnOlderOne(t *testing.T) {
	c, s := start(t)
	tokens := c.projects[s.firebase.Project].tokens
	revoked, err := tokens.get(t.Context())
	require.NoError(t, err)
	tokens.drop(revoked)
	fresh, err := tokens.get(t.Context())
	require.NoError(t, err)
	tokens.drop(revoked)
	again, err := tokens.get(t.Context())
	require.NoError(t, err)
	assert.Same(t, fresh, again)
	assert.Len(t, s.firebase.Assertions(), 2)
}

func TestAccessTokens_failAsTheTokenServiceSays(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply notifytest.Reply
		class notify.Class
		text  string
		after time.Duration
	}{
		{"key revoked", notifytest.Reply{Status: 400, Body: `{"error":"invalid_grant","error_description":"` + iPhone + `"}`}, notify.Misconfigured, "no access token: 400 invalid_grant", 0},
		{"client unknown", notifytest.Reply{Status: 401, Body: "<html>"}, notify.Misconfigured, "no access token: 401", 0},
		{"too many", notifytest.Reply{Status: 429, Header: http.Header{"Retry-After": {"11"}}}, notify.Temporary, "no access token: 429", 11 * time.Second},
		{"down", notifytest.Reply{Status: 503}, notify.Temporary, "no access token: 503", 0},
		{"redirect", notifytest.Reply{Status: 302, Header: http.Header{"Location": {"https://127.0.0.1:1/"}}}, notify.Temporary, "no access token: 302", 0},
		{"nonsense", notifytest.Reply{Status: 200, Body: "{"}, notify.Temporary, "no access token: 200", 0},
		{"no token", notifytest.Reply{Status: 200, Body: "{}"}, notify.Temporary, "no access token: 200", 0},
		{"a token that is a header of its own", notifytest.Reply{Status: 200, Body: `{"access_token":"a\r\nX: y"}`}, notify.Temporary, "no access token: 200", 0},
		{"megabytes", notifytest.Reply{Status: 200, Endless: true}, notify.Temporary, "no access token: 200", 0},
		{"reset", notifytest.Reply{Reset: true}, notify.Temporary, "no access token: ", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := start(t)
			s.firebase.ScriptTokens(test.reply)
			f := refused(t, c.Deliver(t.Context(), toFirebase()), test.class)
			assert.Contains(t, f.Error(), test.text)
			assert.Equal(t, test.after, f.RetryAfter)
			assert.Zero(t, s.firebase.Requests(), "no message without a token")
			require.NoError(t, c.Deliver(t.Context(), toFirebase()), "and the next one asks again")
		})
	}
}

// Whoever fetches a token and hangs holds up nobody beyond his own time, and
// the next one in line fetches it.
func TestAccessTokens_waitWithinTheTimeOfThePush(t *testing.T) {
	c, s := start(t)
	s.firebase.ScriptTokens(notifytest.Reply{Delay: time.Hour})
	first, giveUp := context.WithCancel(t.Context())
	var slow sync.WaitGroup
	slow.Go(func() { refused(t, c.Deliver(first, toFirebase()), notify.Temporary) })
	for len(s.firebase.Assertions()) == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("no token was asked for")
		case <-time.After(time.Millisecond):
		}
	}
	impatient, leave := context.WithCancel(t.Context())
	leave()
	f := refused(t, c.Deliver(impatient, toFirebase()), notify.Temporary)
	require.ErrorIs(t, f, context.Canceled)

	var patient sync.WaitGroup
	patient.Go(func() { assert.NoError(t, c.Deliver(t.Context(), toFirebase())) })
	giveUp()
	slow.Wait()
	patient.Wait()
}

func TestAccessTokens_expireAtSomeTimeThoughTheyDoNotSay(t *testing.T) {
	c, s := start(t)
	s.firebase.ScriptTokens(notifytest.Reply{Status: 200, Body: `{"access_token":"` + strings.Repeat("x", 40) + `"}`})
	tokens := c.projects[s.firebase.Project].tokens
	_, err := tokens.get(t.Context())
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(defaultExpiry), tokens.latest.Load().expires, 20*time.Second)
}
