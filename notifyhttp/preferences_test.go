package notifyhttp

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

const preferencesPath = "/notify/api/v1/preferences"

func (s *site) preferences() (preferencesJSON, string) {
	s.t.Helper()
	got := s.do("GET", preferencesPath, "")
	var d preferencesJSON
	got.into(&d)
	return d, got.Header().Get("ETag")
}

func (d preferencesJSON) row(key string) providerChoicesJSON {
	for _, p := range d.Providers {
		if p.Key == key {
			return p
		}
	}
	return providerChoicesJSON{}
}

func TestPreferences_showWhatHoldsAndWhy(t *testing.T) {
	s := newSite(t)
	d, tag := s.preferences()
	assert.Regexp(t, `^"0\.`, tag)
	assert.True(t, d.Enabled)
	assert.Equal(t, digestJSON{HoldsAt: "18:00", HoldsIn: "UTC"}, d.Digest)
	assert.Equal(t, []string{"billing", "chat", "leads"}, d.keys())
	require.Len(t, d.Channels, 4)
	assert.Equal(t, channelJSON{Key: "interface", Locked: true, Reachable: true}, d.Channels[0])
	assert.True(t, d.Channels[1].Daily)
	assert.False(t, d.Channels[2].Reachable, "no browser is registered")
	assert.Equal(t, cellJSON{Mode: notify.Immediate, On: true, Unmuted: notify.Immediate, Rule: "interface", Locked: true}, d.row("billing").Channels["interface"])
	assert.Equal(t, cellJSON{Mode: notify.Immediate, On: true, Unmuted: notify.Immediate, Rule: "forced", Locked: true}, d.row("billing").Channels["mobile"])
	assert.Equal(t, cellJSON{Mode: notify.Daily, On: true, Unmuted: notify.Daily, Rule: "provider default"}, d.row("chat").Channels["email"])
}

func TestPreferences_saveKeepsWhatTheFormLeavesOut(t *testing.T) {
	s := newSite(t)
	_, tag := s.preferences()
	got := s.do("PUT", preferencesPath, `{
		"enabled": false,
		"digest": {"at": "07:30", "time_zone": "Asia/Kolkata"},
		"channels": {"interface": "immediate", "email": "daily"},
		"providers": [
			{"key": "leads", "channels": {"interface": "", "email": "off", "browser": "immediate"}},
			{"key": "billing", "channels": {"mobile": "immediate"}}
		]
	}`, "If-Match", tag)
	require.Equal(t, http.StatusOK, got.Code, "%s", got.Body)
	assert.Regexp(t, `^"1\.`, got.Header().Get("ETag"))
	p, err := s.n.Preferences(t.Context(), notify.User("ann"))
	require.NoError(t, err)
	assert.Equal(t, notify.Preferences{
		Version: 1, Muted: true, Order: []string{"leads", "chat", "billing"}, DigestAt: "07:30", TimeZone: "Asia/Kolkata",
		Channels: map[string]notify.Mode{"email": notify.Daily},
		Choices:  map[string]map[string]notify.Mode{"leads": {"email": notify.Off, "browser": notify.Immediate}},
	}, p)

	d, tag := s.preferences()
	assert.Equal(t, []string{"leads", "chat", "billing"}, d.keys())
	got = s.do("PUT", preferencesPath, `{"enabled":true,"providers":[{"key":"leads","channels":{"browser":""}}]}`, "If-Match", tag)
	require.Equal(t, http.StatusOK, got.Code, "%s", got.Body)
	p, err = s.n.Preferences(t.Context(), notify.User("ann"))
	require.NoError(t, err)
	assert.False(t, p.Muted)
	assert.Equal(t, "07:30", p.DigestAt)
	assert.Equal(t, map[string]map[string]notify.Mode{"leads": {"email": notify.Off}}, p.Choices)
}

func TestPreferences_aFormMustSayWhatItShows(t *testing.T) {
	s := newSite(t)
	_, tag := s.preferences()
	s.do("PUT", preferencesPath, `{"enabled":false}`).problem(http.StatusPreconditionRequired, "precondition-required")
	require.Equal(t, http.StatusOK, s.do("PUT", preferencesPath, `{"enabled":false}`, "If-Match", tag).Code)

	stale := s.do("PUT", preferencesPath, `{"enabled":true}`, "If-Match", tag)
	p := stale.problem(http.StatusPreconditionFailed, "stale-version")
	current := p.Current.(map[string]any)
	assert.Equal(t, 1.0, current["version"])
	assert.Equal(t, false, current["enabled"])
	d, fresh := s.preferences()
	assert.False(t, d.Enabled, "a stale form must not save")
	assert.Equal(t, http.StatusNotModified, s.do("GET", preferencesPath, "", "If-None-Match", fresh).Code)
}

