package notify

import (
	"context"
	"errors"
	"fmt"
)

// Withdraw takes notifications back, by key or by entity, and returns how many
// they were. Their items leave the inboxes before it returns, and whatever is
// still pending is not delivered any more, forced or not. What has left cannot
// be called back.
func (n *Notifier) Withdraw(ctx context.Context, w Withdrawal) (int, error) {
	if err := checkWithdrawal(w); err != nil {
		return 0, err
	}
	ids, err := n.store.Withdraw(ctx, w)
	if err != nil {
		return 0, fmt.Errorf("notify: withdraw: %w", err)
	}
	for _, id := range ids {
		n.changes.ofNotification(id)
	}
	for _, id := range ids {
		if err := n.sweep(ctx, id); err != nil {
			n.Wake() // the task that is stored for it goes on
			return len(ids), err
		}
	}
	n.emit(ctx, Event{Type: EventWithdrawn, Provider: w.Provider, Count: len(ids)})
	return len(ids), nil
}

// WithdrawTx is Withdraw within a transaction of the host, as SendTx is of
// Send: tx is what the store returned for it. The items leave the inboxes after
// the commit.
func (n *Notifier) WithdrawTx(ctx context.Context, tx Acceptor, w Withdrawal) (int, error) {
	if err := checkWithdrawal(w); err != nil {
		return 0, err
	}
	if err := n.owns(tx); err != nil {
		return 0, err
	}
	withdrawer, ok := tx.(Withdrawer)
	if !ok {
		return 0, fmt.Errorf("notify: withdraw in this transaction: %w", errors.ErrUnsupported)
	}
	ids, err := withdrawer.Withdraw(ctx, w)
	if err != nil {
		return 0, fmt.Errorf("notify: withdraw: %w", err)
	}
	return len(ids), nil
}

// sweep removes the items of a withdrawn notification in batches.
func (n *Notifier) sweep(ctx context.Context, id ID) error {
	for {
		recipients, err := n.store.Sweep(ctx, id, storeBatch)
		if err != nil {
			return fmt.Errorf("notify: withdraw: %w", err)
		}
		signals := make([]Signal, len(recipients))
		for i, r := range recipients {
			signals[i] = Signal{Recipient: r, Changed: true}
		}
		n.publish(ctx, signals)
		if len(recipients) < storeBatch {
			return nil
		}
	}
}

func checkWithdrawal(w Withdrawal) error {
	for _, f := range []struct{ name, value string }{
		{"Tenant", w.Tenant}, {"Provider", w.Provider}, {"Key", w.Key}, {"Entity", w.Entity},
	} {
		if err := checkIdentifier(f.name, f.value, false); err != nil {
			return err
		}
	}
	switch {
	case w.Key == "" && w.Entity == "":
		return invalid("Key", "set Key or Entity")
	case w.Key != "" && w.Entity != "":
		return invalid("Entity", "set Key or Entity, not both")
	case w.Key != "" && w.Provider == "":
		return invalid("Provider", "missing: a key is one of a provider")
	}
	return nil
}
