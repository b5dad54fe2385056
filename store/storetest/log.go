package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

var logChecks = []check{
	{"log/a pending delivery is in it", logPending},
	{"log/each delivery is in exactly one status", logStatuses},
	{"log/newest first, in pages", logPages},
	{"log/a hundred when no limit is given", logDefaultLimit},
	{"log/by recipient, notification, channel and id", logQueries},
	{"redeliver/dead ones come back with their identity", redeliverDead},
	{"redeliver/nothing but dead ones", redeliverOthers},
	{"redeliver/a digest", redeliverDigest},
	{"redeliver/a rejection stays", redeliverRejection},
	{"stats/counts the outbox", statsQueues},
	{"stats/an empty store", statsEmpty},
	{"stats/dead ones and the earliest plan", statsDead},
}

func logPending(s *scene) {
	task := s.delivery(notify.Email)
	task.Wait = time.Minute
	id := s.send(invoice, to(alice, task))
	filed := s.item(alice, id).Filed
	equal(s, "record", s.record(task.ID), notify.DeliveryRecord{
		ID: task.ID, Recipient: alice, Notification: id, Provider: "billing", Channel: notify.Email,
		Status: notify.StatusPending, Filed: filed, Due: filed.Add(time.Minute),
	})
}

func logStatuses(s *scene) {
	statuses := []notify.Status{notify.StatusPending, notify.StatusUnknown, notify.StatusDelivered, notify.StatusSkipped, notify.StatusDead}
	want := map[notify.Status]notify.ID{}
	for _, status := range statuses {
		task := s.hold()
		s.settle(task, notify.Outcome{Status: status, RetryIn: 100 * time.Hour})
		want[status] = task.ID
	}
	for _, status := range statuses {
		records := s.records(notify.DeliveryQuery{Status: status})
		s.that(len(records) == 1 && records[0].ID == want[status] && records[0].Status == status, "with status %s: %s", status, brief(records))
	}
	equal(s, "records", len(s.records(notify.DeliveryQuery{})), len(statuses))
}

func logPages(s *scene) {
	const n = 11
	for i := range n {
		task := s.hold()
		if i%2 == 0 {
			s.settle(task, notify.Outcome{Status: notify.StatusDelivered})
		}
		if i%3 == 0 {
			s.Advance(time.Second)
		}
	}
	all := s.records(notify.DeliveryQuery{})
	equal(s, "number of records", len(all), n)
	for i, r := range all[1:] {
		newer := all[i]
		s.that(newer.Filed.After(r.Filed) || newer.Filed.Equal(r.Filed) && newer.ID > r.ID,
			"record %s at %v comes before %s at %v", newer.ID, newer.Filed, r.ID, r.Filed)
	}
	var got []notify.DeliveryRecord
	for q := (notify.DeliveryQuery{Limit: 4}); len(got) < n; {
		page := s.records(q)
		s.that(len(page) == min(4, n-len(got)), "a page after %d records has %d", len(got), len(page))
		got = append(got, page...)
		last := page[len(page)-1]
		q.Before = notify.Position{Filed: last.Filed, ID: last.ID}
	}
	equal(s, "records in pages", got, all)
}

func logDefaultLimit(s *scene) {
	for range 21 {
		var tasks []notify.NewTask
		for i := range 5 {
			tasks = append(tasks, s.delivery(fmt.Sprintf("channel-%d", i)))
		}
		s.send(invoice, to(alice, tasks...))
	}
	equal(s, "number of records", len(s.records(notify.DeliveryQuery{})), 100)
	equal(s, "number of records up to 104", len(s.records(notify.DeliveryQuery{Limit: 104})), 104)
}

