package notify

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// target is an address that an attempt is going to try.
type target struct {
	address      Address
	identity     string
	destination  string
	registration ID // zero for an address of the directory
	registered   time.Time
}

// refused marks, among the addresses a delivery is done with, those that will
// never accept it.
const refused = "!"

// prepare reads, in one batch, all that the attempts have to know, and settles
// what need not be attempted. It returns what is to be done.
func (s *session) prepare(q *queue, raw []*work) []*work {
	now := time.Now()
	if q.channel == fanOutQueue {
		for _, w := range raw {
			w.prepared, w.mark = now, s.n.changes.mark()
		}
		return raw
	}
	ctx, cancel := context.WithTimeout(s.ctx, writeDeadline)
	defer cancel()
	raw, err := s.confirm(raw)
	if err == nil {
		err = guarded(func() error { return s.inform(ctx, q, raw) })
	}
	if err != nil {
		s.trouble(err)
		s.n.emit(ctx, Event{Type: EventStoreFailed, Channel: q.channel, Reason: "prepare", Err: err})
		for _, w := range raw {
			s.notPrepared(w, err)
		}
		return nil
	}
	// Counted from here: a slow store must not make everything stale at once.
	now = time.Now()
	kept := raw[:0]
	for _, w := range raw {
		if w.problem != nil {
			s.notPrepared(w, w.problem)
			continue
		}
		reason := skipReason(w.task, w.facts, w.now)
		if reason == "" && len(w.targets) == 0 {
			reason = s.whyNoTarget(w)
		}
		if reason != "" {
			s.settler.add(w, s.skip(w, reason))
			continue
		}
		if w.prepared.IsZero() {
			w.prepared = now
		}
		kept = append(kept, w)
	}
	return kept
}

// confirm leaves out deliveries that were never stored, since the store dropped
// their filing: an audience may name somebody twice.
func (s *session) confirm(works []*work) ([]*work, error) {
	s.mu.Lock()
	unsure := slices.DeleteFunc(slices.Clone(works), func(w *work) bool { return !w.renewed.IsZero() })
	s.mu.Unlock()
	if len(unsure) == 0 {
		return works, nil
	}
	lost, err := s.extend(unsure)
	if err != nil {
		return works, fmt.Errorf("notify: confirm leases: %w", err)
	}
	s.lose(lost)
	return slices.DeleteFunc(works, func(w *work) bool { return slices.Contains(lost, w.task.ID) }), nil
}

// notPrepared puts a work back of which too little could be found out.
func (s *session) notPrepared(w *work, err error) {
	s.settler.add(w, s.setBack(w, stepBack(10*s.n.pollInterval), "not prepared", storable(err.Error())))
}

// inform reads facts, contacts and suppressions for the works.
func (s *session) inform(ctx context.Context, q *queue, works []*work) error {
	channel := s.n.channels[q.channel]
	if err := s.load(ctx, channel, works); err != nil {
		return err
	}
	contacts, failed := s.n.contactsEach(ctx, recipientsOf(works))
	suppressed, err := s.suppressed(ctx, q.channel, works, contacts)
	if err != nil {
		return err
	}
	for _, w := range works {
		w.contact, w.problem = contacts[w.task.Recipient], failed[w.task.Recipient]
		if w.problem == nil {
			w.problem = guarded(func() error {
				w.targets = s.n.targets(channel, w, suppressed)
				return nil
			})
		}
		if w.problem != nil {
			s.trouble(w.problem)
			s.n.emit(ctx, Event{
				Type: EventStoreFailed, Recipient: w.task.Recipient, Delivery: w.task.ID, Channel: q.channel,
				Reason: "prepare", Err: w.problem,
			})
		}
	}
	return nil
}