func TestPreferences_aSwitchSavesByItself(t *testing.T) {
	s := newSite(t)
	got := s.do("PATCH", preferencesPath, `{"providers":[{"key":"chat","channels":{"email":"off"}}]}`, "Content-Type", "application/merge-patch+json")
	require.Equal(t, http.StatusOK, got.Code, "%s", got.Body)
	d, _ := s.preferences()
	assert.Equal(t, cellJSON{Choice: notify.Off, Mode: notify.Off, Unmuted: notify.Off, Rule: "choice"}, d.row("chat").Channels["email"])
	assert.Equal(t, []string{"billing", "chat", "leads"}, d.keys(), "naming one provider is no order")
	s.do("PATCH", preferencesPath, `{"enabled":false}`, "If-Match", `"7.x"`).problem(http.StatusPreconditionFailed, "stale-version")
}

func TestPreferences_refuseByFieldAndSaveNothing(t *testing.T) {
	s := newSite(t)
	_, tag := s.preferences()
	for body, pointer := range map[string]string{
		`{"enabled":false,"providers":[{"key":"chat","channels":{"fax":"immediate"}}]}`: "/providers/0/channels/fax",
		`{"enabled":false,"providers":[{"key":"chat"},{"key":"nobody","channels":{}}]}`: "/providers/1/key",
		`{"enabled":false,"providers":[{"key":"chat"},{"key":"chat"}]}`:                 "/providers/1/key",
		`{"enabled":false,"providers":[{"key":"chat","channels":{"interface":"off"}}]}`: "/providers/0/channels/interface",
		`{"enabled":false,"providers":[{"key":"billing","channels":{"mobile":"off"}}]}`: "/providers/0/channels/mobile",
		`{"enabled":false,"providers":[{"key":"chat","channels":{"email":"weekly"}}]}`:  "/providers/0/channels/email",
		`{"enabled":false,"channels":{"interface":"off"}}`:                              "/channels/interface",
		`{"enabled":false,"channels":{"fax":"daily"}}`:                                  "/channels/fax",
		`{"enabled":false,"digest":{"at":"24:61"}}`:                                     "/digest/at",
		`{"enabled":false,"digest":{"time_zone":"Mars/Phobos"}}`:                        "/digest/time_zone",
		`{"enabled":"no"}`: "/enabled",
	} {
		got := s.do("PUT", preferencesPath, body, "If-Match", tag)
		require.Equal(t, http.StatusUnprocessableEntity, got.Code, "%s: %s", body, got.Body)
		var p Problem
		require.NoError(t, json.Unmarshal(got.Body.Bytes(), &p))
		require.Len(t, p.Errors, 1, body)
		assert.Equal(t, pointer, p.Errors[0].Pointer, body)
	}
	d, _ := s.preferences()
	assert.True(t, d.Enabled)
	assert.Zero(t, d.Version)
}

func TestPreferences_aFormerIdOfAProviderIsItsOwn(t *testing.T) {
	s := newSite(t)
	_, err := s.n.SavePreferences(t.Context(), notify.User("ann"), notify.Preferences{
		Choices: map[string]map[string]notify.Mode{"crm": {notify.Email: notify.Off}},
	})
	require.NoError(t, err)
	d, _ := s.preferences()
	assert.Equal(t, notify.Off, d.row("leads").Channels["email"].Choice)
	got := s.do("PATCH", preferencesPath, `{"providers":[{"key":"leads","channels":{"email":""}}]}`)
	require.Equal(t, http.StatusOK, got.Code, "%s", got.Body)
	d, _ = s.preferences()
	assert.Equal(t, notify.Default, d.row("leads").Channels["email"].Choice)
}

func TestTest_sendsAndSaysWhyNot(t *testing.T) {
	s := newSite(t)
	path := preferencesPath + "/test"
	got := s.do("POST", path, `{"channel":"email","title":"Probe","provider":"leads"}`)
	require.Equal(t, http.StatusAccepted, got.Code, "%s", got.Body)
	assert.Equal(t, []string{"Probe"}, s.list("").titles())
	require.NoError(t, s.n.Drain(t.Context()))
	require.Len(t, s.mail.Sent(), 1)
	assert.Equal(t, []string{"Probe"}, s.mail.Sent()[0].Titles())

	again := s.do("POST", path, `{"channel":"email"}`)
	again.problem(http.StatusTooManyRequests, "too-many-requests")
	assert.Equal(t, "10", again.Header().Get("Retry-After"))
	s.do("POST", path, `{"channel":"fax"}`, "X-User", "bob").problem(http.StatusUnprocessableEntity, "invalid")
	p := s.do("POST", path, `{"channel":"email","provider":"nobody"}`, "X-User", "bob").problem(http.StatusUnprocessableEntity, "invalid")
	assert.Equal(t, "/provider", p.Errors[0].Pointer)
	s.do("PATCH", preferencesPath, `{"enabled":false}`, "X-User", "bob")
	p = s.do("POST", path, `{"channel":"email"}`, "X-User", "bob").problem(http.StatusConflict, "channel-off")
	assert.Equal(t, "muted", p.Errors[0].Detail)
}

