package storetest

import (
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
)

var acceptChecks = []check{
	{"accept/files an item at once", acceptFiles},
	{"accept/an empty batch has no receipts", acceptEmpty},
	{"accept/receipts come in the order of the batch", acceptOrder},
	{"accept/a replay returns the first receipt", acceptReplay},
	{"accept/a replay writes nothing", acceptReplayWritesNothing},
	{"accept/a replay by 32 callers at once", acceptReplayConcurrent},
	{"accept/twins in one batch are one notification", acceptTwins},
	{"accept/a replay tells that it was withdrawn", acceptReplayWithdrawn},
	{"accept/other content is a conflict", acceptConflict},
	{"accept/other content in one batch is a conflict", acceptConflictTwins},
	{"accept/a conflict fails only its own row", acceptConflictAlone},
	{"accept/keys are taken per tenant and provider", acceptKeyScope},
	{"accept/without a key nothing is a replay", acceptKeyless},
	{"accept/a task waits in the outbox and files nothing", acceptTask},
	{"accept/the batch is not kept", acceptNotKept},
	{"accept/a receipt says when all was filed", acceptFiled},
}

// acceptFiled: a store need not say it, but what it says is believed.
func acceptFiled(s *scene) {
	keyed, collapsing := invoice, invoice
	keyed.Key, collapsing.CollapseKey = "k", "c"
	s.send(keyed, to(alice))
	batch := []notify.Acceptance{
		s.acceptance(invoice, to(alice), to(bob)), s.fanOut(invoice, carol), s.acceptance(keyed, to(alice)),
	}
	receipts := s.acceptTimed(batch...)
	if at := receipts[0].Filed; !at.IsZero() {
		equal(s, "instant of the item of alice", s.item(alice, batch[0].ID).Filed, at)
		equal(s, "instant of the item of bob", s.item(bob, batch[0].ID).Filed, at)
	}
	equal(s, "instant of what a task files", receipts[1].Filed, time.Time{})
	equal(s, "instant of a replay", receipts[2].Filed, time.Time{})
	dropping := s.acceptTimed(s.acceptance(invoice, to(carol), to(carol)))
	equal(s, "instant with a filing that was dropped", dropping[0].Filed, time.Time{})
	equal(s, "instant of what may collapse", s.acceptTimed(s.acceptance(collapsing, to(alice)))[0].Filed, time.Time{})
}

func acceptFiles(s *scene) {
	var id notify.ID
	s.during("Filed", func() time.Time {
		id = s.send(invoice, to(alice), to(bob))
		return s.item(alice, id).Filed
	})
	for _, r := range []notify.Recipient{alice, bob} {
		it := s.item(r, id)
		it.Filed = time.Time{}
		equal(s, "item", it, notify.Item{ID: id, Recipient: r, Notification: invoice, NotificationID: id})
	}
	equal(s, "items of somebody else", s.inbox(carol, notify.StateAll), nil)
}

func acceptEmpty(s *scene) {
	equal(s, "receipts", len(s.accept()), 0)
}

func acceptOrder(s *scene) {
	keyed := invoice
	keyed.Key = "k"
	first := s.send(keyed, to(alice))
	changed := keyed
	changed.Title = "Invoice 18"
	batch := []notify.Acceptance{
		s.acceptance(invoice, to(alice)), s.acceptance(keyed, to(alice)),
		s.acceptance(changed, to(alice)), s.acceptance(invoice, to(bob)),
	}
	receipts := s.accept(batch...)
	equal(s, "receipt of a new one", receipts[0], notify.Receipt{ID: batch[0].ID})
	equal(s, "receipt of a replay", receipts[1], notify.Receipt{ID: first, Replayed: true})
	s.is(receipts[2].Err, notify.ErrConflict, "receipt of other content")
	equal(s, "receipt of the last one", receipts[3], notify.Receipt{ID: batch[3].ID})
}

func acceptReplay(s *scene) {
	n := invoice
	n.Key = "k"
	first := s.send(n, to(alice))
	s.Advance(400 * 24 * time.Hour)
	equal(s, "receipt", s.accept(s.acceptance(n, to(alice)))[0], notify.Receipt{ID: first, Replayed: true})
}

func acceptReplayWritesNothing(s *scene) {
	n := invoice
	n.Key = "k"
	first := s.send(n, to(alice))
	again := s.acceptance(n, to(alice, s.delivery(notify.Email)), to(bob))
	again.Fingerprint = s.acceptance(n, to(alice)).Fingerprint
	s.accept(again)
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{first})
	equal(s, "items of a recipient that only the replay names", s.inbox(bob, notify.StateAll), nil)
	equal(s, "tasks of the replay", len(s.claim(notify.Email, 10)), 0)
}

func acceptReplayConcurrent(s *scene) {
	n := invoice
	n.Key = "k"
	const callers = 32
	var batches [callers]notify.Acceptance
	for i := range batches {
		batches[i] = s.acceptance(n, to(alice))
	}
	var receipts [callers]notify.Receipt
	s.parallel(callers, func(i int) error {
		got, err := s.Store.Accept(s.ctx, batches[i:i+1])
		if err == nil {
			receipts[i] = got[0]
		}
		return err
	})
	var firsts atomic.Int64
	for i, r := range receipts {
		if !r.Replayed {
			firsts.Add(1)
			equal(s, "id of the one that is no replay", r.ID, batches[i].ID)
		}
		s.ok(r.Err, "receipt")
		equal(s, "id", r.ID, receipts[0].ID)
	}
	equal(s, "receipts that are no replay", firsts.Load(), 1)
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{receipts[0].ID})
}

