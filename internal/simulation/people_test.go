package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

const tenant = "acme"

// The team are the people whose every delivery is watched. The crowd is larger
// than one part of a fan-out and gets items only.
const (
	teamSize  = 10
	crowdSize = 1100
)

// Some of the team are special.
const (
	nomad   = 8 // changes zones
	leaver  = 9 // is erased, and comes back
	unknown = 7 // has no mailbox
)

func person(i int) notify.Recipient {
	return notify.Recipient{Tenant: tenant, ID: fmt.Sprintf("p%04d", i)}
}

func team() []notify.Recipient {
	var all []notify.Recipient
	for i := range teamSize {
		all = append(all, person(i))
	}
	return all
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"}

// providers have all the defaults there are: on, off, daily, forced, held back.
var providers = notify.Providers{
	{ID: "billing"},
	{ID: "chats", Defaults: map[string]notify.Mode{notify.Email: notify.Daily}, Wait: map[string]time.Duration{notify.Mobile: 2 * time.Minute}},
	{ID: "security", Forced: []string{notify.Email}},
	{ID: "news", Defaults: map[string]notify.Mode{notify.Email: notify.Off, notify.Mobile: notify.Off}},
}

// directory is the host's, asked by one process.
type directory struct{ p *process }

func (d directory) Contacts(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
	return pass(ctx, d.p, "Contacts", func(context.Context) (map[notify.Recipient]notify.Contact, error) {
		known := make(map[notify.Recipient]notify.Contact)
		for _, r := range rs {
			for i := range teamSize {
				if r == person(i) {
					known[r] = contact(i)
				}
			}
		}
		return known, nil
	})
}

func contact(i int) notify.Contact {
	c := notify.Contact{Name: fmt.Sprint("Person ", i), TimeZone: zones[i%len(zones)]}
	if i != unknown {
		c.Addresses = append(c.Addresses, notify.Address{Channel: notify.Email, Value: fmt.Sprintf("%d@example.org", i)})
	}
	if i%3 == 2 && i != unknown {
		c.Addresses = append(c.Addresses, notify.Address{Channel: notify.Email, Value: fmt.Sprintf("home%d@example.net", i)})
	}
	return c
}

// zoneOf is the zone of somebody who never changes it, or nil.
func (w *world) zoneOf(r notify.Recipient) *time.Location {
	for i := range teamSize {
		if r == person(i) && i != nomad {
			zone, err := time.LoadLocation(zones[i%len(zones)])
			if err != nil {
				w.violated("load a zone: %v", err)
			}
			return zone
		}
	}
	return nil
}

// audience is the first so many people, enumerated for one process.
type audience struct {
	p    *process
	size int
}

func (a audience) Members(ctx context.Context, _, after string, limit int) ([]string, error) {
	return pass(ctx, a.p, "Members", func(context.Context) ([]string, error) {
		var ids []string
		for i := range a.size {
			if id := person(i).ID; id > after && len(ids) < limit {
				ids = append(ids, id)
			}
		}
		return ids, nil
	})
}

// receivers are those whom a notification has to reach.
func (w *world) receivers(n notify.Notification) []notify.Recipient {
	size := 0
	switch n.Audience {
	case "":
		return n.To
	case "team":
		size = teamSize
	case "crowd":
		size = crowdSize
	}
	var all []notify.Recipient
	for i := range size {
		all = append(all, person(i))
	}
	return all
}

// mode is what the rules make of preferences in one cell.
func (w *world) mode(p notify.Preferences, provider, channel string) notify.Mode {
	question := notify.Question{
		Preferences: p,
		Channels:    []notify.ChannelInfo{{Name: channel, Registered: true, Digest: channel == notify.Email, Default: notify.Immediate}},
	}
	for _, known := range providers {
		if known.ID == provider {
			question.Provider = known
		}
	}
	return notify.StandardResolver{}.Resolve(question)[1].Mode
}
