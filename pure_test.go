package notify

import (
	"net/url"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFingerprint_dependsOnEveryField(t *testing.T) {
	base := Notification{
		Tenant: "t", Provider: "p", To: []Recipient{{"t", "a"}}, Title: "x",
		Rows: []Row{{"l", "t"}}, Actions: []Action{{"k", "t", "u"}}, Data: []byte(`{"a":1}`),
		OccurredAt: time.Unix(1, 0), ExpiresAt: time.Unix(3, 0),
	}
	seen := map[string]string{fingerprint(base): "nothing"}
	note := func(field string, n Notification) {
		sum := fingerprint(n)
		assert.NotContains(t, seen, sum, "%s counts no more than %s", field, seen[sum])
		seen[sum] = field
	}
	v := reflect.ValueOf(base)
	for i := range v.NumField() {
		changed := base
		f := reflect.ValueOf(&changed).Elem().Field(i)
		switch f.Interface().(type) {
		case string:
			f.SetString(f.String() + "!")
		case bool:
			f.SetBool(!f.Bool())
		case Priority:
			f.SetInt(f.Int() + 1)
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(7, 0)))
		case Recipient:
			f.Set(reflect.ValueOf(Recipient{"t", "actor"}))
		case []Recipient:
			f.Set(reflect.ValueOf([]Recipient{{"t", "a"}, {"t", "b"}}))
		default:
			f.Set(reflect.Zero(f.Type()))
		}
		note(v.Type().Field(i).Name, changed)
	}
	shifted := base
	shifted.Title, shifted.Body = "", "x"
	note("what is in which field", shifted)
	split := base
	split.Rows = []Row{{"lt", ""}}
	note("where a row is split", split)
	again := base
	again.To = slices.Clone(base.To)
	assert.Equal(t, fingerprint(base), fingerprint(again))
}

func TestID_growsAndIsVersion7(t *testing.T) {
	var source idSource
	last := ID("")
	for range 10_000 {
		id := source.next()
		require.True(t, id.wellFormed(), id)
		require.Equal(t, byte('7'), id[14])
		require.Contains(t, "89ab", string(id[19]))
		require.Greater(t, id, last)
		last = id
	}
}

func TestStandardResolver_firstMatchDecides(t *testing.T) {
	on := ChannelInfo{Name: Email, Registered: true, Digest: true, Default: Immediate}
	base := func() Question {
		return Question{
			Provider: Provider{ID: "p", Forced: []string{Email}, Defaults: map[string]Mode{Email: Daily}, Aliases: []string{"old"}},
			Preferences: Preferences{
				Muted: true, Channels: map[string]Mode{Email: Daily}, Choices: map[string]map[string]Mode{"p": {Email: Immediate}},
			},
			Erased: true, Silent: true, Actor: true,
			Channels: []ChannelInfo{on},
		}
	}
	q := base()
	q.Channels[0].Registered = false
	steps := []struct {
		rule   string
		mode   Mode
		remove func()
	}{
		{RuleErased, Off, func() { q.Erased = false }},
		{RuleUnknownChannel, Off, func() { q.Channels[0].Registered = true }},
		{RuleSilent, Off, func() { q.Silent = false }},
		{RuleActor, Off, func() { q.Actor = false }},
		{RuleForced, Immediate, func() { q.Provider.Forced = nil }},
		{RuleMuted, Off, func() { q.Preferences.Muted = false }},
		{RuleChoice, Immediate, func() { q.Preferences.Choices = map[string]map[string]Mode{"old": {Email: Off}} }},
		{RuleChoice, Off, func() { q.Preferences.Choices = nil }},
		{RuleChannel, Daily, func() { q.Preferences.Channels = nil }},
		{RuleProviderDefault, Daily, func() { q.Provider.Defaults = nil }},
		{RuleDefault, Immediate, func() { q.Channels[0].Default = Default }},
		{RuleOff, Off, func() {}},
	}
	for _, step := range steps {
		d := StandardResolver{}.Resolve(q)
		require.Len(t, d, 2)
		assert.Equal(t, Decision{Email, step.mode, step.rule}, d[1])
		assert.Equal(t, Interface, d[0].Channel)
		assert.Equal(t, q.Erased, d[0].Mode == Off, "the interface is on for whoever is not erased")
		step.remove()
	}
	q = base()
	q.Erased, q.Silent, q.Actor, q.Provider.Forced, q.Preferences = false, false, false, nil, Preferences{}
	q.Channels[0].Digest = false
	assert.Equal(t, Immediate, StandardResolver{}.Resolve(q)[1].Mode, "daily where there are no digests")
}

