package notify

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rule is a Schedule made of a function.
type rule func(after, lastCut time.Time, at string, loc *time.Location) time.Time

func (r rule) Next(after, lastCut time.Time, at string, loc *time.Location) time.Time {
	return r(after, lastCut, at, loc)
}

func TestNextCutHoldsASchedulesToItsContract(t *testing.T) {
	after := instantOf(t, "2026-01-05T19:00:00Z")
	lastCut := instantOf(t, "2026-01-05T18:00:00Z")
	tests := []struct {
		name   string
		answer time.Time
		ok     bool
	}{
		{"a later date", instantOf(t, "2026-01-06T18:00:00Z"), true},
		{"just the next date", instantOf(t, "2026-01-06T00:00:00Z"), true},
		{"zero", time.Time{}, false},
		{"the instant itself", after, false},
		{"after it by less than a store keeps", after.Add(999 * time.Nanosecond), false},
		{"the past", after.Add(-time.Hour), false},
		{"the date of the last cut", instantOf(t, "2026-01-05T23:59:59Z"), false},
		{"beyond what a store can keep", time.Date(300000, 1, 1, 0, 0, 0, 0, time.UTC), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := rule(func(time.Time, time.Time, string, *time.Location) time.Time { return tt.answer })
			cut, err := nextCut(s, after, lastCut, "", time.UTC)
			if tt.ok {
				require.NoError(t, err)
				assert.Equal(t, tt.answer, cut)
				return
			}
			require.Error(t, err)
			assert.Zero(t, cut)
		})
	}
	t.Run("strictly after, also with no last cut", func(t *testing.T) {
		for _, late := range []time.Duration{0, 999 * time.Nanosecond} {
			s := rule(func(after, _ time.Time, _ string, _ *time.Location) time.Time { return after.Add(late) })
			_, err := nextCut(s, after, time.Time{}, "", time.UTC)
			require.ErrorContains(t, err, "is not after")
		}
	})
	t.Run("a later date within the hour", func(t *testing.T) {
		s := rule(func(time.Time, time.Time, string, *time.Location) time.Time {
			return instantOf(t, "2026-01-06T00:10:00Z")
		})
		_, err := nextCut(s, after, instantOf(t, "2026-01-05T23:30:00Z"), "", time.UTC)
		require.ErrorContains(t, err, "too close")
		_, err = nextCut(s, after, instantOf(t, "2026-01-05T23:10:00Z"), "", time.UTC)
		require.NoError(t, err)
	})
	t.Run("as a store keeps it", func(t *testing.T) {
		s := rule(func(_, _ time.Time, _ string, loc *time.Location) time.Time {
			return time.Date(2026, 1, 7, 18, 0, 0, 1999, loc)
		})
		cut, err := nextCut(s, after, lastCut, "", zoneNamed(t, "Asia/Tokyo"))
		require.NoError(t, err)
		assert.Equal(t, instantOf(t, "2026-01-07T09:00:00.000001Z"), cut)
	})
}

