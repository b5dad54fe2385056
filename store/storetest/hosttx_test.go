package storetest_test

import (
	"context"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/storetest"
)

// hostTx is a stand-in for a transaction of a host on the in-memory store: it
// keeps what it is given until the commit.
type hostTx struct {
	b       *bench
	pending []notify.Acceptance
}

// keyed names a key within its scope.
type keyed struct{ tenant, provider, key string }

func keyOf(n notify.Notification) keyed { return keyed{n.Tenant, n.Provider, n.Key} }

func (b *bench) begin(context.Context) (storetest.Tx, error) {
	tx := &hostTx{b: b}
	return storetest.Tx{Acceptor: tx, Commit: tx.commit, Rollback: func() error { return nil }}, nil
}

func (tx *hostTx) commit() error {
	_, err := tx.b.accept(context.Background(), tx.pending)
	return err
}

// BelongsTo implements [notify.TxOwner].
func (tx *hostTx) BelongsTo(s notify.Store) bool { return s == tx.b.h.Store }

// Accept implements [notify.Acceptor].
func (tx *hostTx) Accept(_ context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	var receipts []notify.Receipt
	for _, a := range batch {
		receipt, taken := tx.replay(a)
		receipts = append(receipts, receipt)
		if !taken {
			tx.pending = append(tx.pending, a)
		}
	}
	return receipts, nil
}

// replay finds what holds the key of a, in the transaction or in the store.
func (tx *hostTx) replay(a notify.Acceptance) (receipt notify.Receipt, taken bool) {
	if a.Notification.Key == "" {
		return notify.Receipt{ID: a.ID}, false
	}
	for _, p := range tx.pending {
		if keyOf(p.Notification) == keyOf(a.Notification) {
			return receiptFor(p.ID, p.Fingerprint == a.Fingerprint), true
		}
	}
	tx.b.mu.Lock()
	defer tx.b.mu.Unlock()
	if first, ok := tx.b.keys[keyOf(a.Notification)]; ok {
		return receiptFor(first.ID, first.Fingerprint == a.Fingerprint), true
	}
	return notify.Receipt{ID: a.ID}, false
}

func receiptFor(id notify.ID, equal bool) notify.Receipt {
	if equal {
		return notify.Receipt{ID: id, Replayed: true}
	}
	return notify.Receipt{Err: notify.ErrConflict}
}