func acceptTwins(s *scene) {
	n := invoice
	n.Key = "k"
	batch := []notify.Acceptance{s.acceptance(n, to(alice)), s.acceptance(invoice, to(alice)), s.acceptance(n, to(alice))}
	receipts := s.accept(batch...)
	equal(s, "receipt of the first", receipts[0], notify.Receipt{ID: batch[0].ID})
	equal(s, "receipt of its twin", receipts[2], notify.Receipt{ID: batch[0].ID, Replayed: true})
	equal(s, "number of items", len(s.inbox(alice, notify.StateAll)), 2)
}

func acceptReplayWithdrawn(s *scene) {
	n := invoice
	n.Key = "k"
	first := s.send(n, to(alice))
	s.withdraw(notify.Withdrawal{Tenant: n.Tenant, Provider: n.Provider, Key: n.Key})
	want := notify.Receipt{ID: first, Replayed: true, Withdrawn: true}
	equal(s, "receipt before the sweep", s.accept(s.acceptance(n, to(alice)))[0], want)
	s.sweep(first)
	equal(s, "receipt after the sweep", s.accept(s.acceptance(n, to(alice)))[0], want)
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
}

func acceptConflict(s *scene) {
	n := invoice
	n.Key = "k"
	first := s.send(n, to(alice))
	n.Title = "Invoice 18"
	s.is(s.accept(s.acceptance(n, to(alice)))[0].Err, notify.ErrConflict, "receipt")
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{first})
	equal(s, "title", s.item(alice, first).Notification.Title, invoice.Title)
}

func acceptConflictTwins(s *scene) {
	n := invoice
	n.Key = "k"
	changed := n
	changed.Title = "Invoice 18"
	batch := []notify.Acceptance{s.acceptance(n, to(alice)), s.acceptance(changed, to(alice))}
	receipts := s.accept(batch...)
	equal(s, "receipt of the first", receipts[0], notify.Receipt{ID: batch[0].ID})
	s.is(receipts[1].Err, notify.ErrConflict, "receipt of the second")
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{batch[0].ID})
}

func acceptConflictAlone(s *scene) {
	n := invoice
	n.Key = "k"
	s.send(n, to(alice))
	n.Title = "Invoice 18"
	batch := []notify.Acceptance{
		s.acceptance(invoice, to(bob, s.delivery(notify.Email))), s.acceptance(n, to(bob)), s.acceptance(invoice, to(carol)),
	}
	receipts := s.accept(batch...)
	s.is(receipts[1].Err, notify.ErrConflict, "receipt of the conflict")
	s.ok(receipts[0].Err, "receipt before it")
	s.ok(receipts[2].Err, "receipt after it")
	equal(s, "items before the conflict", s.inbox(bob, notify.StateAll), []notify.ID{batch[0].ID})
	equal(s, "items after the conflict", s.inbox(carol, notify.StateAll), []notify.ID{batch[2].ID})
	equal(s, "tasks", len(s.claim(notify.Email, 10)), 1)
}

func acceptKeyScope(s *scene) {
	n := invoice
	n.Key = "k"
	first := s.send(n, to(alice))
	other := n
	other.Provider = "chats"
	s.send(other, to(alice))
	other = n
	other.Tenant = "globex"
	s.send(other, to(notify.Recipient{Tenant: "globex", ID: "alice"}))
	other.Tenant = ""
	s.send(other, to(notify.User("alice")))
	equal(s, "replay", s.accept(s.acceptance(n, to(alice)))[0], notify.Receipt{ID: first, Replayed: true})
}

func acceptKeyless(s *scene) {
	s.send(invoice, to(alice))
	s.send(invoice, to(alice))
	equal(s, "number of items", len(s.inbox(alice, notify.StateAll)), 2)
}

func acceptTask(s *scene) {
	a := s.fanOut(invoice, alice, bob)
	a.Task.Bucket = 9
	s.take(a)
	equal(s, "items", s.inbox(alice, notify.StateAll), nil)
	task := s.claimFanOut()
	equal(s, "task", task, notify.Task{
		ID: a.Task.ID, Kind: notify.KindFanOut, Epoch: task.Epoch, Recipient: notify.Recipient{Tenant: "acme"},
		Notification: a.ID, Provider: "billing", Lane: notify.LaneNormal, Bucket: 9, Filed: task.Filed, Due: task.Due,
	})
	equal(s, "recipients kept with it", s.load(task).Notification.To, []notify.Recipient{alice, bob})
}

func acceptNotKept(s *scene) {
	n := invoice
	n.Data = []byte(`{"n":1}`)
	n.Rows = []notify.Row{{Text: "12.00 EUR"}}
	n.Actions = []notify.Action{{Key: "pay", Title: "Pay"}}
	a, f := s.acceptance(n, to(alice)), s.fanOut(n, bob, carol)
	s.accept(a, f)
	copy(n.Data, `######`)
	n.Rows[0].Text = "changed"
	n.Actions[0].Key = "changed"
	f.Notification.To[0] = alice
	a.Filings[0].Recipient = bob
	for what, got := range map[string]notify.Notification{
		"of an item":  s.item(alice, a.ID).Notification,
		"of a fanout": s.load(s.claimFanOut()).Notification,
	} {
		equal(s, "data "+what, string(got.Data), `{"n":1}`)
		equal(s, "row "+what, got.Rows[0].Text, "12.00 EUR")
		equal(s, "action "+what, got.Actions[0].Key, "pay")
		equal(s, "to "+what, len(got.To) == 0 || got.To[0] == bob, true)
	}
}
