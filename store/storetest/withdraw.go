package storetest

import (
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var withdrawChecks = []check{
	{"withdraw/by key", withdrawKey},
	{"withdraw/by entity and provider", withdrawEntityProvider},
	{"withdraw/by entity of every provider", withdrawEntity},
	{"withdraw/a second time finds nothing", withdrawTwice},
	{"withdraw/what does not exist is no error", withdrawNothing},
	{"withdraw/a later notification about the entity stands", withdrawLater},
	{"withdraw/puts a sweep into the outbox", withdrawSweepTask},
	{"withdraw/facts say so", withdrawFacts},
	{"withdraw/before it is due", withdrawBefore},
	{"withdraw/of callers at once one gets each", withdrawConcurrent},
	{"sweep/removes items in batches and tells whose", sweepBatches},
	{"sweep/the last batch removes the task", sweepTask},
	{"sweep/removes digest entries", sweepEntries},
	{"sweep/spares what stands", sweepSpares},
}

// about is a notification about an entity.
func about(provider, entity string) notify.Notification {
	n := invoice
	n.Provider, n.Entity = provider, entity
	return n
}

func withdrawKey(s *scene) {
	n := invoice
	n.Key = "k"
	first := s.send(n, to(alice))
	for _, edit := range []func(*notify.Notification){
		func(n *notify.Notification) { n.Key = "k2" },
		func(n *notify.Notification) { n.Provider = "chats" },
		func(n *notify.Notification) { n.Tenant = "" },
		func(n *notify.Notification) { n.Key, n.Entity = "", "k" },
	} {
		other := n
		edit(&other)
		s.send(other, to(notify.Recipient{Tenant: other.Tenant, ID: "bob"}))
	}
	equal(s, "withdrawn", s.withdraw(notify.Withdrawal{Tenant: "acme", Provider: "billing", Key: "k"}), []notify.ID{first})
}

func withdrawEntityProvider(s *scene) {
	first, second := s.send(about("billing", "e"), to(alice)), s.send(about("billing", "e"), to(bob))
	s.send(about("chats", "e"), to(alice))
	s.send(about("billing", "f"), to(alice))
	equal(s, "withdrawn", s.withdraw(notify.Withdrawal{Tenant: "acme", Provider: "billing", Entity: "e"}), []notify.ID{first, second})
}

func withdrawEntity(s *scene) {
	first, second := s.send(about("billing", "e"), to(alice)), s.send(about("chats", "e"), to(bob))
	other := about("billing", "e")
	other.Tenant = "globex"
	s.send(other, to(notify.Recipient{Tenant: "globex", ID: "alice"}))
	s.send(about("billing", ""), to(alice))
	equal(s, "withdrawn", s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"}), []notify.ID{first, second})
}

func withdrawTwice(s *scene) {
	id := s.send(about("billing", "e"), to(alice))
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
	equal(s, "withdrawn again", s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"}), nil)
	s.sweep(id)
	equal(s, "withdrawn after the sweep", s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"}), nil)
	equal(s, "sweeps", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10})), 0)
}

func withdrawNothing(s *scene) {
	id := s.send(invoice, to(alice))
	equal(s, "withdrawn by key", s.withdraw(notify.Withdrawal{Tenant: "acme", Provider: "billing", Key: "k"}), nil)
	equal(s, "withdrawn by entity", s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"}), nil)
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{id})
}

func withdrawLater(s *scene) {
	s.send(about("billing", "e"), to(alice))
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
	later := s.send(about("billing", "e"), to(alice))
	equal(s, "withdrawn", s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"}), []notify.ID{later})
}

func withdrawSweepTask(s *scene) {
	id := s.send(about("billing", "e"), to(alice))
	s.Advance(time.Minute)
	var task notify.Task
	s.during("Filed", func() time.Time {
		s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
		task = s.claimFanOut()
		return task.Filed
	})
	s.that(task.ID == id && task.Kind == notify.KindSweep && task.Notification == id && task.Provider == "billing" &&
		task.Recipient == notify.Recipient{Tenant: "acme"} && task.Due.Equal(task.Filed), "the sweep is %+v", task)
	s.that(s.load(task).Withdrawn, "the facts of the sweep do not say that it is withdrawn")
}

func withdrawFacts(s *scene) {
	f := to(alice, s.delivery(notify.Email))
	s.send(about("billing", "e"), f)
	task := s.claimOne(notify.Email)
	s.that(!s.load(task).Withdrawn, "withdrawn before it was")
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
	s.that(s.load(task).Withdrawn, "the facts do not say that it is withdrawn")
}

func withdrawBefore(s *scene) {
	n := about("billing", "e")
	n.NotBefore = s.now().Add(time.Hour)
	a := s.fanOut(n, alice)
	s.take(a)
	equal(s, "withdrawn", s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"}), []notify.ID{a.ID})
	s.Advance(2 * time.Hour)
	for _, t := range s.claimWith(notify.Claim{Lease: lease, FanOuts: 10}) {
		if t.Kind != notify.KindFanOut {
			continue
		}
		_, withdrawn, err := s.Store.FanOut(s.ctx, notify.Chunk{Task: held(t), Filings: []notify.Filing{to(alice)}})
		s.ok(err, "FanOut")
		s.that(withdrawn, "FanOut does not say that the notification is withdrawn")
	}
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
}

func withdrawConcurrent(s *scene) {
	var want []notify.ID
	for range 5 {
		want = append(want, s.send(about("billing", "e"), to(alice)))
	}
	var got [8][]notify.ID
	s.parallel(len(got), func(i int) (err error) {
		got[i], err = s.Store.Withdraw(s.ctx, notify.Withdrawal{Tenant: "acme", Entity: "e"})
		return err
	})
	all := slices.Concat(got[:]...)
	slices.Sort(all)
	equal(s, "withdrawn by all together", all, want)
	equal(s, "sweeps", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 100})), len(want))
}

