package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Whatever comes from outside is hostile. These targets say what is left of it
// after our checks.

func FuzzStorable(f *testing.F) {
	f.Add("550 5.1.1 no such user\r\nRCPT TO: bcc\x00")
	f.Add(strings.Repeat("\xff", maxErrorBytes+3))
	f.Add(strings.Repeat("é", maxErrorBytes))
	f.Fuzz(func(t *testing.T, text string) {
		kept := storable(text)
		require.LessOrEqual(t, len(kept), maxErrorBytes)
		require.True(t, utf8.ValidString(kept))
		require.False(t, strings.ContainsFunc(kept, unicode.IsControl))
		require.Equal(t, kept, storable(kept), "once is enough")
	})
}

func FuzzLoadZone(f *testing.F) {
	for _, name := range []string{"Europe/Berlin", "../../etc/passwd", "/etc/localtime", "Local", "Etc/GMT+5", "UTC\x00", "America/Argentina/Ushuaia"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		loc, err := loadZone(name)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			require.Less(t, len(err.Error()), 500)
			return
		}
		require.Equal(t, name, loc.String())
		require.NotContains(t, name, "..")
		require.False(t, strings.HasPrefix(name, "/"))
		cut := DailyAt("").Next(time.Unix(0, 0), time.Time{}, "", loc)
		require.True(t, cut.After(time.Unix(0, 0)))
	})
}

func FuzzParseClock(f *testing.F) {
	for _, clock := range []string{"18:00", "24:00", "7:30", "07:3", "0x:10", "００:００", "23:59 "} {
		f.Add(clock)
	}
	f.Fuzz(func(t *testing.T, clock string) {
		hour, minute, err := parseClock(clock)
		parsed, asTime := time.Parse("15:04", clock)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			require.True(t, asTime != nil || len(clock) != 5, "%q is a clock time", clock)
			return
		}
		require.NoError(t, asTime)
		require.Equal(t, []int{parsed.Hour(), parsed.Minute()}, []int{hour, minute})
	})
}

func FuzzNormalize(f *testing.F) {
	f.Add("billing", "Title", "Body\n", "https://example.org/", "k", `{"a":1}`, "acme", "ann", int64(0))
	f.Add("b\r\n", "\x00", "\u202e", "javascript:alert(1)", strings.Repeat("k", 191), `{`, "\xff", "", int64(-1))
	f.Fuzz(func(t *testing.T, provider, title, body, link, key, data, tenant, id string, micros int64) {
		note := Notification{
			Provider: provider, Title: title, Body: body, URL: link, Icon: link, Key: key, CollapseKey: key, Entity: key,
			Rows: []Row{{Label: title, Text: body}}, Actions: []Action{{Key: "open", Title: title, URL: link}},
			To: []Recipient{{tenant, id}, {tenant, id}}, OccurredAt: time.UnixMicro(micros), ExpiresAt: time.UnixMicro(micros),
		}
		if data != "" {
			note.Data = json.RawMessage(data)
		}
		valid, err := normalize(note, nil)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			require.NotContains(t, err.Error(), "\x00")
			return
		}
		require.Equal(t, []Recipient{{tenant, id}}, valid.To, "each once")
		for _, name := range []string{valid.Provider, valid.Key, valid.Entity, tenant, id} {
			require.LessOrEqual(t, len(name), maxIdentifier)
			require.False(t, strings.ContainsFunc(name, unicode.IsControl), "%q", name)
		}
		for _, text := range []string{valid.Title, valid.Body, valid.URL} {
			require.True(t, utf8.ValidString(text))
			require.NotContains(t, text, "\x00")
		}
		require.NotContains(t, valid.Title+valid.URL, "\n")
		require.NotContains(t, strings.ToLower(valid.URL), "javascript:")
		require.True(t, data == "" || json.Valid(valid.Data))
		again, err := normalize(valid, nil)
		require.NoError(t, err)
		require.Equal(t, fingerprint(valid), fingerprint(again), "what is sent again is the same")
	})
}