func logQueries(s *scene) {
	namesake := notify.Recipient{Tenant: "globex", ID: alice.ID}
	a, b, c, d := s.delivery(notify.Email), s.delivery(notify.Mobile), s.delivery(notify.Email), s.delivery(notify.Email)
	first := s.send(invoice, to(alice, a, b), to(bob, c))
	n := invoice
	n.Tenant = "globex"
	s.send(n, to(namesake, d))
	for _, t := range s.claim(notify.Email, 10) {
		if t.ID == c.ID {
			s.settle(t, notify.Outcome{Status: notify.StatusDelivered})
		}
	}
	for what, query := range map[string]struct {
		q    notify.DeliveryQuery
		want []notify.ID
	}{
		"a recipient":             {notify.DeliveryQuery{Recipient: &alice}, []notify.ID{a.ID, b.ID}},
		"another":                 {notify.DeliveryQuery{Recipient: &bob}, []notify.ID{c.ID}},
		"a namesake":              {notify.DeliveryQuery{Recipient: &namesake}, []notify.ID{d.ID}},
		"a notification":          {notify.DeliveryQuery{Notification: first}, []notify.ID{a.ID, b.ID, c.ID}},
		"a channel":               {notify.DeliveryQuery{Channel: notify.Mobile}, []notify.ID{b.ID}},
		"ids":                     {notify.DeliveryQuery{IDs: []notify.ID{c.ID, a.ID, s.id()}}, []notify.ID{a.ID, c.ID}},
		"a recipient and channel": {notify.DeliveryQuery{Recipient: &alice, Channel: notify.Email}, []notify.ID{a.ID}},
		"a recipient and status":  {notify.DeliveryQuery{Recipient: &bob, Status: notify.StatusPending}, nil},
	} {
		var got []notify.ID
		for _, r := range s.records(query.q) {
			got = append(got, r.ID)
		}
		slices.Sort(got)
		equal(s, "records by "+what, got, query.want)
	}
}

// redeliver puts dead deliveries back and returns how many it were.
func (s *scene) redeliver(ids ...notify.ID) int {
	n, err := s.Store.Redeliver(s.ctx, ids)
	s.ok(err, "Redeliver")
	return n
}

func redeliverDead(s *scene) {
	f := to(alice, s.delivery(notify.Email))
	f.PreferencesVersion = 4
	f.Tasks[0].Forced, f.Tasks[0].Bucket = true, 99
	s.send(invoice, f)
	task := s.claimOne(notify.Email)
	s.settle(task, notify.Outcome{Status: notify.StatusDead, Reason: "permanent", Error: "550", Charge: true, Accepted: []string{"has it", "!refused"}})
	s.Advance(time.Hour)
	s.send(invoice, to(alice, s.delivery("other")))
	s.Advance(time.Second)
	s.during("Due", func() time.Time {
		equal(s, "redelivered", s.redeliver(task.ID), 1)
		return s.record(task.ID).Due
	})
	record := s.record(task.ID)
	equal(s, "newest record", s.records(notify.DeliveryQuery{})[0].ID, task.ID)
	s.that(record.Status == notify.StatusPending && record.Settled.IsZero() && record.Attempts == 0, "the record is %+v", record)
	again := s.claimOne(notify.Email)
	s.that(again.Attempts == 0 && !again.Recovered, "the task is %+v", again)
	equal(s, "accepted", again.Accepted, []string{"has it"})
	for what, pair := range map[string][2]any{
		"id": {again.ID, task.ID}, "kind": {again.Kind, task.Kind}, "recipient": {again.Recipient, alice}, "channel": {again.Channel, task.Channel},
		"notification": {again.Notification, task.Notification}, "provider": {again.Provider, task.Provider}, "filed": {again.Filed, record.Due},
		"forced": {again.Forced, true}, "version": {again.PreferencesVersion, int64(4)},
	} {
		equal(s, what, pair[0], pair[1])
	}
	s.settle(again, notify.Outcome{Status: notify.StatusDelivered})
	equal(s, "records", len(s.records(notify.DeliveryQuery{})), 2)
}

func redeliverOthers(s *scene) {
	var others []notify.ID
	for _, status := range []notify.Status{notify.StatusDelivered, notify.StatusSkipped, notify.StatusUnknown, notify.StatusPending} {
		task := s.hold()
		s.settle(task, notify.Outcome{Status: status, RetryIn: 100 * time.Hour})
		others = append(others, task.ID)
	}
	dead := s.hold()
	s.settle(dead, notify.Outcome{Status: notify.StatusDead})
	equal(s, "redelivered of no dead ones", s.redeliver(append(others, s.id())...), 0)
	equal(s, "redelivered", s.redeliver(append(others, dead.ID)...), 1)
	equal(s, "redelivered again", s.redeliver(dead.ID), 0)
	equal(s, "task", s.claimOne(notify.Email).ID, dead.ID)
}

