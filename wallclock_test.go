package notify

import (
	"archive/zip"
	"cmp"
	"crypto/sha256"
	"go/build"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// This file finds cuts the slow way, for the tests of the fast one: it looks at
// the local clock minute by minute.

// clockReading is what the clock of a zone showed over some days.
type clockReading struct {
	loc     *time.Location
	dates   []string                        // that the clock showed from their begin on, in order
	reached map[string]map[string]time.Time // date, clock time: when the clock first showed this or more
}

// slot is the cut of one date.
type slot struct {
	date string
	cut  time.Time
}

// readClock reads the clock of loc from start to end. The first and the last
// date it shows are left out, since they may not be complete.
func readClock(loc *time.Location, start, end time.Time, clocks []string) clockReading {
	r := clockReading{loc: loc, reached: make(map[string]map[string]time.Time)}
	start = start.Truncate(time.Minute)
	first, last := wallOf(start, loc), wallOf(end, loc)

	type target struct {
		wall        int64
		date, clock string
	}
	var targets []target
	firstDate := time.Unix(first, 0).UTC().Truncate(24 * time.Hour)
	for date := firstDate.AddDate(0, 0, 1); date.Unix() < last-secondsPerDay; date = date.AddDate(0, 0, 1) {
		name := date.Format(time.DateOnly)
		r.reached[name] = make(map[string]time.Time)
		for _, clock := range clocks {
			wall, err := time.Parse(time.DateTime, name+" "+clock+":00")
			if err != nil {
				panic(err)
			}
			targets = append(targets, target{wall.Unix(), name, clock})
		}
	}
	slices.SortStableFunc(targets, func(a, b target) int { return cmp.Compare(a.wall, b.wall) })

	day := 0
	for t := start; t.Before(end); t = t.Add(time.Minute) {
		wall := wallOf(t, loc)
		for len(targets) > 0 && targets[0].wall <= wall {
			r.reached[targets[0].date][targets[0].clock] = secondWhen(t, loc, targets[0].wall)
			targets = targets[1:]
		}
		if shown := time.Unix(wall, 0).UTC(); shown.YearDay() != day {
			day = shown.YearDay()
			date := shown.Format(time.DateOnly)
			if r.reached[date] != nil && !slices.Contains(r.dates, date) {
				r.dates = append(r.dates, date)
			}
		}
	}
	return r
}

// secondWhen returns the second of the minute before t at which the clock came
// to target.
func secondWhen(t time.Time, loc *time.Location, target int64) time.Time {
	for s := t.Add(-59 * time.Second); s.Before(t); s = s.Add(time.Second) {
		if wallOf(s, loc) >= target {
			return s.UTC()
		}
	}
	return t.UTC()
}

// wallOf is what the clock shows, in seconds as if loc were UTC.
func wallOf(t time.Time, loc *time.Location) int64 {
	_, offset := t.In(loc).Zone()
	return t.Unix() + int64(offset)
}

func dateOf(t time.Time, loc *time.Location) string { return t.In(loc).Format(time.DateOnly) }

// slots returns the cut of each date that exists.
func (r clockReading) slots(clock string) []slot {
	var slots []slot
	for _, date := range r.dates {
		if cut, ok := r.reached[date][clock]; ok {
			slots = append(slots, slot{date, cut})
		}
	}
	return slots
}

// cuts returns those slots that make a run of cuts: on a later date each, and
// an hour apart.
func (r clockReading) cuts(clock string) []time.Time {
	var cuts []time.Time
	lastDate := ""
	for _, slot := range r.slots(clock) {
		date := dateOf(slot.cut, r.loc)
		if date > lastDate && (len(cuts) == 0 || slot.cut.Sub(cuts[len(cuts)-1]) >= time.Hour) {
			cuts, lastDate = append(cuts, slot.cut), date
		}
	}
	return cuts
}

// sweep is a range of years.
type sweep struct{ from, to int }

// sweepYears are those in which a zone's changes are looked at.
func sweepYears(random *rand.Rand) []sweep {
	if os.Getenv("NOTIFY_SWEEP") == "full" {
		return []sweep{{1840, 2040}}
	}
	some := 1880 + random.IntN(90)
	return []sweep{{some, some}, {2011, 2011}, {2024, 2024}}
}

// offsetChanges returns about when the offset of a zone changed, within six
// hours.
func offsetChanges(loc *time.Location, years []sweep) []time.Time {
	var changes []time.Time
	for _, y := range years {
		t := time.Date(y.from, 1, 1, 0, 0, 0, 0, time.UTC)
		_, before := t.In(loc).Zone()
		for end := time.Date(y.to+1, 1, 1, 0, 0, 0, 0, time.UTC); t.Before(end); t = t.Add(6 * time.Hour) {
			_, offset := t.In(loc).Zone()
			if offset != before {
				changes = append(changes, t)
			}
			before = offset
		}
	}
	return changes
}

// everyZone returns the zones of this machine's database, or else of Go's,
// those that are copies of others only once.
func everyZone(t testing.TB) []*time.Location {
	t.Helper()
	database := os.DirFS("/usr/share/zoneinfo")
	if _, err := fs.Stat(database, "Europe/Berlin"); err != nil {
		archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
		require.NoError(t, err, "no zone database to test against")
		t.Cleanup(func() { archive.Close() })
		database = archive
	}
	var all []*time.Location
	seen := make(map[[sha256.Size]byte]bool)
	err := fs.WalkDir(database, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		loc, err := loadZone(name)
		if err != nil {
			return nil // a list, a licence, or a name that is refused
		}
		rules, err := fs.ReadFile(database, name)
		if sum := sha256.Sum256(rules); err == nil && !seen[sum] {
			seen[sum] = true
			all = append(all, loc)
		}
		return err
	})
	require.NoError(t, err)
	require.Greater(t, len(all), 250, "the zone database is not complete")
	return all
}
