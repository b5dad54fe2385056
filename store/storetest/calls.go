package storetest

import (
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// accept stores a batch. When it was filed is compared in a check of its own.
func (s *scene) accept(batch ...notify.Acceptance) []notify.Receipt {
	receipts := s.acceptTimed(batch...)
	for i := range receipts {
		receipts[i].Filed = time.Time{}
	}
	return receipts
}

// acceptTimed stores a batch and keeps the instants in the receipts.
func (s *scene) acceptTimed(batch ...notify.Acceptance) []notify.Receipt {
	receipts, err := s.Store.Accept(s.ctx, batch)
	s.ok(err, "Accept")
	equal(s, "number of receipts", len(receipts), len(batch))
	return receipts
}

// take stores one acceptance that must be new.
func (s *scene) take(a notify.Acceptance) notify.ID {
	equal(s, "receipt", s.accept(a)[0], notify.Receipt{ID: a.ID})
	return a.ID
}

// send stores n with its filings.
func (s *scene) send(n notify.Notification, filings ...notify.Filing) notify.ID {
	return s.take(s.acceptance(n, filings...))
}

// items reads an inbox.
func (s *scene) items(r notify.Recipient, q notify.ItemQuery) []notify.Item {
	items, err := s.Store.Items(s.ctx, r, q)
	s.ok(err, "Items")
	return items
}

// item reads one item, which must be there.
func (s *scene) item(r notify.Recipient, id notify.ID) notify.Item {
	items := s.items(r, notify.ItemQuery{IDs: []notify.ID{id}})
	if len(items) != 1 || items[0].ID != id {
		s.fail("the item of %s is %s, want one with id %s", r.ID, brief(items), id)
	}
	return items[0]
}

// inbox reads the ids of the items in a state.
func (s *scene) inbox(r notify.Recipient, state notify.State) []notify.ID {
	return ids(s.items(r, notify.ItemQuery{State: state}))
}

// ids are the ids of items, in their order.
func ids(items []notify.Item) []notify.ID {
	var found []notify.ID
	for _, it := range items {
		found = append(found, it.ID)
	}
	return found
}

// counts counts up to a limit that no check reaches by chance.
func (s *scene) counts(r notify.Recipient) notify.Counts {
	counts, err := s.Store.Counts(s.ctx, r, 1000)
	s.ok(err, "Counts")
	return counts
}

// mark changes items and returns how many changed.
func (s *scene) mark(r notify.Recipient, op notify.Op, items ...notify.ID) int {
	return s.markWith(r, notify.ItemMark{Op: op, IDs: items})
}

// snooze hides an item for d.
func (s *scene) snooze(r notify.Recipient, id notify.ID, d time.Duration) {
	n := s.markWith(r, notify.ItemMark{Op: notify.OpSnooze, IDs: []notify.ID{id}, Until: s.now().Add(d)})
	equal(s, "snoozed items", n, 1)
}

func (s *scene) markWith(r notify.Recipient, m notify.ItemMark) int {
	changed, err := s.Store.Mark(s.ctx, r, m)
	s.ok(err, "Mark "+string(m.Op))
	return changed
}

// claim claims up to n deliveries and digests of a channel.
func (s *scene) claim(channel string, n int) []notify.Task {
	return s.claimWith(notify.Claim{Lease: lease, Channels: map[string]int{channel: n}, Recovered: n})
}

// claimOne claims all of a channel, which must be one task.
func (s *scene) claimOne(channel string) notify.Task {
	return s.one(s.claim(channel, 10))
}

// claimFanOut claims all fan-outs and sweeps, which must be one task.
func (s *scene) claimFanOut() notify.Task {
	return s.one(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Recovered: 10}))
}

func (s *scene) claimWith(c notify.Claim) []notify.Task {
	tasks, err := s.Store.Claim(s.ctx, c)
	s.ok(err, "Claim")
	return tasks
}

func (s *scene) one(tasks []notify.Task) notify.Task {
	if len(tasks) != 1 {
		s.fail("claimed %d tasks, want 1: %s", len(tasks), brief(tasks))
	}
	return tasks[0]
}

// held is the lease of a claimed task.
func held(t notify.Task) notify.Lease { return notify.Lease{ID: t.ID, Epoch: t.Epoch} }

// settle records the outcome of a task that is held.
func (s *scene) settle(t notify.Task, o notify.Outcome) {
	o.Task = held(t)
	equal(s, "lost leases", s.settleAll(o), nil)
}

// settleAll records outcomes and returns the lost leases, sorted.
func (s *scene) settleAll(outcomes ...notify.Outcome) []notify.ID {
	lost, err := s.Store.Settle(s.ctx, outcomes)
	s.ok(err, "Settle")
	slices.Sort(lost)
	return lost
}

// load reads the facts of one task.
func (s *scene) load(t notify.Task) notify.Facts {
	facts, _, err := s.Store.Load(s.ctx, []notify.Task{t}, 0)
	s.ok(err, "Load")
	equal(s, "number of facts", len(facts), 1)
	return facts[0]
}

// records reads the log.
func (s *scene) records(q notify.DeliveryQuery) []notify.DeliveryRecord {
	records, err := s.Store.Deliveries(s.ctx, q)
	s.ok(err, "Deliveries")
	return records
}

// record reads one record, which must be there.
func (s *scene) record(id notify.ID) notify.DeliveryRecord {
	records := s.records(notify.DeliveryQuery{IDs: []notify.ID{id}})
	if len(records) != 1 || records[0].ID != id {
		s.fail("the record of %s is %s", id, brief(records))
	}
	return records[0]
}

// withdraw takes notifications back and returns their ids, sorted.
func (s *scene) withdraw(w notify.Withdrawal) []notify.ID {
	withdrawn, err := s.Store.Withdraw(s.ctx, w)
	s.ok(err, "Withdraw")
	slices.Sort(withdrawn)
	return withdrawn
}

// sweep removes all items of a withdrawn notification.
func (s *scene) sweep(id notify.ID) []notify.Recipient {
	of, err := s.Store.Sweep(s.ctx, id, 1000)
	s.ok(err, "Sweep")
	return of
}

// profile reads the profile of r, which must be in the answer.
func (s *scene) profile(r notify.Recipient) notify.Profile {
	profiles, err := s.Store.Profiles(s.ctx, []notify.Recipient{r})
	s.ok(err, "Profiles")
	p, ok := profiles[r]
	if !ok || len(profiles) != 1 {
		s.fail("the profiles of %s are %s", r.ID, brief(profiles))
	}
	return p
}

// register stores an address of r.
func (s *scene) register(r notify.Recipient, a notify.Address, limit int) notify.Registration {
	reg, err := s.Store.Register(s.ctx, notify.Registration{ID: s.id(), Recipient: r, Address: a}, limit)
	s.ok(err, "Register")
	return reg
}

// registered reads the registrations of r.
func (s *scene) registered(r notify.Recipient) []notify.Registration {
	found, err := s.Store.Addresses(s.ctx, []notify.Recipient{r})
	s.ok(err, "Addresses")
	return found[r]
}

// chunk files a part of the fan-out that is held, which is not withdrawn.
func (s *scene) chunk(t notify.Task, c notify.Chunk) {
	s.chunkTimed(t, c)
}

// chunkTimed does, and returns the instant that the store tells.
func (s *scene) chunkTimed(t notify.Task, c notify.Chunk) time.Time {
	c.Task = held(t)
	at, withdrawn, err := s.Store.FanOut(s.ctx, c)
	s.ok(err, "FanOut")
	s.that(!withdrawn, "FanOut says that the notification is withdrawn")
	return at
}