func FuzzStandardResolver(f *testing.F) {
	f.Add("off", "daily", "weekly", uint8(0))
	f.Fuzz(func(t *testing.T, choice, channel, fallback string, flags uint8) {
		q := Question{
			Silent: flags&1 > 0, Actor: flags&2 > 0, Erased: flags&4 > 0,
			Provider: Provider{ID: "p", Defaults: map[string]Mode{Email: Mode(fallback), Interface: Mode(choice)}},
			Preferences: Preferences{
				Muted:    flags&8 > 0,
				Channels: map[string]Mode{Email: Mode(channel), Interface: Mode(choice)},
				Choices:  map[string]map[string]Mode{"p": {Email: Mode(choice), Interface: Mode(choice)}},
			},
			Channels: []ChannelInfo{{Name: Email, Registered: flags&16 > 0, Digest: flags&32 > 0, Default: Mode(fallback)}, {Name: Interface}},
		}
		first, second := StandardResolver{}.Resolve(q), StandardResolver{}.Resolve(q)
		require.Equal(t, first, second)
		require.Len(t, first, 2)
		require.Equal(t, Decision{Interface, Immediate, RuleInterface}, first[0].unless(q.Erased))
		require.Contains(t, []Mode{Off, Immediate, Daily}, first[1].Mode)
		require.NotEmpty(t, first[1].Rule)
	})
}

// unless makes the decision on an erased recipient look like any other's.
func (d Decision) unless(erased bool) Decision {
	if erased && d == (Decision{Interface, Off, RuleErased}) {
		return Decision{Interface, Immediate, RuleInterface}
	}
	return d
}

func FuzzCursor(f *testing.F) {
	r := Recipient{"t", "a"}
	f.Add(encodeCursor(r, Position{time.Unix(1, 0), "01977420-dc07-7007-8000-000000000007"}))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := decodeCursor("Cursor", r, cursor)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		if cursor != "" {
			require.Equal(t, cursor, encodeCursor(r, p))
			_, err = decodeCursor("Cursor", Recipient{"t", "b"}, cursor)
			require.ErrorIs(t, err, ErrInvalid)
		}
	})
}

func FuzzNormalize(f *testing.F) {
	f.Add("t", "billing", "ann", "Title", "Body\n", "/x", "k", `{"a":1}`, int64(5))
	f.Add("", "p", "a", "a\u0085", "\x00", "javascript:x", "\xff", `{`, int64(-1))
	base, _ := url.Parse("https://app.example/")
	f.Fuzz(func(t *testing.T, tenant, provider, id, title, body, link, key, data string, at int64) {
		n := Notification{
			Provider: provider, To: []Recipient{{tenant, id}, {tenant, id + "2"}, {tenant, id}}, Title: title, Body: body, URL: link,
			Key: key, Entity: key, Data: []byte(data), Actor: Recipient{ID: id}, NotBefore: time.UnixMicro(at), Priority: Priority(at % 3),
			Rows: []Row{{key, body}}, Actions: []Action{{key, title, link}},
		}
		valid, err := normalize(n, base)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		require.Equal(t, tenant, valid.Tenant)
		require.Len(t, valid.To, 2)
		require.LessOrEqual(t, max(len(provider), len(id), len(tenant), len(key)), maxIdentifier)
		for _, text := range []string{tenant, provider, id, title, key, link} {
			require.NotContains(t, text, "\x00")
			require.NotContains(t, text, "\n")
			require.True(t, utf8.ValidString(text))
		}
		again, err := normalize(valid, base)
		require.NoError(t, err)
		require.Equal(t, fingerprint(valid), fingerprint(again), "a second time changes nothing")
	})
}

