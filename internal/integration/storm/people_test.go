//go:build linux

package storm

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

const (
	tenant    = "acme"
	people    = 24    // who are written to one by one
	crowdSize = 1_100 // more than is filed in one transaction
)

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"}

func person(i int) notify.Recipient {
	return notify.Recipient{Tenant: tenant, ID: fmt.Sprintf("person-%02d", i)}
}

func crowdMember(i int) notify.Recipient {
	return notify.Recipient{Tenant: tenant, ID: fmt.Sprintf("z-%04d", i)}
}

// everybody is all who can be recipients.
func everybody() []notify.Recipient {
	var all []notify.Recipient
	for i := range people {
		all = append(all, person(i))
	}
	for i := range crowdSize {
		all = append(all, crowdMember(i))
	}
	return all
}

// crowd is the audience of that name.
type crowd struct{}

func (crowd) Members(_ context.Context, _, after string, limit int) ([]string, error) {
	var ids []string
	for i := range crowdSize {
		ids = append(ids, crowdMember(i).ID)
	}
	from, found := slices.BinarySearch(ids, after)
	if found {
		from++
	}
	return ids[from:min(from+limit, len(ids))], nil
}

// directory knows each person's mailbox and devices.
func directory() notify.People {
	known := make(notify.People)
	for i := range people {
		known[person(i)] = notify.Contact{TimeZone: zones[i%len(zones)], Addresses: addresses(i)}
	}
	return known
}

// addresses are those of a person: a mailbox, and none, one or two devices.
func addresses(i int) []notify.Address {
	all := []notify.Address{{Channel: notify.Email, Value: fmt.Sprintf("person%d@example.org", i)}}
	for device := range i % 3 {
		all = append(all, notify.Address{Channel: notify.Mobile, Value: fmt.Sprintf("device-%d-%d", i, device)})
	}
	return all
}

// modes are what a person has chosen.
func modes(i int) map[string]notify.Mode {
	switch i % 4 {
	case 0:
		return nil // the defaults: immediate everywhere
	case 1:
		return map[string]notify.Mode{notify.Email: notify.Daily}
	case 2:
		return map[string]notify.Mode{notify.Email: notify.Daily, notify.Mobile: notify.Off}
	}
	return map[string]notify.Mode{notify.Email: notify.Immediate, notify.Mobile: notify.Off}
}

// mode is what applies to a recipient. The crowd has chosen nothing, and its
// provider keeps quiet.
func mode(r notify.Recipient, channel string) notify.Mode {
	for i := range people {
		if r == person(i) {
			if m := modes(i)[channel]; m != notify.Default {
				return m
			}
			return notify.Immediate
		}
	}
	return notify.Off
}

// choose stores what everybody has chosen. The digests of a day are spread over
// it, see [schedule].
func choose(t testing.TB, n *notify.Notifier) {
	t.Helper()
	for i := range people {
		_, err := n.SavePreferences(t.Context(), person(i), notify.Preferences{
			Channels: modes(i), DigestAt: fmt.Sprintf("00:%02d", i),
		})
		require.NoError(t, err)
	}
}

// schedule closes the digests of those who chose 00:17 at 17 steps after the
// beginning of each day, which is as long as any, but of which a storm plays
// only the beginning.
type schedule struct {
	Begin time.Time
	Step  time.Duration
}

const day = 24 * time.Hour

func (s schedule) Next(after, lastCut time.Time, at string, zone *time.Location) time.Time {
	var hour, minute int
	if _, err := fmt.Sscanf(at, "%d:%d", &hour, &minute); err != nil {
		minute = 0
	}
	cut := s.Begin.Add(time.Duration(hour*60+minute) * s.Step)
	for !cut.After(after) || !lastCut.IsZero() && localDate(cut, zone) <= localDate(lastCut, zone) {
		cut = cut.Add(day)
	}
	return cut.UTC()
}

func localDate(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.DateOnly) }

// zone is where somebody of the directory lives.
func zone(c notify.Contact) *time.Location {
	known, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		panic(err) // one of zones
	}
	return known
}
