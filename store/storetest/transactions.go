package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

var transactionChecks = []check{
	{"transaction/nothing is visible before the commit", txInvisible},
	{"transaction/all is visible after the commit", txCommit},
	{"transaction/nothing is left after a rollback", txRollback},
	{"transaction/a replay returns the first receipt", txReplay},
	{"transaction/other content is a conflict", txConflict},
	{"transaction/several calls are one transaction", txSeveral},
	{"transaction/belongs to its store", txBelongs},
	{"durability/what was acknowledged outlives a restart", durable},
}

// beginTx begins a transaction of the host, or ends the check as not offered.
func (s *scene) beginTx() Tx {
	if s.Begin == nil {
		s.fail("transactions: %w", errNotOffered)
	}
	tx, err := s.Begin(s.ctx)
	s.ok(err, "Begin")
	return tx
}

// acceptIn stores a batch within a transaction, and rolls it back on an error.
func (s *scene) acceptIn(tx Tx, batch ...notify.Acceptance) []notify.Receipt {
	receipts, err := tx.Acceptor.Accept(s.ctx, batch)
	if err != nil {
		s.ok(errors.Join(err, tx.Rollback()), "Accept in a transaction")
	}
	for i := range receipts {
		receipts[i].Filed = time.Time{}
	}
	return receipts
}

// unseen returns an error if anything of the acceptances of txBatch can be seen.
func (s *scene) unseen() error {
	items, err := s.Store.Items(s.ctx, alice, notify.ItemQuery{})
	if err != nil || len(items) > 0 {
		return fmt.Errorf("items %s, error %v", brief(items), err)
	}
	tasks, err := s.Store.Claim(s.ctx, notify.Claim{Lease: lease, Channels: map[string]int{notify.Email: 10}, FanOuts: 10})
	if err != nil || len(tasks) > 0 {
		return fmt.Errorf("tasks %s, error %v", brief(tasks), err)
	}
	return nil
}

// txBatch is a fan-out, as SendTx stores it, and an item with a delivery.
func (s *scene) txBatch() []notify.Acceptance {
	n := invoice
	n.Key = "k"
	return []notify.Acceptance{s.fanOut(n, bob), s.acceptance(invoice, to(alice, s.delivery(notify.Email)))}
}

func txInvisible(s *scene) {
	tx := s.beginTx()
	s.acceptIn(tx, s.txBatch()...)
	err := s.unseen()
	s.ok(tx.Rollback(), "Rollback")
	s.ok(err, "before the commit")
}

func txCommit(s *scene) {
	tx := s.beginTx()
	batch := s.txBatch()
	receipts := s.acceptIn(tx, batch...)
	s.ok(tx.Commit(), "Commit")
	equal(s, "receipts", receipts, []notify.Receipt{{ID: batch[0].ID}, {ID: batch[1].ID}})
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{batch[1].ID})
	equal(s, "delivery", s.claimOne(notify.Email).Notification, batch[1].ID)
	equal(s, "fan-out", s.claimFanOut().Notification, batch[0].ID)
}

func txRollback(s *scene) {
	tx := s.beginTx()
	batch := s.txBatch()
	s.acceptIn(tx, batch...)
	s.ok(tx.Rollback(), "Rollback")
	s.ok(s.unseen(), "after the rollback")
	again := s.fanOut(batch[0].Notification, carol)
	equal(s, "receipt of the same key", s.accept(again)[0], notify.Receipt{ID: again.ID})
}

func txReplay(s *scene) {
	n := invoice
	n.Key = "k"
	first := s.send(n, to(alice))
	tx := s.beginTx()
	receipts := s.acceptIn(tx, s.acceptance(n, to(alice)))
	s.ok(tx.Commit(), "Commit")
	equal(s, "receipt", receipts[0], notify.Receipt{ID: first, Replayed: true})
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{first})
}

func txConflict(s *scene) {
	n := invoice
	n.Key = "k"
	s.send(n, to(alice))
	n.Title = "Invoice 18"
	tx := s.beginTx()
	batch := []notify.Acceptance{s.acceptance(n, to(alice)), s.acceptance(invoice, to(bob))}
	receipts := s.acceptIn(tx, batch...)
	s.ok(tx.Commit(), "Commit, after a conflict,")
	s.is(receipts[0].Err, notify.ErrConflict, "receipt")
	equal(s, "items of the rest of the batch", s.inbox(bob, notify.StateAll), []notify.ID{batch[1].ID})
}

func txSeveral(s *scene) {
	tx := s.beginTx()
	batch := s.txBatch()
	s.acceptIn(tx, batch[0])
	s.acceptIn(tx, batch[1])
	again := s.acceptIn(tx, s.fanOut(batch[0].Notification, bob))
	s.ok(tx.Commit(), "Commit")
	equal(s, "receipt of the same key in the same transaction", again[0], notify.Receipt{ID: batch[0].ID, Replayed: true})
	equal(s, "items", s.inbox(alice, notify.StateAll), []notify.ID{batch[1].ID})
	equal(s, "fan-out", s.claimFanOut().Notification, batch[0].ID)
}

func txBelongs(s *scene) {
	tx := s.beginTx()
	owner, ok := tx.Acceptor.(notify.TxOwner)
	other, err := s.open()
	if err == nil && other.Close != nil {
		defer other.Close()
	}
	mine, theirs := ok && owner.BelongsTo(s.Store), ok && err == nil && owner.BelongsTo(other.Store)
	s.ok(errors.Join(err, tx.Rollback()), "Rollback")
	s.that(ok, "what is bound to a transaction is no notify.TxOwner")
	s.that(mine, "it does not belong to its store")
	s.that(!theirs, "it belongs to another store")
}

func durable(s *scene) {
	if s.Reopen == nil {
		s.fail("durability: %w", errNotOffered)
	}
	n := full()
	f := to(alice, s.delivery(notify.Email), s.delivery(notify.Mobile))
	cut := s.now().Add(24 * time.Hour)
	f.Entries = []notify.NewEntry{{Channel: "letter", NextCut: cut}}
	id := s.send(n, f)
	s.mark(alice, notify.OpSeen, id)
	s.save(alice, notify.Profile{Preferences: chosen(0), OptOuts: []notify.OptOut{{Channel: notify.Mobile}}})
	s.register(alice, device("t1"), 10)
	s.suppress(notify.Email, "a@b.example", "550")
	s.pause("relay", "535", lease)
	s.settle(s.claimOne(notify.Email), notify.Outcome{Status: notify.StatusDelivered})
	old := s.claimOne(notify.Mobile)
	pending := s.fanOut(invoice, bob)
	s.take(pending)

	type state struct {
		item     notify.Item
		profile  notify.Profile
		records  []notify.DeliveryRecord
		regs     []notify.Registration
		suppress []notify.Suppression
		pauses   []notify.Pause
	}
	look := func() state {
		return state{
			s.item(alice, id), s.profile(alice), s.records(notify.DeliveryQuery{}), s.registered(alice),
			s.suppressed("acme", mailbox("a@b.example")), s.pauses(),
		}
	}
	before := look()
	store, err := s.Reopen()
	s.ok(err, "Reopen")
	s.Store = store
	equal(s, "what is stored", look(), before)
	equal(s, "receipt of the same key", s.accept(s.acceptance(n, to(alice)))[0], notify.Receipt{ID: id, Replayed: true})
	equal(s, "fan-out", s.claimFanOut().ID, pending.Task.ID)
	equal(s, "tasks that are held", len(s.claim(notify.Mobile, 10)), 0)
	s.that(!s.renew(held(old)), "the lease is lost")
}