func TestCloseWindow(t *testing.T) {
	const none = ""
	tests := []struct {
		name                 string
		zone, at             string
		planned, last, first string
		now                  string
		cut, from, next      string // cut none: the plan only moves
	}{
		{"in time", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-04T20:00:00Z", "2026-01-05T18:00:00.5Z",
			"2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"at the very instant", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-04T20:00:00Z", "2026-01-05T18:00:00Z",
			"2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"an entry filed at the cut before", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T18:00:01Z",
			"2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"an entry filed at the cut waits for the next", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T18:00:00Z", "2026-01-05T18:00:01Z",
			none, none, "2026-01-06T18:00:00Z"},
		{"the first digest ever", "UTC", "18:00", "2026-01-05T18:00:00Z", none, "2026-01-05T10:00:00Z", "2026-01-05T18:00:01Z",
			"2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"idle for weeks", "UTC", "18:00", "2026-01-25T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-25T10:00:00Z", "2026-01-25T18:00:01Z",
			"2026-01-25T18:00:00Z", "2026-01-24T18:00:00Z", "2026-01-26T18:00:00Z"},
		{"idle for a day", "UTC", "18:00", "2026-01-06T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T18:00:00Z", "2026-01-06T18:00:01Z",
			"2026-01-06T18:00:00Z", "2026-01-05T18:00:00Z", "2026-01-07T18:00:00Z"},
		{"a late entry from before the last cut", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-04T17:59:59Z", "2026-01-05T18:00:01Z",
			"2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"down for two cuts", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2026-01-06T19:00:00Z",
			"2026-01-06T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-07T18:00:00Z"},
		{"down for five cuts", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2026-01-09T19:00:00Z",
			"2026-01-09T18:00:00Z", "2026-01-06T18:00:00Z", "2026-01-10T18:00:00Z"},
		{"down for thirty years", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2056-01-09T19:00:00Z",
			"2056-01-09T18:00:00Z", "2056-01-06T18:00:00Z", "2056-01-10T18:00:00Z"},
		{"twelve hours late", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2026-01-06T06:00:00Z",
			"2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"too late: the next one", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2026-01-06T06:00:00.000001Z",
			none, none, "2026-01-06T18:00:00Z"},
		{"too late again: what was promised is kept however late", "UTC", "18:00", "2026-01-06T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2026-01-07T09:00:00Z",
			"2026-01-06T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-07T18:00:00Z"},
		{"too late again, for weeks", "UTC", "18:00", "2026-01-06T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2026-02-07T09:00:00Z",
			"2026-02-06T18:00:00Z", "2026-02-03T18:00:00Z", "2026-02-07T18:00:00Z"},
		{"too late after being down for many cuts: the next one", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-04T18:00:00Z", "2026-01-05T10:00:00Z", "2026-01-09T09:00:00Z",
			none, none, "2026-01-09T18:00:00Z"},
		{"both missed, and the latter not too long ago", "UTC", "06:00", "2026-01-05T06:00:00Z", "2026-01-04T06:00:00Z", "2026-01-05T03:00:00Z", "2026-01-06T07:00:00Z",
			"2026-01-06T06:00:00Z", "2026-01-04T06:00:00Z", "2026-01-07T06:00:00Z"},
		{"moved west before it was due: it waits for the clock there", "America/New_York", "18:00", "2026-01-05T17:00:00Z", "2026-01-04T17:00:00Z", "2026-01-05T10:00:00Z", "2026-01-05T17:00:01Z",
			none, none, "2026-01-05T23:00:00Z"},
		{"and is cut there once", "America/New_York", "18:00", "2026-01-05T23:00:00Z", "2026-01-04T17:00:00Z", "2026-01-05T10:00:00Z", "2026-01-05T23:00:01Z",
			"2026-01-05T23:00:00Z", "2026-01-04T17:00:00Z", "2026-01-06T23:00:00Z"},
		{"moved east: the clock there was there already", "Asia/Tokyo", "18:00", "2026-01-05T17:00:00Z", "2026-01-04T17:00:00Z", "2026-01-05T08:00:00Z", "2026-01-05T17:00:01Z",
			none, none, "2026-01-06T09:00:00Z"},
		{"moved east, little", "Europe/Helsinki", "18:00", "2026-01-05T17:00:00Z", "2026-01-04T17:00:00Z", "2026-01-05T08:00:00Z", "2026-01-05T17:00:01Z",
			"2026-01-05T16:00:00Z", "2026-01-04T17:00:00Z", "2026-01-06T16:00:00Z"},
		{"the time was changed after the cut: the window keeps its start", "UTC", "20:00", "2026-01-06T20:00:00Z", "2026-01-05T18:00:00Z", "2026-01-05T20:30:00Z", "2026-01-06T20:00:01Z",
			"2026-01-06T20:00:00Z", "2026-01-05T18:00:00Z", "2026-01-07T20:00:00Z"},
		{"the time was changed to an earlier one", "UTC", "09:00", "2026-01-06T09:00:00Z", "2026-01-05T18:00:00Z", "2026-01-06T07:00:00Z", "2026-01-06T09:00:01Z",
			"2026-01-06T09:00:00Z", "2026-01-05T18:00:00Z", "2026-01-07T09:00:00Z"},
		{"a day of 23 hours", "Europe/Berlin", "18:00", "2026-03-29T16:00:00Z", "2026-03-28T17:00:00Z", "2026-03-28T20:00:00Z", "2026-03-29T16:00:01Z",
			"2026-03-29T16:00:00Z", "2026-03-28T17:00:00Z", "2026-03-30T16:00:00Z"},
		{"a date that does not exist", "Pacific/Apia", "18:00", "2011-12-31T04:00:00Z", "2011-12-30T04:00:00Z", "2011-12-30T06:00:00Z", "2011-12-31T04:00:01Z",
			"2011-12-31T04:00:00Z", "2011-12-30T04:00:00Z", "2012-01-01T04:00:00Z"},
		{"nothing pending and never cut", "UTC", "18:00", "2026-01-05T18:00:00Z", none, none, "2026-01-05T18:00:01Z",
			"2026-01-05T18:00:00Z", "2026-01-02T18:00:00Z", "2026-01-06T18:00:00Z"},
		{"a last cut to come", "UTC", "18:00", "2026-01-05T18:00:00Z", "2026-01-07T18:00:00Z", "2026-01-05T10:00:00Z", "2026-01-05T18:00:01Z",
			none, none, "2026-01-08T18:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := func(s string) time.Time {
				if s == none {
					return time.Time{}
				}
				return instantOf(t, s)
			}
			plan := Plan{Recipient: User("ann"), Channel: Email, NextCut: at(tt.planned), LastCut: at(tt.last), First: at(tt.first)}
			got, err := closeWindow(plan, at(tt.now), DailyAt(""), tt.at, zoneNamed(t, tt.zone))
			require.NoError(t, err)
			want := Opening{Plan: plan, Cut: at(tt.cut), From: at(tt.from), NextCut: at(tt.next)}
			if tt.cut != none {
				want.Oldest = want.Cut.Add(-72 * time.Hour)
			}
			assert.Equal(t, want, got)
		})
	}
}

