package notify

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func zoneNamed(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := loadZone(name)
	require.NoError(t, err)
	return loc
}

func instantOf(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	require.NoError(t, err)
	return at.UTC()
}

// Each row is a date on which a naive answer goes wrong: what is expected is
// the run of cuts that follow the instant after.
func TestDailyAtNamedTraps(t *testing.T) {
	tests := []struct {
		name  string
		zone  string
		at    string
		after string
		want  []string
	}{
		{"a plain day", "Europe/Berlin", "18:00", "2026-01-05T12:00:00Z", []string{"2026-01-05T17:00:00Z", "2026-01-06T17:00:00Z"}},
		{"gap in New York", "America/New_York", "02:30", "2026-03-07T12:00:00Z", []string{"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
		{"gap in Berlin", "Europe/Berlin", "02:30", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		{"the end of the gap itself", "Europe/Berlin", "03:00", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
		{"overlap in New York", "America/New_York", "01:30", "2026-10-31T12:00:00Z", []string{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
		{"overlap in Berlin", "Europe/Berlin", "02:30", "2026-10-24T12:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"from within an overlap", "Europe/Berlin", "02:30", "2026-10-25T00:45:00Z", []string{"2026-10-26T01:30:00Z"}},
		{"a gap of 30 minutes", "Australia/Lord_Howe", "02:15", "2026-10-03T00:00:00Z", []string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
		{"an overlap of 30 minutes", "Australia/Lord_Howe", "01:45", "2026-04-04T00:00:00Z", []string{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
		{"a shift of two hours", "Antarctica/Troll", "02:00", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
		{"no midnight in Sao Paulo", "America/Sao_Paulo", "00:00", "2018-11-03T12:00:00Z", []string{"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
		{"midnight undone in Sao Paulo", "America/Sao_Paulo", "23:30", "2018-02-17T12:00:00Z", []string{"2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"}},
		{"no midnight in Beirut", "Asia/Beirut", "00:30", "2026-03-28T12:00:00Z", []string{"2026-03-28T22:00:00Z", "2026-03-29T21:30:00Z"}},
		{"no midnight in Cairo", "Africa/Cairo", "00:00", "2024-04-25T12:00:00Z", []string{"2024-04-25T22:00:00Z", "2024-04-26T21:00:00Z"}},
		{"no midnight in Havana", "America/Havana", "00:15", "2026-03-07T12:00:00Z", []string{"2026-03-08T05:00:00Z", "2026-03-09T04:15:00Z"}},
		{"a minute of the date before it comes back", "America/St_Johns", "00:00", "2010-11-06T12:00:00Z", []string{"2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"}},
		{"the hour before it comes back", "America/St_Johns", "23:30", "2010-11-06T12:00:00Z", []string{"2010-11-07T02:00:00Z", "2010-11-08T03:00:00Z"}},
		{"no 30 December in Apia", "Pacific/Apia", "18:00", "2011-12-29T12:00:00Z", []string{"2011-12-30T04:00:00Z", "2011-12-31T04:00:00Z"}},
		{"no 30 December, at midnight", "Pacific/Apia", "00:00", "2011-12-29T00:00:00Z", []string{"2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"}},
		{"no 21 August in Kwajalein", "Pacific/Kwajalein", "18:00", "1993-08-21T00:00:00Z", []string{"1993-08-21T06:00:00Z", "1993-08-22T06:00:00Z"}},
		{"30 September twice in Kwajalein", "Pacific/Kwajalein", "18:00", "1969-09-30T00:00:00Z", []string{"1969-09-30T07:00:00Z", "1969-10-02T06:00:00Z"}},
		{"a gap up to midnight", "America/Nuuk", "23:30", "2024-03-30T12:00:00Z", []string{"2024-03-31T01:00:00Z", "2024-04-02T00:30:00Z"}},
		{"a gap over midnight", "America/Toronto", "23:45", "1919-03-30T12:00:00Z", []string{"1919-03-31T04:30:00Z", "1919-04-02T03:45:00Z"}},
		{"an offset with seconds", "Africa/Monrovia", "18:00", "1971-06-01T00:00:00Z", []string{"1971-06-01T18:44:30Z", "1971-06-02T18:44:30Z"}},
		{"a gap of 44 minutes and 30 seconds", "Africa/Monrovia", "00:15", "1972-01-06T12:00:00Z", []string{"1972-01-07T00:44:30Z", "1972-01-08T00:15:00Z"}},
		{"far from any table", "Europe/Berlin", "02:30", "2399-03-27T12:00:00Z", []string{"2399-03-28T01:00:00Z", "2399-03-29T00:30:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc := zoneNamed(t, tt.zone)
			after, lastCut := instantOf(t, tt.after), time.Time{}
			var got []string
			for range tt.want {
				cut := DailyAt(tt.at).Next(after, lastCut, "", loc)
				got = append(got, cut.Format(time.RFC3339Nano))
				after, lastCut = cut, cut
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestDailyAtKeepsItsDistanceFromTheLastCut(t *testing.T) {
	tests := []struct {
		name                string
		zone                string
		after, lastCut, at  string
		want                string
		wantWithoutALastCut string
	}{
		{"18:00 to 20:00 at 19:00", "UTC", "2026-01-05T19:00:00Z", "2026-01-05T18:00:00Z", "20:00", "2026-01-06T20:00:00Z", "2026-01-05T20:00:00Z"},
		{"18:00 to 09:00 at 08:00", "UTC", "2026-01-05T08:00:00Z", "2026-01-04T18:00:00Z", "09:00", "2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z"},
		{"New York to Tokyo, where that date was cut", "Asia/Tokyo", "2026-01-06T00:00:00Z", "2026-01-05T23:00:00Z", "18:00", "2026-01-07T09:00:00Z", "2026-01-06T09:00:00Z"},
		{"Tokyo to New York", "America/New_York", "2026-01-06T10:00:00Z", "2026-01-06T09:00:00Z", "18:00", "2026-01-07T23:00:00Z", "2026-01-06T23:00:00Z"},
		{"another date but 40 minutes", "UTC", "2026-01-05T23:45:00Z", "2026-01-05T23:30:00Z", "00:10", "2026-01-07T00:10:00Z", "2026-01-06T00:10:00Z"},
		{"another date and just an hour", "UTC", "2026-01-05T23:45:00Z", "2026-01-05T23:30:00Z", "00:30", "2026-01-06T00:30:00Z", "2026-01-06T00:30:00Z"},
		{"a last cut long ago", "UTC", "2026-01-05T19:00:00Z", "2019-01-05T18:00:00Z", "20:00", "2026-01-05T20:00:00Z", "2026-01-05T20:00:00Z"},
		{"a last cut to come", "UTC", "2026-01-05T19:00:00Z", "2027-01-05T18:00:00Z", "20:00", "2027-01-06T20:00:00Z", "2026-01-05T20:00:00Z"},
		{"strictly after", "UTC", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "18:00", "2026-01-06T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"a microsecond before", "UTC", "2026-01-05T17:59:59.999999Z", "2026-01-04T18:00:00Z", "18:00", "2026-01-05T18:00:00Z", "2026-01-05T18:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc := zoneNamed(t, tt.zone)
			got := DailyAt("").Next(instantOf(t, tt.after), instantOf(t, tt.lastCut), tt.at, loc)
			assert.Equal(t, instantOf(t, tt.want), got)
			got = DailyAt("").Next(instantOf(t, tt.after), time.Time{}, tt.at, loc)
			assert.Equal(t, instantOf(t, tt.wantWithoutALastCut), got, "without a last cut")
		})
	}
}

func TestDailyAtChoosesTheClock(t *testing.T) {
	after := instantOf(t, "2026-01-05T00:00:00Z")
	next := func(d DailyAt, at string) string {
		return d.Next(after, time.Time{}, at, nil).Format("15:04")
	}
	assert.Equal(t, "18:00", next("", ""), "the zero value")
	assert.Equal(t, "07:30", next("07:30", ""), "the schedule's own")
	assert.Equal(t, "09:15", next("07:30", "09:15"), "the recipient's")
	assert.Equal(t, "07:30", next("07:30", "24:61"), "what is no clock time must not end a recipient's letters")
	assert.Equal(t, "09:15", next("noon", "09:15"))
	assert.Zero(t, DailyAt("noon").Next(after, time.Time{}, "", nil))
}

func TestParseClock(t *testing.T) {
	for minute := range 24 * 60 {
		s := time.Unix(int64(minute)*60, 0).UTC().Format("15:04")
		h, m, err := parseClock(s)
		require.NoError(t, err, s)
		require.Equal(t, minute, h*60+m, s)
	}
	for _, s := range []string{
		"", "24:00", "24:61", "09:60", "99:99", "9:00", "09:0", "0900", "09:00 ", " 9:00", "09:00:00", "+9:00", "-1:00",
		"09.00", "1:000", "0x:10", "٩:00", "09:00\x00", "0/:00", "0::00", "00:/0", "00:0:",
	} {
		_, _, err := parseClock(s)
		assert.ErrorIs(t, err, ErrInvalid, "%q", s)
		var bad *InvalidError
		assert.ErrorAs(t, err, &bad, "%q", s)
	}
}

// The sweep compares the cuts around changes of the offset with what reading
// the local clock minute by minute finds. NOTIFY_SWEEP=full goes through every
// change of every zone in two centuries; without it, a few years of each.
func TestDailyAtInEveryZone(t *testing.T) {
	clocks := []string{"00:00", "00:20", "01:45", "02:30", "12:00", "18:00", "23:30", "23:59"}
	random := rand.New(rand.NewPCG(1, 2))
	changes := 0
	for _, loc := range everyZone(t) {
		for _, change := range offsetChanges(loc, sweepYears(random)) {
			changes++
			reading := readClock(loc, change.Add(-40*time.Hour), change.Add(64*time.Hour), clocks)
			for _, at := range clocks {
				want := reading.cuts(at)
				require.NotEmpty(t, want)
				var got []time.Time
				cut, lastCut := want[0].Add(-time.Microsecond), time.Time{}
				for range want {
					cut = DailyAt(at).Next(cut, lastCut, "", loc)
					lastCut = cut
					got = append(got, cut)
				}
				if !assert.Equal(t, want, got, "%s at %s around %s", loc, at, change) {
					return
				}
				for _, cut := range want {
					again := DailyAt("").Next(cut.Add(-time.Microsecond), time.Time{}, at, loc)
					require.Equal(t, cut, again, "%s at %s, with no last cut", loc, at)
				}
			}
		}
	}
	t.Logf("%d changes of the clock", changes)
	assert.Greater(t, changes, 500, "the zone database was not there")
}

// A run of cuts in every zone, in some year: one for each local date, at its
// clock time unless that does not exist, each window where the one before ended.
func TestDailyAtTilesTime(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, loc := range everyZone(t) {
		year := 1900 + random.IntN(140)
		minute := random.IntN(24 * 60)
		at := time.Unix(int64(minute)*60, 0).UTC().Format("15:04")
		cut := DailyAt(at).Next(time.Date(year, 1, 1+random.IntN(365), 0, 0, 0, 0, time.UTC), time.Time{}, "", loc)
		odd := 0
		for range 100 {
			next := DailyAt(at).Next(cut, cut, "", loc)
			require.GreaterOrEqual(t, next.Sub(cut), time.Hour, "%s %s", loc, next)
			require.LessOrEqual(t, next.Sub(cut), 49*time.Hour, "%s %s", loc, next)
			require.Greater(t, dateOf(next, loc), dateOf(cut, loc), "%s", loc)
			if next.In(loc).Format(time.TimeOnly) != at+":00" {
				_, before := next.Add(-time.Second).In(loc).Zone()
				_, since := next.In(loc).Zone()
				require.Greater(t, since, before, "%s %s at %s is the end of no gap", loc, next, at)
				odd++
			}
			// Any instant of the window leads to the same cut.
			within := cut.Add(time.Duration(random.Int64N(int64(next.Sub(cut)))))
			require.Equal(t, next, DailyAt(at).Next(within, cut, "", loc), "%s from %s", loc, within)
			cut = next
		}
		require.LessOrEqual(t, odd, 4, "%s %d at %s", loc, year, at)
	}
}

func FuzzDailyAtNext(f *testing.F) {
	zones := everyZone(f)
	f.Add(int64(1774746000), int64(1774659600), uint16(0), uint16(150))
	f.Add(int64(1325239200), int64(0), uint16(300), uint16(1080))
	f.Add(int64(-1601753400), int64(3600), uint16(100), uint16(1425))
	f.Fuzz(func(t *testing.T, afterUnix, sinceLast int64, zoneIndex, minute uint16) {
		loc := zones[int(zoneIndex)%len(zones)]
		const span = 400 * 365 * secondsPerDay
		after := time.Unix(afterUnix%span, 0).UTC()
		var lastCut time.Time
		if sinceLast != 0 {
			lastCut = after.Add(-time.Duration(sinceLast%(10*secondsPerDay)) * time.Second)
		}
		clock := time.Unix(int64(minute%1440)*60, 0).UTC().Format("15:04")

		got, err := nextCut(DailyAt(""), after, lastCut, clock, loc)
		require.NoError(t, err)

		reading := readClock(loc, after.Add(-40*time.Hour), got.Add(48*time.Hour), []string{clock})
		for _, slot := range reading.slots(clock) {
			if !slot.cut.After(after) {
				continue
			}
			if !lastCut.IsZero() && (dateOf(slot.cut, loc) <= dateOf(lastCut, loc) || slot.cut.Sub(lastCut) < time.Hour) {
				continue
			}
			require.Equal(t, slot.cut, got, "%s at %s after %s, last %s", loc, clock, after, lastCut)
			return
		}
		t.Fatalf("%s at %s after %s: the clock never shows the cut %s", loc, clock, after, got)
	})
}