// suppressed asks which of the addresses of the works must not be used.
func (s *session) suppressed(ctx context.Context, channel string, works []*work, contacts map[Recipient]Contact) (map[suppressedKey]bool, error) {
	perTenant := make(map[string][]Address)
	for _, w := range works {
		tenant := w.task.Recipient.Tenant
		for _, a := range addressesOf(w, contacts[w.task.Recipient], channel) {
			perTenant[tenant] = append(perTenant[tenant], Address{Channel: a.address.Channel, Value: a.address.Value})
		}
	}
	found := make(map[suppressedKey]bool)
	for tenant, addresses := range perTenant {
		list, err := s.n.store.Suppressed(ctx, tenant, addresses)
		if err != nil {
			return nil, fmt.Errorf("notify: suppressions: %w", err)
		}
		for _, entry := range list {
			found[suppressedKey{tenant, entry.Address.Value}] = true
		}
	}
	return found, nil
}

type suppressedKey struct{ tenant, address string }

// addressesOf lists the addresses of a recipient on a channel, those of the
// directory first.
func addressesOf(w *work, contact Contact, channel string) []target {
	var all []target
	add := func(t target) {
		if !slices.ContainsFunc(all, func(x target) bool { return x.address.Value == t.address.Value }) {
			t.identity = addressIdentity(w.task.ID, t.address)
			all = append(all, t)
		}
	}
	for _, a := range contact.Addresses {
		if a.Channel == channel && a.Value != "" {
			add(target{address: a})
		}
	}
	for _, reg := range w.facts.Addresses {
		add(target{address: reg.Address, registration: reg.ID, registered: reg.Registered})
	}
	return all
}

// targets are the addresses that an attempt is to try: none that has accepted
// or refused before, and none that is suppressed.
func (n *Notifier) targets(channel Channel, w *work, suppressed map[suppressedKey]bool) []target {
	if free, ok := channel.(Addressless); ok && free.Addressless() {
		t := target{identity: addressIdentity(w.task.ID, Address{})}
		return n.routed(channel, []target{t})
	}
	var open []target
	for _, t := range addressesOf(w, w.contact, channel.Name()) {
		done := slices.Contains(w.task.Accepted, t.identity) || slices.Contains(w.task.Accepted, refused+t.identity)
		if !done && !suppressed[suppressedKey{w.task.Recipient.Tenant, t.address.Value}] {
			open = append(open, t)
		}
	}
	return n.routed(channel, open)
}

func (n *Notifier) routed(channel Channel, targets []target) []target {
	if router, ok := channel.(Router); ok {
		for i := range targets {
			targets[i].destination = router.Destination(targets[i].address)
		}
	}
	return targets
}

// whyNoTarget is the reason of a delivery that has nobody left to go to.
func (s *session) whyNoTarget(w *work) string {
	switch {
	case len(w.task.Accepted) == 0 && len(addressesOf(w, w.contact, w.task.Channel)) == 0:
		return "no address"
	case len(w.task.Accepted) > 0:
		return "refused"
	}
	return "suppressed"
}

// skipReason decides whether a task is moot, and why. It is pure: the same
// facts, the same answer.
func skipReason(t Task, f Facts, now time.Time) string {
	switch {
	case f.Profile.Erased:
		return "erased"
	case t.Kind == KindDigest:
		return ""
	case f.Withdrawn:
		return "withdrawn"
	case f.Item.ID == "":
		return "replaced"
	case !f.Notification.ExpiresAt.IsZero() && !now.Before(f.Notification.ExpiresAt):
		return "expired"
	case t.Forced:
		return ""
	case optedOut(f.Profile, t.Provider, t.Channel, t.PreferencesVersion):
		return "opted out"
	case !f.Item.Read.IsZero():
		return "read"
	case !f.Item.Archived.IsZero():
		return "archived"
	}
	return ""
}

// optedOut tells whether the recipient has turned a provider's channel off
// since the version of the preferences under which something was filed, or
// whether it is off now. Versions, unlike instants, order a save and a filing
// exactly, whichever transaction committed first.
func optedOut(p Profile, provider, channel string, version int64) bool {
	for _, o := range p.OptOuts {
		if o.Version > version && o.covers(provider, channel) {
			return true
		}
	}
	if p.Preferences.Muted {
		return true
	}
	switch cell := p.Preferences.Choices[provider][channel]; {
	case cell == Off:
		return true
	case cell.decides():
		return false
	}
	return p.Preferences.Channels[channel] == Off
}