// With windows longer than the look-back, entries wait for their own cut and
// are not dropped.
func TestCloseWindowLooksBackAsFarAsAWeeklyScheduleReaches(t *testing.T) {
	sundays := rule(func(after, lastCut time.Time, at string, loc *time.Location) time.Time {
		cut := DailyAt(at).Next(after, lastCut, "", loc)
		for cut.In(loc).Weekday() != time.Sunday {
			cut = DailyAt(at).Next(cut, cut, "", loc)
		}
		return cut
	})
	first := instantOf(t, "2026-01-05T10:00:00Z")
	plan := Plan{NextCut: instantOf(t, "2026-01-11T18:00:00Z"), LastCut: instantOf(t, "2026-01-04T18:00:00Z"), First: first}
	got, err := closeWindow(plan, plan.NextCut, sundays, "18:00", time.UTC)
	require.NoError(t, err)
	assert.Equal(t, Opening{Plan: plan, Cut: plan.NextCut, From: first, Oldest: first.Add(-72 * time.Hour), NextCut: instantOf(t, "2026-01-18T18:00:00Z")}, got)

	// What was filed just before the last cut and committed after it is no less.
	late := plan
	late.First = plan.LastCut.Add(-time.Second)
	got, err = closeWindow(late, plan.NextCut, sundays, "18:00", time.UTC)
	require.NoError(t, err)
	assert.False(t, got.Oldest.After(late.First), "it is dropped")
	assert.Equal(t, plan.LastCut, got.From)

	// After a downtime the look-back holds.
	got, err = closeWindow(plan, instantOf(t, "2026-01-18T18:00:00Z"), sundays, "18:00", time.UTC)
	require.NoError(t, err)
	assert.Equal(t, instantOf(t, "2026-01-15T18:00:00Z"), got.Oldest)
}

// Where two cuts were missed in one night, the letter is that of the later one.
func TestCloseWindowTakesTheLatestCutWithinTheGrace(t *testing.T) {
	eveningThenMorning := rule(func(after, lastCut time.Time, _ string, loc *time.Location) time.Time {
		evening := DailyAt("20:00").Next(after, lastCut, "", loc)
		morning := DailyAt("06:00").Next(after, lastCut, "", loc)
		if morning.Before(evening) && morning.Day()%2 == 0 || evening.Day()%2 == 0 {
			return morning
		}
		return evening
	})
	plan := Plan{
		NextCut: instantOf(t, "2026-01-05T20:00:00Z"),
		LastCut: instantOf(t, "2026-01-04T06:00:00Z"),
		First:   instantOf(t, "2026-01-05T10:00:00Z"),
	}
	got, err := closeWindow(plan, instantOf(t, "2026-01-06T05:59:59Z"), eveningThenMorning, "", time.UTC)
	require.NoError(t, err)
	assert.Equal(t, plan.NextCut, got.Cut)
	assert.Equal(t, instantOf(t, "2026-01-06T06:00:00Z"), got.NextCut)

	got, err = closeWindow(plan, instantOf(t, "2026-01-06T06:00:00Z"), eveningThenMorning, "", time.UTC)
	require.NoError(t, err)
	assert.Equal(t, instantOf(t, "2026-01-06T06:00:00Z"), got.Cut)
	assert.Equal(t, plan.LastCut, got.From)
	assert.Equal(t, instantOf(t, "2026-01-07T20:00:00Z"), got.NextCut)
}

