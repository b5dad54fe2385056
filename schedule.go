package notify

import "time"

// Schedule is the rule by which the daily digests of a recipient close. It is a
// pure function of its arguments, called from several goroutines.
//
// Next returns the first cut that is strictly after the instant after and whose
// local date, taken in loc, is later than the local date of lastCut. A zero
// lastCut sets no such bound. The recipient's own clock time is at, "HH:MM";
// "" leaves it to the schedule. A cut also keeps an hour's distance from
// lastCut, whatever the zone and the time were changed to in between.
//
// A result that breaks this (zero, not after the instant, on a date that has
// had its cut, or within the hour) is an error that the Notifier reports; it
// never tries again at once.
type Schedule interface {
	Next(after, lastCut time.Time, at string, loc *time.Location) time.Time
}

// DailyAt is the Schedule of one cut per local date at that clock time, "HH:MM"
// from 00:00 to 23:59; the zero value is "18:00". Where the clock is set
//
//   - forward over that time, the cut is the first instant after the gap;
//   - back over it, so that it comes twice, the cut is the earlier one;
//   - forward over a whole date, that date has no cut.
//
// The first instant after a gap that reaches midnight lies on the following
// date: it is the cut of that date then, and no second one follows.
//
// A cut that would come on the date of the last one, or less than an hour after
// it, is left out for that of the next local date. The window grows, and no
// item is lost.
type DailyAt string

const defaultDigestAt = "18:00"

const (
	minCutDistance = time.Hour

	secondsPerDay = 24 * 60 * 60
)

// Next implements [Schedule]. It returns UTC. An at that is no clock time counts
// as ""; the result is zero if the DailyAt itself is none. A nil loc is UTC.
func (d DailyAt) Next(after, lastCut time.Time, at string, loc *time.Location) time.Time {
	hour, minute, err := parseClock(at)
	if err != nil {
		if hour, minute, err = d.clock(); err != nil {
			return time.Time{}
		}
	}
	if loc == nil {
		loc = time.UTC
	}
	day := localDay(after, loc)
	if !lastCut.IsZero() {
		day = max(day, localDay(lastCut, loc))
	}
	// Earlier dates are over: their cuts are not after the instant. Of these,
	// one may have been cut already, one be too close and one not exist.
	for end := day + 8; day < end; day++ {
		cut, ok := cutOn(day, hour, minute, loc)
		if ok && cut.After(after) && mayFollow(lastCut, cut, loc) {
			return cut
		}
	}
	return time.Time{}
}

// clock reads d; the error is that of parseClock.
func (d DailyAt) clock() (hour, minute int, err error) {
	if d == "" {
		d = defaultDigestAt
	}
	return parseClock(string(d))
}

// parseClock reads "HH:MM", exactly two digits each, 00:00 to 23:59.
func parseClock(s string) (hour, minute int, err error) {
	digits := func(i int) int {
		tens, ones := s[i]-'0', s[i+1]-'0'
		if tens > 9 || ones > 9 {
			return 99
		}
		return int(10*tens + ones)
	}
	if len(s) == 5 && s[2] == ':' {
		if hour, minute = digits(0), digits(3); hour < 24 && minute < 60 {
			return hour, minute, nil
		}
	}
	return 0, 0, invalid("DigestAt", "%.16q is no clock time from 00:00 to 23:59", s)
}

// mayFollow tells whether a cut keeps its distance from the last one, by date
// and by time.
func mayFollow(lastCut, cut time.Time, loc *time.Location) bool {
	return lastCut.IsZero() ||
		localDay(cut, loc) > localDay(lastCut, loc) && cut.Sub(lastCut) >= minCutDistance
}

// cutOn returns the cut of a local date; ok is false if loc has no such date.
func cutOn(day int64, hour, minute int, loc *time.Location) (cut time.Time, ok bool) {
	midnight := day * secondsPerDay
	cut = firstInstant(midnight+int64(hour*60+minute)*60, loc)
	if localDay(cut, loc) == day {
		return cut, true
	}
	return cut, localDay(firstInstant(midnight, loc), loc) == day
}

// firstInstant returns the first instant at which the clocks of loc show wall or
// more: the earlier one if they show it twice, and the end of the gap if they
// never show it. Wall is counted in seconds as if loc were UTC.
//
// It goes from change to change of the offset, because time.Date answers for
// gaps and overlaps as it happens to in each zone.
func firstInstant(wall int64, loc *time.Location) time.Time {
	// No zone is or was a day or more away from UTC.
	for at := wall - secondsPerDay; ; {
		t := time.Unix(at, 0).In(loc)
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		at = max(at, wall-int64(offset))
		if end.IsZero() || at < end.Unix() {
			return time.Unix(at, 0).UTC()
		}
		at = end.Unix()
	}
}

// localDay numbers the local dates of loc: 0 is that of 1970-01-01.
func localDay(t time.Time, loc *time.Location) int64 {
	_, offset := t.In(loc).Zone()
	wall := t.Unix() + int64(offset)
	day := wall / secondsPerDay
	if wall%secondsPerDay < 0 {
		day--
	}
	return day
}
