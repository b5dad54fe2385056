package email

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// dateNames are the names of months, from January, and of days, from Sunday.
type dateNames struct {
	months, monthsShort, weekdays, weekdaysShort []string
}

func newDateNames(texts map[string]string) (dateNames, error) {
	var d dateNames
	for _, names := range []struct {
		id   string
		want int
		into *[]string
	}{
		{"date.months", 12, &d.months},
		{"date.months.short", 12, &d.monthsShort},
		{"date.weekdays", 7, &d.weekdays},
		{"date.weekdays.short", 7, &d.weekdaysShort},
	} {
		*names.into = strings.Split(texts[names.id], "|")
		if len(*names.into) != names.want {
			return dateNames{}, fmt.Errorf("%s must be %d names with | between them", names.id, names.want)
		}
	}
	return d, nil
}

// in adds an instant, in words for the texts of a locale to arrange.
func (d dateNames) in(t time.Time, v values) values {
	day, month := t.Weekday(), t.Month()-1
	v.Weekday, v.WeekdayShort = d.weekdays[day], d.weekdaysShort[day]
	v.Month, v.MonthShort = d.months[month], d.monthsShort[month]
	v.Day, v.Year = t.Day(), t.Year()
	v.Time, v.Zone = t.Format("15:04"), zoneName(t)
	return v
}

// zones remembers the time zones of recipients: each is read from a file.
type zones struct {
	mu    sync.Mutex
	known map[string]*time.Location
}

// maxZones is more than there are, but a name can be spelt in many ways.
const maxZones = 1000

// find returns the zone of that name, or otherwise.
func (z *zones) find(name string, otherwise *time.Location) *time.Location {
	if name == "" || name == "Local" {
		return otherwise
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if zone, ok := z.known[name]; ok {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return otherwise
	}
	if z.known == nil || len(z.known) >= maxZones {
		z.known = make(map[string]*time.Location)
	}
	z.known[name] = zone
	return zone
}

// zoneName is how a letter calls a zone.
func zoneName(t time.Time) string {
	if name := t.Location().String(); name != "" && name != "Local" {
		return oneLine(name)
	}
	return t.Format("MST")
}