func TestCloseWindowSurvivesAnySchedule(t *testing.T) {
	now := instantOf(t, "2056-01-05T18:00:00Z")
	plan := Plan{NextCut: now, LastCut: now.AddDate(-30, 0, 0), First: now.AddDate(-29, 0, 0)}
	tests := []struct {
		name string
		next rule
	}{
		{"zero", func(_, _ time.Time, _ string, _ *time.Location) time.Time { return time.Time{} }},
		{"stands still", func(after, _ time.Time, _ string, _ *time.Location) time.Time { return after }},
		{"goes back", func(after, _ time.Time, _ string, _ *time.Location) time.Time { return after.Add(-time.Hour) }},
		{"creeps", func(after, _ time.Time, _ string, _ *time.Location) time.Time { return after.Add(time.Microsecond) }},
		{"every hour", func(after, _ time.Time, _ string, _ *time.Location) time.Time { return after.Add(time.Hour) }},
		{"always the same", func(_, _ time.Time, _ string, _ *time.Location) time.Time { return now.Add(-time.Hour) }},
		{"eons", func(after, _ time.Time, _ string, _ *time.Location) time.Time { return after.AddDate(290000, 0, 0) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			s := rule(func(after, lastCut time.Time, at string, loc *time.Location) time.Time {
				calls++
				return tt.next(after, lastCut, at, loc)
			})
			got, err := closeWindow(plan, now, s, "", time.UTC)
			require.Error(t, err)
			assert.LessOrEqual(t, calls, 20)
			assert.Equal(t, Opening{Plan: plan, NextCut: now.Add(time.Hour)}, got, "it is put off and stands in nobody's way")
		})
	}
}

func TestDigestZone(t *testing.T) {
	berlin, tokyo, lima := zoneNamed(t, "Europe/Berlin"), zoneNamed(t, "Asia/Tokyo"), zoneNamed(t, "America/Lima")
	tests := []struct {
		name               string
		chosen, directorys string
		fallback           *time.Location
		want               *time.Location
		bad                bool
	}{
		{"chosen", "Europe/Berlin", "Asia/Tokyo", lima, berlin, false},
		{"chosen, whatever the directory says", "Europe/Berlin", "Mars/Olympus", lima, berlin, false},
		{"of the directory", "", "Asia/Tokyo", lima, tokyo, false},
		{"neither", "", "", lima, lima, false},
		{"nothing at all", "", "", nil, time.UTC, false},
		{"a bad one of the directory", "", "Mars/Olympus", lima, lima, true},
		{"the machine's own is nobody's", "", "Local", lima, lima, true},
		{"a bad choice", "Mars/Olympus", "Asia/Tokyo", lima, tokyo, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, bad := digestZone(Preferences{TimeZone: tt.chosen}, Contact{TimeZone: tt.directorys}, tt.fallback)
			assert.Equal(t, tt.want.String(), got.String())
			assert.Equal(t, tt.bad, bad)
		})
	}
}

