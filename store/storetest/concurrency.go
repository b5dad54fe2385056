package storetest

import (
	"fmt"
	"slices"

	"github.com/bellwether-go/notify"
)

var concurrencyChecks = []check{
	{"concurrency/senders to the same recipients", concurrentSenders},
	{"concurrency/fan-outs to the same recipients", concurrentFanOuts},
	{"concurrency/senders, readers and workers", concurrentAll},
	{"concurrency/a save and a filing", concurrentPlans},
}

// crowd are recipients in their order.
func crowd(n int) []notify.Recipient {
	var all []notify.Recipient
	for i := range n {
		all = append(all, notify.Recipient{Tenant: "acme", ID: fmt.Sprintf("r%03d", i)})
	}
	return all
}

func concurrentSenders(s *scene) {
	const senders, each = 8, 6
	people := crowd(10)
	var batches [senders][]notify.Acceptance
	for i := range batches {
		for range each {
			var filings []notify.Filing
			for _, r := range people {
				filings = append(filings, to(r, s.delivery(notify.Email)))
			}
			if i%2 == 1 {
				slices.Reverse(filings)
			}
			batches[i] = append(batches[i], s.acceptance(invoice, filings...))
		}
	}
	s.parallel(senders, func(i int) error {
		for j := range batches[i] {
			if _, err := s.Store.Accept(s.ctx, batches[i][j:j+1]); err != nil {
				return err
			}
		}
		return nil
	})
	for _, r := range people {
		equal(s, "items of "+r.ID, len(s.inbox(r, notify.StateUnread)), senders*each)
	}
	equal(s, "deliveries", len(s.claim(notify.Email, 1000)), senders*each*len(people))
}

func concurrentFanOuts(s *scene) {
	const workers = 6
	people := crowd(10)
	var chunks [workers]notify.Chunk
	for range workers {
		s.take(s.fanOut(weather("rain"), people...))
	}
	for i, t := range s.claimWith(notify.Claim{Lease: lease, FanOuts: workers}) {
		chunks[i] = notify.Chunk{Task: held(t), Done: true}
		for _, r := range people {
			f := to(r)
			f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: s.now().Add(lease)}}
			chunks[i].Filings = append(chunks[i].Filings, f)
		}
	}
	s.parallel(workers, func(i int) error {
		_, _, err := s.Store.FanOut(s.ctx, chunks[i])
		return err
	})
	for _, r := range people {
		equal(s, "items of "+r.ID, len(s.inbox(r, notify.StateUnread)), 1)
		equal(s, "plans of "+r.ID, len(s.profile(r).Plans), 1)
	}
}

func concurrentAll(s *scene) {
	const rounds = 20
	people := crowd(4)
	var batches [2][]notify.Acceptance
	for i := range batches {
		for range rounds {
			var filings []notify.Filing
			for _, r := range people {
				filings = append(filings, to(r, s.delivery(notify.Email)))
			}
			batches[i] = append(batches[i], s.acceptance(invoice, filings...))
		}
	}
	send := func(i int) error {
		for j := range batches[i] {
			if _, err := s.Store.Accept(s.ctx, batches[i][j:j+1]); err != nil {
				return err
			}
		}
		return nil
	}
	work := func() error {
		for range rounds {
			tasks, err := s.Store.Claim(s.ctx, notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 10}})
			if err != nil {
				return err
			}
			var outcomes []notify.Outcome
			for _, t := range tasks {
				outcomes = append(outcomes, notify.Outcome{Task: held(t), Status: notify.StatusDelivered})
			}
			if lost, err := s.Store.Settle(s.ctx, outcomes); err != nil || len(lost) > 0 {
				return fmt.Errorf("%d leases lost, error %w", len(lost), err)
			}
		}
		return nil
	}
	read := func() error {
		for i := range rounds {
			r := people[i%len(people)]
			items, err := s.Store.Items(s.ctx, r, notify.ItemQuery{State: notify.StateUnread, Limit: 5})
			if err != nil {
				return err
			}
			if len(items) > 0 {
				if _, err := s.Store.Mark(s.ctx, r, notify.ItemMark{Op: notify.OpRead, IDs: ids(items)}); err != nil {
					return err
				}
			}
			if _, err := s.Store.Counts(s.ctx, r, 100); err != nil {
				return err
			}
		}
		return nil
	}
	s.parallel(6, func(i int) error {
		switch i {
		case 0, 1:
			return send(i)
		case 2, 3:
			return work()
		default:
			return read()
		}
	})
	for _, r := range people {
		equal(s, "items of "+r.ID, len(s.inbox(r, notify.StateAll)), 2*rounds)
	}
	left := s.claim(notify.Email, 1000)
	delivered := len(s.records(notify.DeliveryQuery{Status: notify.StatusDelivered, Limit: 1000}))
	equal(s, "deliveries, delivered and left", delivered+len(left), 2*rounds*len(people))
}

func concurrentPlans(s *scene) {
	for version := range int64(5) {
		cut := s.now().Add(lease)
		f := to(alice)
		f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: cut}}
		a := s.acceptance(invoice, f)
		s.parallel(2, func(i int) error {
			if i == 0 {
				_, err := s.Store.Accept(s.ctx, []notify.Acceptance{a})
				return err
			}
			return s.Store.SaveProfile(s.ctx, alice, notify.Profile{
				Preferences: chosen(version), Plans: []notify.Plan{{Recipient: alice, Channel: notify.Email, NextCut: cut.Add(lease)}},
			})
		})
		p := s.profile(alice)
		equal(s, "version", p.Preferences.Version, version+1)
		equal(s, "plans", len(p.Plans), 1)
	}
}