func TestExplain_isAboutOneself(t *testing.T) {
	s := newSite(t)
	got := s.do("GET", "/notify/api/v1/explain?provider=chat", "")
	assert.JSONEq(t, `{"decisions":[
		{"channel":"interface","mode":"immediate","rule":"interface"},
		{"channel":"email","mode":"daily","rule":"provider default"},
		{"channel":"browser","mode":"immediate","rule":"default"},
		{"channel":"mobile","mode":"immediate","rule":"default"}]}`, got.Body.String())
	p := s.do("GET", "/notify/api/v1/explain?provider=nobody", "").problem(http.StatusBadRequest, "invalid-query")
	assert.Equal(t, "?provider", p.Errors[0].Pointer)
}

func TestSubscriptions_areKeptAndNeverShown(t *testing.T) {
	s := newSite(t)
	path := "/notify/api/v1/push/subscriptions"
	assert.JSONEq(t, `{"vapid_public_key":"BPublicKey"}`, s.do("GET", "/notify/api/v1/push", "").Body.String())
	body := `{"endpoint":"https://push.example/1","expirationTime":null,"keys":{"p256dh":"K","auth":"A"},"device_name":"Firefox","locale":"de"}`
	first := s.do("PUT", path, body)
	require.Equal(t, http.StatusCreated, first.Code, "%s", first.Body)
	assert.Equal(t, http.StatusOK, s.do("PUT", path, body).Code)
	assert.NotContains(t, first.Body.String(), "push.example")
	replaced := s.do("PUT", path, `{"endpoint":"https://push.example/2","keys":{"p256dh":"K2","auth":"A2"},"replaces":"https://push.example/1","device_name":"Firefox"}`)
	require.Equal(t, http.StatusCreated, replaced.Code)

	listed := s.do("GET", path, "")
	items := listed.json()["items"].([]any)
	require.Len(t, items, 1, "%s", listed.Body)
	assert.NotContains(t, listed.Body.String(), "push.example")
	assert.NotContains(t, listed.Body.String(), "K2")
	id := items[0].(map[string]any)["id"].(string)

	s.do("PUT", path, `{"endpoint":"https://push.example/2","keys":{"p256dh":"other","auth":"A2"}}`, "X-User", "bob").
		problem(http.StatusConflict, "conflict")
	s.do("DELETE", path+"/"+id, "", "X-User", "bob").problem(http.StatusNotFound, "not-found")
	s.do("DELETE", "/notify/api/v1/devices/"+id, "").problem(http.StatusNotFound, "not-found")
	assert.Equal(t, http.StatusNoContent, s.do("DELETE", path+"/"+id, "").Code)
	p := s.do("PUT", path, `{"endpoint":"http://push.example/1","keys":{"p256dh":"K","auth":"A"}}`).problem(http.StatusUnprocessableEntity, "invalid")
	assert.Equal(t, "/endpoint", p.Errors[0].Pointer)
}

func TestDevices_areKeptWithTheirPlatform(t *testing.T) {
	s := newSite(t)
	got := s.do("PUT", "/notify/api/v1/devices", `{"platform":"apns","token":"abc","app_id":"org.example","environment":"sandbox","device_name":"Phone","locale":"ar"}`)
	require.Equal(t, http.StatusCreated, got.Code, "%s", got.Body)
	all, err := s.n.Addresses(t.Context(), notify.User("ann"))
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, notify.Mobile, all[0].Address.Channel)
	assert.JSONEq(t, `{"platform":"apns","app":"org.example","environment":"sandbox"}`, string(all[0].Address.Meta))
	assert.Len(t, s.do("GET", "/notify/api/v1/devices", "").json()["items"], 1)
}

func TestDevices_areRefusedByTheirField(t *testing.T) {
	s := newSite(t)
	p := s.do("PUT", "/notify/api/v1/devices", `{"platform":"apns","token":""}`).problem(http.StatusUnprocessableEntity, "invalid")
	assert.Equal(t, "/token", p.Errors[0].Pointer)
	p = s.do("PUT", "/notify/api/v1/devices", `{"platform":"apns","token":"abc","device_name":"`+strings.Repeat("x", 200)+`"}`).problem(http.StatusUnprocessableEntity, "invalid")
	assert.Equal(t, "/device_name", p.Errors[0].Pointer)
}

func TestPush_isNotKept(t *testing.T) {
	s := newSite(t)
	assert.Equal(t, "no-store", s.do("GET", "/notify/api/v1/push", "").Header().Get("Cache-Control"))
}

// While everything is muted a page shows what returns with the switch.
func TestPreferences_showWhatAMuteHides(t *testing.T) {
	s := newSite(t)
	got := s.do("PATCH", preferencesPath, `{"enabled":false,"channels":{"browser":"off"}}`)
	require.Equal(t, http.StatusOK, got.Code, "%s", got.Body)
	d, _ := s.preferences()
	assert.Equal(t, notify.Off, d.row("chat").Channels["email"].Mode)
	assert.Equal(t, notify.Daily, d.row("chat").Channels["email"].Unmuted)
	assert.Equal(t, notify.Off, d.row("chat").Channels["browser"].Unmuted)
	assert.Equal(t, notify.Immediate, d.row("billing").Channels["mobile"].Unmuted)
	assert.Equal(t, notify.Immediate, d.row("chat").Channels["interface"].Unmuted)
}
