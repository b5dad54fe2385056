package notify

import (
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
