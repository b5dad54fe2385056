package memory

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// plan is when the next digest of a recipient on a channel closes.
type plan struct {
	owner   *recipient
	channel string
	nextCut time.Time
	lastCut time.Time
	pending []*entry // in their order
	open    []*task  // digests that are in the outbox
}

func (p *plan) export() notify.Plan {
	return notify.Plan{Recipient: p.owner.id, Channel: p.channel, NextCut: p.nextCut, LastCut: p.lastCut}
}

// planCut plans the next cut, or with a zero instant none.
func (s *Store) planCut(p *plan, at time.Time) {
	due := s.plans[p.channel]
	if due == nil {
		due = &ordered[*plan]{compare: compareCuts}
		s.plans[p.channel] = due
	}
	if !p.nextCut.IsZero() {
		due.remove(p)
	}
	if p.nextCut = stamp(at); !p.nextCut.IsZero() {
		due.insert(p)
	}
}

// DuePlans implements [notify.DigestStore]. A limit of 0 is none.
func (s *Store) DuePlans(ctx context.Context, channels []string, limit int) ([]notify.Plan, time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer s.mu.Unlock()
	var due []*plan
	for _, channel := range channels {
		if s.plans[channel] == nil {
			continue
		}
		found := 0
		for p := range s.plans[channel].all() {
			if p.nextCut.After(now) || limit > 0 && found == limit {
				break
			}
			due = append(due, p)
			found++
		}
	}
	slices.SortFunc(due, compareCuts)
	due = slices.Compact(due)
	if limit > 0 {
		due = due[:min(len(due), limit)]
	}
	var plans []notify.Plan
	for _, p := range due {
		exported := p.export()
		if len(p.pending) > 0 {
			exported.First = p.pending[0].filed
		}
		plans = append(plans, exported)
	}
	return plans, now, nil
}

// OpenDigests implements [notify.DigestStore]. An earlier digest whose lease
// has expired counts as leased: its letter may be out.
func (s *Store) OpenDigests(ctx context.Context, openings []notify.Opening) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	for i := range openings {
		s.open(&openings[i], now)
	}
	return nil
}

func (s *Store) open(o *notify.Opening, now time.Time) {
	r := s.recipients[o.Plan.Recipient]
	if r == nil || r.plans[o.Plan.Channel] == nil {
		return
	}
	p := r.plans[o.Plan.Channel]
	if !p.nextCut.Equal(stamp(o.Plan.NextCut)) || !p.lastCut.Equal(stamp(o.Plan.LastCut)) {
		return
	}
	cut := stamp(o.Cut)
	if cut.IsZero() {
		s.planRest(p, o.NextCut)
		return
	}
	bound := append(s.closeWindow(p, stamp(o.Oldest), cut), s.supersede(p, now)...)
	if len(bound) > 0 {
		s.addDigest(p, o, bound, now)
	}
	p.lastCut = cut
	s.planRest(p, o.NextCut)
}

// planRest plans the next cut if there is anything left that waits for it.
func (s *Store) planRest(p *plan, at time.Time) {
	if len(p.pending) == 0 {
		at = time.Time{}
	}
	s.planCut(p, at)
}

// closeWindow takes out the pending entries from before the cut. Those from
// before oldest are dropped, the others returned.
func (s *Store) closeWindow(p *plan, oldest, cut time.Time) []*entry {
	before := func(at time.Time) int {
		i, _ := slices.BinarySearchFunc(p.pending, at, func(e *entry, at time.Time) int {
			if e.filed.Before(at) {
				return -1
			}
			return 1
		})
		return i
	}
	for range min(before(oldest), before(cut)) {
		s.removeEntry(p.pending[0])
	}
	closed := before(cut)
	bound := slices.Clone(p.pending[:closed])
	p.pending = slices.Delete(p.pending, 0, closed)
	return bound
}

// supersede closes the earlier digests that nobody has begun and returns their
// entries.
func (s *Store) supersede(p *plan, now time.Time) []*entry {
	var released []*entry
	for _, earlier := range slices.Clone(p.open) {
		if earlier.Unknown || !earlier.lease.IsZero() {
			continue
		}
		released = append(released, earlier.entries...)
		earlier.entries = nil
		s.finish(earlier, notify.StatusSkipped, "superseded", now)
	}
	return released
}

// addDigest puts a digest into the outbox and binds its entries to it.
func (s *Store) addDigest(p *plan, o *notify.Opening, bound []*entry, now time.Time) {
	slices.SortFunc(bound, compareEntries)
	t := newTask(o.Task, now)
	t.Kind, t.Channel, t.Recipient = notify.KindDigest, p.channel, p.owner.id
	t.Cut, t.From = stamp(o.Cut), stamp(o.From)
	t.plan, t.entries = p, bound
	for _, e := range bound {
		e.digest = t
	}
	p.open = append(p.open, t)
	s.addDelivery(t, p.owner, nil, o.Task.Lease)
}