func redeliverDigest(s *scene) {
	s.enter(alice, notify.Email, s.now().Add(time.Hour))
	task := s.digest(alice)
	s.settle(task, notify.Outcome{Status: notify.StatusDead, NextCut: s.now().Add(100 * time.Hour)})
	equal(s, "redelivered", s.redeliver(task.ID), 1)
	again := s.claimOne(notify.Email)
	s.that(again.ID == task.ID && again.Kind == notify.KindDigest && again.Recipient == alice && again.Cut.Equal(task.Cut), "the task is %+v", again)
}

func redeliverRejection(s *scene) {
	rejected := notify.Rejection{ID: s.id(), Recipient: bob, Reason: "no recipient"}
	s.chunk(s.begin(alice, bob), notify.Chunk{Filings: []notify.Filing{to(alice)}, Rejected: []notify.Rejection{rejected}, Done: true})
	equal(s, "redelivered", s.redeliver(rejected.ID), 0)
	equal(s, "status", s.record(rejected.ID).Status, notify.StatusDead)
}

// queue reads the counts of one kind and channel.
func (s *scene) queue(kind notify.Kind, channel string) notify.QueueStats {
	stats := s.stats()
	found := notify.QueueStats{Kind: kind, Channel: channel}
	for _, q := range stats.Queues {
		if q.Kind == kind && q.Channel == channel {
			found = q
		}
	}
	return found
}

// stats counts the outbox.
func (s *scene) stats() notify.Stats {
	stats, err := s.Store.Stats(s.ctx)
	s.ok(err, "Stats")
	return stats
}

func statsQueues(s *scene) {
	due := s.delivery(notify.Email)
	id := s.send(invoice, to(alice, due))
	filed := s.item(alice, id).Filed
	s.Advance(time.Second)
	s.send(invoice, to(alice, s.delivery(notify.Email), s.delivery(notify.Mobile)))
	later := s.delivery(notify.Email)
	later.Wait = time.Hour
	s.send(invoice, to(alice, later))
	s.take(s.fanOut(invoice, bob))
	equal(s, "emails", s.queue(notify.KindDelivery, notify.Email),
		notify.QueueStats{Kind: notify.KindDelivery, Channel: notify.Email, Pending: 3, Due: 2, OldestDue: filed})
	s.claim(notify.Email, 1)
	got := s.queue(notify.KindDelivery, notify.Email)
	s.that(got.Pending == 2 && got.Leased == 1 && got.Due == 1, "with one leased: %+v", got)
	s.claim(notify.Mobile, 1)
	equal(s, "mobiles", s.queue(notify.KindDelivery, notify.Mobile), notify.QueueStats{Kind: notify.KindDelivery, Channel: notify.Mobile, Leased: 1})
	equal(s, "fan-outs", s.queue(notify.KindFanOut, "").Pending, 1)
	chat := invoice
	chat.Provider = "chats"
	s.take(s.fanOut(chat, bob))
	pending := map[string]int{}
	for _, q := range s.stats().Queues {
		if q.Kind == notify.KindFanOut {
			pending[q.Provider] = q.Pending
		} else {
			equal(s, "provider of deliveries", q.Provider, "")
		}
	}
	equal(s, "fan-outs by provider", pending, map[string]int{"billing": 1, "chats": 1})
}

func statsEmpty(s *scene) {
	var stats notify.Stats
	s.during("Now", func() time.Time {
		stats = s.stats()
		return stats.Now
	})
	for _, q := range stats.Queues {
		s.that(q.Pending == 0 && q.Leased == 0 && q.Due == 0, "a queue of an empty store: %+v", q)
	}
	s.that(stats.Dead == 0 && stats.NextCut.IsZero(), "the stats of an empty store are %+v", stats)
}

func statsDead(s *scene) {
	for _, status := range []notify.Status{notify.StatusDead, notify.StatusDead, notify.StatusDelivered, notify.StatusSkipped} {
		s.settle(s.hold(), notify.Outcome{Status: status})
	}
	cut := s.now().Add(time.Hour)
	s.enter(alice, notify.Email, cut.Add(time.Hour))
	s.enter(bob, "letter", cut)
	s.enter(carol, notify.Email, cut)
	s.drop(carol)
	stats := s.stats()
	equal(s, "dead", stats.Dead, 2)
	equal(s, "next cut", stats.NextCut, cut)
	for _, q := range stats.Queues {
		s.that(q.Pending == 0 && q.Leased == 0, "a queue when all is settled: %+v", q)
	}
}
