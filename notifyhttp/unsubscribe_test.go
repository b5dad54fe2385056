package notifyhttp

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// pathOf is the part of a link that a mail program sends.
func pathOf(t *testing.T, link string) string {
	t.Helper()
	rest, ok := strings.CutPrefix(link, "https://app.example")
	require.True(t, ok, link)
	return rest
}

func (s *site) mode(user, provider string) notify.Mode {
	s.t.Helper()
	decisions, err := s.n.Explain(s.t.Context(), notify.Notification{Provider: provider, Title: "x"}, notify.User(user))
	require.NoError(s.t, err)
	for _, d := range decisions {
		if d.Channel == notify.Email {
			return d.Mode
		}
	}
	return ""
}

// A mail program has no session and sends just this (RFC 8058, 3.1).
const oneClick = "List-Unsubscribe=One-Click"

func (s *site) click(link string) answer {
	return s.do("POST", pathOf(s.t, link), oneClick, "X-User", "", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site")
}

func TestUnsubscribe_lookingChangesNothing(t *testing.T) {
	s := newSite(t)
	link := s.opts.Unsubscribe.Link(notify.User("ann"), "billing")
	for _, method := range []string{"GET", "HEAD", "GET"} {
		got := s.do(method, pathOf(t, link), "", "X-User", "")
		require.Equal(t, http.StatusOK, got.Code)
		assert.Contains(t, got.Header().Get("Content-Security-Policy"), "default-src 'none'")
		assert.Equal(t, "no-store", got.Header().Get("Cache-Control"))
		assert.Equal(t, "no-referrer", got.Header().Get("Referrer-Policy"))
		if method == "GET" {
			assert.Contains(t, got.Body.String(), "Stop e-mails from “Billing”?")
			assert.Contains(t, got.Body.String(), `<form method="post">`)
			assert.NotContains(t, got.Body.String(), "ann")
		}
	}
	assert.Equal(t, notify.Immediate, s.mode("ann", "billing"))
}

func TestUnsubscribe_oneClickTurnsThatProviderOff(t *testing.T) {
	s := newSite(t)
	link := s.opts.Unsubscribe.Link(notify.User("ann"), "billing")
	for range 2 {
		got := s.click(link)
		require.Equal(t, http.StatusOK, got.Code, "%s", got.Body)
		assert.Empty(t, got.Header().Get("Location"), "RFC 8058 allows no redirect")
		assert.Empty(t, got.Header().Get("Set-Cookie"))
	}
	assert.Equal(t, notify.Off, s.mode("ann", "billing"))
	assert.Equal(t, notify.Daily, s.mode("ann", "chat"))
	assert.Equal(t, notify.Immediate, s.mode("bob", "billing"))
}

func TestUnsubscribe_ofADigestTurnsTheDailyEmailOff(t *testing.T) {
	s := newSite(t)
	_, err := s.n.SavePreferences(t.Context(), notify.User("ann"), notify.Preferences{
		Choices: map[string]map[string]notify.Mode{"leads": {notify.Email: notify.Daily}},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, s.click(s.opts.Unsubscribe.Link(notify.User("ann"), "")).Code)
	assert.Equal(t, notify.Off, s.mode("ann", "chat"), "daily by the provider's default")
	assert.Equal(t, notify.Off, s.mode("ann", "leads"), "daily by choice")
	assert.Equal(t, notify.Immediate, s.mode("ann", "billing"), "at the time of the event")

	_, err = s.n.SavePreferences(t.Context(), notify.User("bob"), notify.Preferences{Channels: map[string]notify.Mode{notify.Email: notify.Daily}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, s.click(s.opts.Unsubscribe.Link(notify.User("bob"), "")).Code)
	assert.Equal(t, notify.Off, s.mode("bob", "billing"), "daily for all providers")
}

func TestUnsubscribe_stopsWhatIsOnItsWay(t *testing.T) {
	s := newSite(t)
	s.send("one")
	require.Equal(t, http.StatusOK, s.click(s.opts.Unsubscribe.Link(notify.User("ann"), "billing")).Code)
	require.NoError(t, s.n.Drain(t.Context()))
	assert.Empty(t, s.mail.Calls())
	assert.Equal(t, []string{"one"}, s.list("").titles(), "the inbox cannot be unsubscribed from")
}

func TestUnsubscribe_ofAProviderThatIsGoneIsDoneAlready(t *testing.T) {
	s := newSite(t)
	assert.Equal(t, http.StatusOK, s.click(s.opts.Unsubscribe.Link(notify.User("ann"), "gone")).Code)
}

func TestUnsubscribe_refusesForgedLinks(t *testing.T) {
	s := newSite(t)
	link := pathOf(t, s.opts.Unsubscribe.Link(notify.Recipient{Tenant: "a", ID: "b"}, "billing"))
	other, err := NewUnsubscribe("https://app.example/notify/", bytes.Repeat([]byte{8}, 32))
	require.NoError(t, err)
	forged := []string{
		link[:len(link)-1], link + "A", link[:len(link)-4] + "AAAA",
		pathOf(t, other.Link(notify.User("ann"), "billing")),
		"/notify/unsubscribe/x", "/notify/unsubscribe/" + strings.Repeat("A", 5000),
	}
	for i := range forged {
		got := s.do("POST", forged[i], oneClick, "Content-Type", "application/x-www-form-urlencoded")
		got.problem(http.StatusNotFound, "not-found")
		page := s.do("GET", forged[i], "")
		assert.Equal(t, http.StatusNotFound, page.Code)
		assert.Contains(t, page.Body.String(), "This link is not valid")
		assert.NotContains(t, page.Body.String(), "<form")
	}
	off := newSite(t, func(o *Options) { o.Unsubscribe = nil })
	off.do("POST", link, oneClick, "Content-Type", "application/x-www-form-urlencoded").problem(http.StatusNotFound, "not-found")
}

func TestUnsubscribe_secretsCanBeReplaced(t *testing.T) {
	old, fresh := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	before, err := NewUnsubscribe("https://app.example/notify", old)
	require.NoError(t, err)
	after, err := NewUnsubscribe("https://app.example/notify", fresh, old)
	require.NoError(t, err)
	token := before.token(notify.Recipient{Tenant: "t", ID: "ann"}, "p")
	r, provider, ok := after.open(token)
	assert.True(t, ok)
	assert.Equal(t, notify.Recipient{Tenant: "t", ID: "ann"}, r)
	assert.Equal(t, "p", provider)
	assert.NotEqual(t, token, after.token(r, "p"))
	_, _, ok = before.open(after.token(r, "p"))
	assert.False(t, ok)
}

func TestUnsubscribe_partsOfATokenCannotMove(t *testing.T) {
	u, err := NewUnsubscribe("https://app.example/", bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	assert.NotEqual(t, u.token(notify.Recipient{Tenant: "ab", ID: "c"}, "p"), u.token(notify.Recipient{Tenant: "a", ID: "bc"}, "p"))
}

func TestNewUnsubscribe_refusesWhatIsNoBaseOrSecret(t *testing.T) {
	good := bytes.Repeat([]byte{1}, 32)
	for _, base := range []string{"", "/notify", "ftp://app.example", "https://u:p@app.example/", "https://app.example/?x=1", "https:///x"} {
		_, err := NewUnsubscribe(base, good)
		assert.Error(t, err, base)
	}
	_, err := NewUnsubscribe("https://app.example")
	assert.Error(t, err)
	_, err = NewUnsubscribe("https://app.example", good[:31])
	assert.Error(t, err)
	assert.NotContains(t, err.Error(), string(good[:31]))
}

func TestUnsubscribe_meetsASaveAndTriesAgain(t *testing.T) {
	s := newSite(t)
	links := []string{s.opts.Unsubscribe.Link(notify.User("ann"), "billing"), s.opts.Unsubscribe.Link(notify.User("ann"), "leads"), s.opts.Unsubscribe.Link(notify.User("ann"), "")}
	var clicks sync.WaitGroup
	for _, link := range links {
		clicks.Go(func() { assert.Equal(t, http.StatusOK, s.click(link).Code) })
	}
	clicks.Wait()
	for _, provider := range []string{"billing", "leads", "chat"} {
		assert.Equal(t, notify.Off, s.mode("ann", provider), provider)
	}
}

func TestUnsubscribePage_speaksTheReadersLanguage(t *testing.T) {
	s := newSite(t)
	link := pathOf(t, s.opts.Unsubscribe.Link(notify.User("ann"), ""))
	for header, want := range map[string]string{"de-AT,en;q=0.5": "abbestellen", "ar": `dir="rtl"`, "xx, pt-BR;q=0.8": "e-mail diário", "": "Stop the daily"} {
		assert.Contains(t, s.do("GET", link, "", "Accept-Language", header).Body.String(), want, header)
	}
	assert.Equal(t, "ru", negotiate("en;q=0.1, ru;q=0.9, es;q=0"))
	assert.Equal(t, "en", negotiate("fr;q=nan, *;q=0.1"))
	for language, texts := range pageLanguages {
		assert.Contains(t, texts.ask, "%s", language)
		assert.Contains(t, texts.done, "%s", language)
		assert.NotEmpty(t, texts.askDaily+texts.doneDaily, language)
	}
}

// The letter is older than the new id of its provider.
func TestUnsubscribe_byAFormerIdHolds(t *testing.T) {
	s := newSite(t)
	_, err := s.n.SavePreferences(t.Context(), notify.User("ann"), notify.Preferences{
		Choices: map[string]map[string]notify.Mode{"leads": {notify.Email: notify.Immediate}},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, s.click(s.opts.Unsubscribe.Link(notify.User("ann"), "crm")).Code)
	assert.Equal(t, notify.Off, s.mode("ann", "leads"))
}

// Who has muted everything and then stops the daily e-mail gets none when the
// switch is on again.
func TestUnsubscribe_ofADigestHoldsBeyondAMute(t *testing.T) {
	s := newSite(t)
	_, err := s.n.SavePreferences(t.Context(), notify.User("ann"), notify.Preferences{Muted: true})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, s.click(s.opts.Unsubscribe.Link(notify.User("ann"), "")).Code)
	p, err := s.n.Preferences(t.Context(), notify.User("ann"))
	require.NoError(t, err)
	assert.True(t, p.Muted)
	p.Muted = false
	_, err = s.n.SavePreferences(t.Context(), notify.User("ann"), p)
	require.NoError(t, err)
	assert.Equal(t, notify.Off, s.mode("ann", "chat"))
	assert.Equal(t, notify.Immediate, s.mode("ann", "billing"))
}

func TestUnsubscribe_staysInItsTenant(t *testing.T) {
	s := newSite(t)
	here, there := notify.Recipient{Tenant: "acme", ID: "ann"}, notify.Recipient{Tenant: "other", ID: "ann"}
	for _, provider := range []string{"billing", ""} {
		require.Equal(t, http.StatusOK, s.click(s.opts.Unsubscribe.Link(here, provider)).Code)
	}
	for r, want := range map[notify.Recipient]notify.Mode{here: notify.Off, there: notify.Immediate, notify.User("ann"): notify.Immediate} {
		decisions, err := s.n.Explain(t.Context(), notify.Notification{Provider: "billing", Title: "x"}, r)
		require.NoError(t, err)
		for _, d := range decisions {
			if d.Channel == notify.Email {
				assert.Equal(t, want, d.Mode, r)
			}
		}
	}
}