func TestLoadZone(t *testing.T) {
	for _, name := range []string{
		"UTC", "Etc/UTC", "GMT", "Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "US/Eastern", "Japan", "EST5EDT",
	} {
		loc, err := loadZone(name)
		require.NoError(t, err, name)
		assert.Equal(t, name, loc.String())
		again, err := loadZone(name)
		require.NoError(t, err, name)
		assert.Same(t, loc, again, "it is read once")
	}
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "Factory", "EST", "MST", "HST", "Etc/GMT+5", "Etc/GMT-14", "UTC+2", "+02:00", "GMT+2",
		"posix/Europe/Berlin", "right/Europe/Berlin", "/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin",
		"../zoneinfo/Europe/Berlin", "Europe/../Europe/Berlin", "Europe/./Berlin", `Europe\Berlin`, "Europe/Berlin\x00", "Europe",
		"Europe/", "zone.tab", "leapseconds", " Europe/Berlin", "Europe/Berlin\n", "Mars/Olympus", "Süd/Pol", strings.Repeat("A", 65),
		strings.Repeat("A/", 1<<20),
	} {
		loc, err := loadZone(name)
		assert.Nil(t, loc, "%.80q", name)
		require.ErrorIs(t, err, ErrInvalid, "%.80q", name)
		bad, ok := errors.AsType[*InvalidError](err)
		require.True(t, ok)
		assert.Equal(t, "TimeZone", bad.Field)
		assert.Less(t, len(err.Error()), 400)
	}
}

func TestZoneCacheIsBounded(t *testing.T) {
	var c zoneCache
	for i := range 3 * maxZones {
		c.put(time.Duration(i).String(), time.UTC)
		require.LessOrEqual(t, len(c.byName), maxZones)
	}
	assert.NotNil(t, c.get(time.Duration(3*maxZones-1).String()))
}

// A recipient's windows in a steady life: hourly entries, the engine in time.
func TestWindowsTile(t *testing.T) {
	tests := []struct{ zone, at, start string }{
		{"Europe/Berlin", "02:30", "2026-03-24T00:00:00Z"},
		{"Europe/Berlin", "02:30", "2026-10-20T00:00:00Z"},
		{"Pacific/Apia", "18:00", "2011-12-25T00:00:00Z"},
		{"America/Nuuk", "23:30", "2024-03-26T00:00:00Z"},
		{"Australia/Lord_Howe", "02:15", "2026-09-30T00:00:00Z"},
		{"Pacific/Kwajalein", "18:00", "1969-09-26T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.zone+" "+tt.start[:7], func(t *testing.T) {
			p := newPost(t, tt.zone, tt.at)
			start := instantOf(t, tt.start)
			var letters []Opening
			for minute := range 12 * 24 * 60 {
				now := start.Add(time.Duration(minute) * time.Minute)
				if minute%60 == 0 {
					p.file(now, now)
				}
				letters = append(letters, p.tick(now)...)
			}
			require.Greater(t, len(letters), 8)
			for i, o := range letters[1:] {
				assert.Equal(t, letters[i].Cut, o.From, "each window starts where the one before ended")
			}
			assert.Zero(t, p.dropped)
		})
	}
}

// Random lives: entries, late commits, downtimes, moves and changes of the
// time. Whatever happens, each entry is in exactly one window.
func TestEveryEntryIsInExactlyOneWindow(t *testing.T) {
	names := []string{
		"UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Honolulu", "Australia/Lord_Howe", "Pacific/Apia",
		"America/Nuuk", "Asia/Kathmandu", "America/St_Johns",
	}
	clocks := []string{"", "00:00", "00:05", "02:30", "09:00", "18:00", "23:30", "23:59"}
	starts := []string{"2011-12-25T00:00:00Z", "2024-03-25T00:00:00Z", "2010-11-01T00:00:00Z", "2026-07-01T00:00:00Z"}
	dropped, late := 0, 0
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 9))
		pick := func(from []string) string { return from[random.IntN(len(from))] }
		upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
		prompt := seed%2 == 0 // the engine is never down

		p := newPost(t, pick(names), pick(clocks))
		now := instantOf(t, pick(starts))
		for range 150 {
			now = now.Add(upTo([]time.Duration{time.Minute, time.Hour, 10 * time.Hour, 40 * time.Hour}[random.IntN(4)])).Truncate(time.Microsecond)
			if prompt {
				p.run(now)
			}
			switch random.IntN(8) {
			case 0:
				p.save(now, pick(clocks), zoneNamed(t, pick(names)))
			case 1:
				p.loc = zoneNamed(t, pick(names)) // by the directory: nobody tells
				p.putOff = true
			case 2:
				p.file(now.Add(-upTo(10*time.Second)), now)
			case 3:
				p.tick(now)
			case 4:
				if !p.plan.NextCut.IsZero() { // just when it closes
					now = later(now, p.plan.NextCut)
					p.file(now, now)
					p.tick(now)
				}
			default:
				p.file(now, now)
			}
		}
		dropped, late = dropped+p.dropped, late+p.late
		if prompt {
			require.Zero(t, p.dropped, "seed %d: nothing grows old beside an engine that runs", seed)
		}
		p.run(now.Add(14 * 24 * time.Hour))
		require.Empty(t, p.pending, "seed %d", seed)
	}
	assert.NotZero(t, dropped, "no downtime was long enough to matter")
	assert.NotZero(t, late, "no cut was missed twice")
}