func sweepBatches(s *scene) {
	people := []notify.Recipient{alice, bob, carol, {Tenant: "acme", ID: "dave"}, {Tenant: "acme", ID: "erin"}}
	var filings []notify.Filing
	for _, r := range people {
		filings = append(filings, to(r))
	}
	id := s.send(about("billing", "e"), filings...)
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
	var swept []notify.Recipient
	for _, want := range []int{2, 2, 1, 0} {
		got, err := s.Store.Sweep(s.ctx, id, 2)
		s.ok(err, "Sweep")
		equal(s, "swept", len(got), want)
		swept = append(swept, got...)
		left := 0
		for _, r := range people {
			left += len(s.inbox(r, notify.StateAll))
		}
		equal(s, "items left", left, len(people)-len(swept))
	}
	slices.SortFunc(swept, compareRecipients)
	equal(s, "recipients", swept, people)
}

func sweepTask(s *scene) {
	id := s.send(about("billing", "e"), to(alice), to(bob))
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
	_, err := s.Store.Sweep(s.ctx, id, 1)
	s.ok(err, "Sweep")
	task := s.claimFanOut()
	equal(s, "task after a full batch", task.ID, id)
	s.sweep(id)
	s.that(s.renew(held(task)), "the task is there after the last batch")
	s.Advance(lease + time.Minute)
	equal(s, "tasks after the last batch", len(s.claimWith(notify.Claim{Lease: lease, FanOuts: 10, Recovered: 10})), 0)
}

func sweepEntries(s *scene) {
	f := to(alice)
	f.Entries = []notify.NewEntry{{Channel: notify.Email, NextCut: s.now().Add(time.Hour)}}
	id := s.send(about("billing", "e"), f)
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
	equal(s, "swept", s.sweep(id), []notify.Recipient{alice})
	s.Advance(time.Second)
	s.apply(s.opening(alice, s.now(), s.now().Add(time.Hour)))
	equal(s, "digests", len(s.claim(notify.Email, 10)), 0)
}

func sweepSpares(s *scene) {
	stands := s.send(about("billing", "f"), to(alice))
	equal(s, "swept of what stands", s.sweep(stands), nil)
	id := s.send(about("billing", "e"), to(alice))
	s.withdraw(notify.Withdrawal{Tenant: "acme", Entity: "e"})
	s.sweep(id)
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{stands})
}
