package memory

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// registration is an address that somebody registered.
type registration struct {
	notify.Registration
	owner *recipient
}

// endpoint is what belongs to one registration only.
type endpoint struct{ channel, value string }

func endpointOf(a notify.Address) endpoint { return endpoint{a.Channel, a.Value} }

func (reg *registration) export() notify.Registration {
	c := reg.Registration
	c.Address.Meta = slices.Clone(c.Address.Meta)
	return c
}

// Register implements [notify.AddressStore]. An address is looked for among
// those of all tenants. One that is rebound keeps its id and starts anew
// otherwise. For an erased recipient it returns ErrNotFound.
func (s *Store) Register(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return notify.Registration{}, err
	}
	defer s.mu.Unlock()
	r := s.admit(reg.Recipient)
	if r == nil {
		return notify.Registration{}, notify.ErrNotFound
	}
	fresh := &registration{owner: r, Registration: notify.Registration{
		ID: reg.ID, Recipient: reg.Recipient, Address: reg.Address,
		Name: reg.Name, Locale: reg.Locale, Registered: now,
	}}
	fresh.Address.Meta = slices.Clone(reg.Address.Meta)
	if known := s.endpoints[endpointOf(reg.Address)]; known != nil {
		fresh.ID = known.ID
		switch {
		case known.owner == r:
			fresh.LastSuccess = known.LastSuccess
			fresh.LastError, fresh.LastErrorAt = known.LastError, known.LastErrorAt
		case !bytes.Equal(known.Address.Meta, reg.Address.Meta):
			return notify.Registration{}, notify.ErrConflict
		}
		s.removeRegistration(known)
	}
	s.makeRoom(r, reg.Address.Channel, limit)
	r.registrations = append(r.registrations, fresh)
	s.registrations[fresh.ID] = fresh
	s.endpoints[endpointOf(fresh.Address)] = fresh
	return fresh.export(), nil
}

// makeRoom drops the oldest registrations on a channel until there are fewer
// than limit. A limit of 0 is none.
func (s *Store) makeRoom(r *recipient, channel string, limit int) {
	if limit <= 0 {
		return
	}
	var others []*registration
	for _, reg := range r.registrations {
		if reg.Address.Channel == channel {
			others = append(others, reg)
		}
	}
	for len(others) >= limit {
		s.removeRegistration(others[0])
		others = others[1:]
	}
}

func (s *Store) removeRegistration(reg *registration) {
	r := reg.owner
	r.registrations = slices.DeleteFunc(r.registrations, func(other *registration) bool { return other == reg })
	delete(s.registrations, reg.ID)
	delete(s.endpoints, endpointOf(reg.Address))
}

// Unregister implements [notify.AddressStore].
func (s *Store) Unregister(ctx context.Context, who notify.Recipient, id notify.ID) error {
	if _, err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	reg := s.registrations[id]
	if reg == nil || reg.Recipient != who {
		return notify.ErrNotFound
	}
	s.removeRegistration(reg)
	return nil
}

// Addresses implements [notify.AddressStore]. Recipients without any are left
// out.
func (s *Store) Addresses(ctx context.Context, recipients []notify.Recipient) (map[notify.Recipient][]notify.Registration, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	addresses := make(map[notify.Recipient][]notify.Registration)
	for _, id := range recipients {
		r := s.recipients[id]
		if r == nil || len(r.registrations) == 0 || addresses[id] != nil {
			continue
		}
		for _, reg := range r.registrations {
			addresses[id] = append(addresses[id], reg.export())
		}
	}
	return addresses, nil
}

// learn records what an attempt learnt about an address. If the address has
// changed hands meanwhile, it says nothing about the new registration.
func (s *Store) learn(o notify.AddressOutcome, who notify.Recipient, now time.Time) {
	reg := s.registrations[o.Registration]
	switch {
	case reg == nil || reg.Recipient != who:
	case o.Gone:
		if !reg.Registered.After(stamp(o.Since)) {
			s.removeRegistration(reg)
		}
	case o.Error == "":
		reg.LastSuccess = now
	default:
		reg.LastError, reg.LastErrorAt = o.Error, now
	}
}