func FuzzNormalizeURL(f *testing.F) {
	for _, link := range []string{"https://a.example/x", "javascript:alert(1)", "//a", "mailto:a@b", "https:a", "HTTPS://A", "/x"} {
		f.Add(link)
	}
	f.Fuzz(func(t *testing.T, link string) {
		if checkURL("URL", link, nil, "http", "https", "mailto") != nil || link == "" {
			return
		}
		require.Regexp(t, `^(?i:https?://[^/?#\s]|mailto:\S)`, link)
		require.NotContains(t, link, "\n")
	})
}

func TestBackoff_growsUpToItsCapWithFullJitter(t *testing.T) {
	b := Backoff{}
	assert.Equal(t, []time.Duration{time.Minute, 4 * time.Minute, 16 * time.Minute, 64 * time.Minute, 256 * time.Minute, 6 * time.Hour, 6 * time.Hour},
		[]time.Duration{b.ceiling(1), b.ceiling(2), b.ceiling(3), b.ceiling(4), b.ceiling(5), b.ceiling(6), b.ceiling(1000)})
	assert.Equal(t, 30*time.Second, jittered(time.Minute, 0.5))
	assert.Equal(t, minWait, jittered(time.Minute, 0))
	_, again := b.Next(8, 0)
	assert.False(t, again)
	_, again = b.Next(1, 24*time.Hour)
	assert.False(t, again)
	distinct := map[time.Duration]bool{}
	for range 20 {
		wait, again := b.Next(3, time.Hour)
		assert.True(t, again)
		assert.LessOrEqual(t, wait, 16*time.Minute)
		distinct[wait] = true
	}
	assert.Greater(t, len(distinct), 10, "what failed together does not come back together")
}

func TestLogLimit_allowsABurstAndThenOneASecond(t *testing.T) { // R28
	synctest.Test(t, func(t *testing.T) {
		var l logLimit
		lines := func() (count int) {
			for range 1000 {
				if l.allow() {
					count++
				}
			}
			return count
		}
		assert.Equal(t, 20, lines())
		time.Sleep(5 * time.Second)
		assert.Equal(t, 5, lines())
		time.Sleep(time.Hour)
		assert.Equal(t, 20, lines())
	})
}

func TestLane_urgentFirstAndForManyLast(t *testing.T) { // R26
	n := Notifier{inlineFanOut: 2}
	many := []Recipient{{"", "a"}, {"", "b"}, {"", "c"}}
	for lane, notes := range map[Lane][]Notification{
		LaneUrgent: {{Priority: High, To: many}, {Priority: High, Audience: "all"}},
		LaneNormal: {{To: many[:2]}},
		LaneBulk:   {{To: many}, {Audience: "all"}, {Priority: Low, To: many[:1]}},
	} {
		for _, note := range notes {
			assert.Equal(t, lane, n.laneOf(note))
		}
	}
}

func TestBucket_tellsTenantsAndProvidersApart(t *testing.T) { // R26
	assert.Equal(t, bucket("acme", "billing"), bucket("acme", "billing"))
	used := map[int]bool{}
	for i := range 1000 {
		b := bucket("acme", string(rune('a'+i%26))+string(rune('a'+i/26)))
		assert.True(t, 0 <= b && b < 256)
		used[b] = true
	}
	assert.Greater(t, len(used), 200)
	assert.NotEqual(t, bucket("ab", "c"), bucket("a", "bc"))
}