// post is a model of one recipient's plan and pending entries as a store keeps
// them, and of the rules that a window must obey.
type post struct {
	t       *testing.T
	at      string
	loc     *time.Location
	plan    Plan
	pending []time.Time // when each entry was filed
	putOff  bool        // a cut of theirs was passed over
	late    int         // cuts that were made up for after the grace
	dropped int
}

func newPost(t *testing.T, zone, at string) *post {
	return &post{t: t, at: at, loc: zoneNamed(t, zone)}
}

func (p *post) next(after time.Time) time.Time {
	cut, err := nextCut(DailyAt(""), after, p.plan.LastCut, p.at, p.loc)
	require.NoError(p.t, err)
	return cut
}

// file adds an entry that was filed at an instant and committed now.
func (p *post) file(filed, now time.Time) {
	p.pending = append(p.pending, filed.Truncate(time.Microsecond))
	if p.plan.NextCut.IsZero() {
		p.plan.NextCut = p.next(now)
		p.putOff = p.putOff || !p.next(filed).After(now) // it came too late for its own cut
	}
}

func (p *post) save(now time.Time, at string, loc *time.Location) {
	p.at, p.loc = at, loc
	p.putOff = true // by whoever changed the time after it
	if !p.plan.NextCut.IsZero() {
		p.plan.NextCut = p.next(now)
	}
}

// run ticks at each cut up to an instant.
func (p *post) run(until time.Time) {
	for !p.plan.NextCut.IsZero() && !p.plan.NextCut.After(until) {
		p.tick(p.plan.NextCut)
	}
}

// tick is the engine's look at the plan. It returns the opening, if there is one.
func (p *post) tick(now time.Time) []Opening {
	if p.plan.NextCut.IsZero() || p.plan.NextCut.After(now) {
		return nil
	}
	p.plan.First = time.Time{}
	if len(p.pending) > 0 {
		p.plan.First = slices.MinFunc(p.pending, time.Time.Compare)
	}
	o, err := closeWindow(p.plan, now, DailyAt(""), p.at, p.loc)
	t := p.t
	require.NoError(t, err)
	require.True(t, o.NextCut.After(now), "the plan would be due at once again")
	if o.Cut.IsZero() {
		p.plan.NextCut = o.NextCut
		p.putOff = p.putOff || !p.next(later(p.plan.LastCut, p.plan.First)).After(now)
		return nil
	}

	last := p.plan.LastCut
	require.False(t, o.Cut.After(now))
	if now.Sub(o.Cut) > 12*time.Hour {
		require.True(t, p.putOff, "only what was put off before is made up for so late")
		p.late++
	}
	p.putOff = false
	require.True(t, o.Oldest.Equal(o.Cut.Add(-72*time.Hour)))
	require.True(t, o.From.Before(o.Cut))
	require.False(t, o.From.Before(o.Oldest))
	if !last.IsZero() {
		require.GreaterOrEqual(t, o.Cut.Sub(last), time.Hour)
		require.Greater(t, dateOf(o.Cut, p.loc), dateOf(last, p.loc), "two on one date")
		require.False(t, o.From.Before(last), "the label overlaps the window before")
	}
	require.Greater(t, dateOf(o.NextCut, p.loc), dateOf(o.Cut, p.loc))

	var waiting []time.Time
	bound := 0
	for _, filed := range p.pending {
		switch {
		case !filed.Before(o.Cut):
			waiting = append(waiting, filed)
		case filed.Before(o.Oldest):
			p.dropped++
		default:
			bound++
			if !filed.Before(last) {
				require.False(t, filed.Before(o.From), "the label leaves out what the letter shows")
			}
		}
	}
	p.pending = waiting
	p.plan.LastCut, p.plan.NextCut = o.Cut, time.Time{}
	if len(waiting) > 0 {
		p.plan.NextCut = o.NextCut
	}
	if bound == 0 {
		return nil
	}
	return []Opening{o}
}
