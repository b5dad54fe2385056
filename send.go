package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Send accepts notifications. The whole call is validated before anything is
// stored: an ErrInvalid means that nothing was. With up to
// [Options].InlineFanOut recipients and no NotBefore the items are in the
// inboxes when Send returns; otherwise a task is stored that files them.
//
// A receipt comes back for each notification. One whose Key was used before
// with the same content is answered with the first receipt, Replayed; with
// other content its receipt carries ErrConflict, which is then also in the
// error of the call, while the other notifications stand.
//
// After any other error the outcome may be unknown: repeating the call is safe
// for notifications with a Key. Concurrent calls share transactions; each
// returns only after the commit of its own.
func (n *Notifier) Send(ctx context.Context, notifications ...Notification) ([]Receipt, error) {
	notes, err := n.normalizeAll(notifications)
	if err != nil {
		return nil, err
	}
	receipts := make([]Receipt, len(notes))
	var stored []Notification
	var places []int // of each stored one among the receipts
	for i, note := range notes {
		if note.Transient {
			if err := n.knowsProvider(ctx, note); err != nil {
				return nil, fieldOf(len(notes), i, err)
			}
			receipts[i].ID = n.ids.next()
			continue
		}
		stored, places = append(stored, note), append(places, i)
	}
	if len(stored) > 0 {
		s := n.gather.submit(ctx, n, stored)
		if bad, ok := errors.AsType[*noteError](s.err); ok {
			return nil, fieldOf(len(notes), places[bad.index], bad.err)
		}
		if s.err != nil {
			return nil, s.err
		}
		for k, answer := range s.receipts {
			receipts[places[k]] = answer
		}
		n.accepted(ctx, s)
	}
	return receipts, errors.Join(n.publishTransient(ctx, notes, receipts), conflicts(receipts))
}

// noteError is an error of one of several notifications.
type noteError struct {
	index int
	err   error
}

func (e *noteError) Error() string { return e.err.Error() }
func (e *noteError) Unwrap() error { return e.err }

// SendTx accepts notifications within a transaction of the host:
//
//	receipts, err := n.SendTx(ctx, store.Tx(tx), notification)
//
// Nothing is visible, delivered or signalled before the host commits, and
// nothing at all if it rolls back. It writes one or two rows and takes no lock
// that another transaction waits for. After the commit call [Notifier.Wake], or
// the poll finds the work.
func (n *Notifier) SendTx(ctx context.Context, tx Acceptor, notifications ...Notification) ([]Receipt, error) {
	if err := n.owns(tx); err != nil {
		return nil, err
	}
	notes, err := n.normalizeAll(notifications)
	if err != nil {
		return nil, err
	}
	batch := make([]Acceptance, 0, len(notes))
	for i, note := range notes {
		if note.Transient {
			return nil, fieldOf(len(notes), i, invalid("Transient", "a transient notification is part of no transaction"))
		}
		// A dynamic catalog is not asked: the host's transaction is open.
		if static, ok := n.providers.(Providers); ok {
			if _, known := findProvider(static, note.Provider); !known {
				return nil, fieldOf(len(notes), i, unknownProvider(note.Provider))
			}
		}
		batch = append(batch, n.deferred(note))
	}
	if len(batch) == 0 {
		return nil, nil
	}
	receipts, err := accept(ctx, tx, batch)
	if err != nil {
		return nil, err
	}
	return receipts, conflicts(receipts)
}

// owns refuses a transaction that belongs to another store.
func (n *Notifier) owns(tx Acceptor) error {
	if tx == nil {
		return invalid("tx", "nil")
	}
	owner, ok := tx.(TxOwner)
	if !ok {
		return nil
	}
	for s := n.store; s != nil; {
		if owner.BelongsTo(s) {
			return nil
		}
		wrapper, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = wrapper.Unwrap()
	}
	return invalid("tx", "belongs to another store than the Notifier")
}

func (n *Notifier) normalizeAll(notifications []Notification) ([]Notification, error) {
	notes := make([]Notification, len(notifications))
	for i, note := range notifications {
		valid, err := normalize(note, n.baseURL)
		if err == nil && note.Audience != "" && n.audiences[note.Audience] == nil {
			err = invalid("Audience", "no audience named %q is registered", note.Audience)
		}
		if err != nil {
			return nil, fieldOf(len(notifications), i, err)
		}
		notes[i] = valid
	}
	return notes, nil
}

// fieldOf tells in a call with several notifications which one an error is of.
func fieldOf(count, i int, err error) error {
	if bad, ok := errors.AsType[*InvalidError](err); ok && count > 1 {
		return &InvalidError{Field: fmt.Sprintf("notifications[%d].%s", i, bad.Field), Reason: bad.Reason}
	}
	return err
}

func unknownProvider(id string) error {
	return invalid("Provider", "the catalog knows no %q", id)
}

func conflicts(receipts []Receipt) error {
	var errs []error
	for _, r := range receipts {
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	return errors.Join(errs...)
}

// inline tells whether Send files the notification itself.
func (n *Notifier) inline(note Notification) bool {
	return note.Audience == "" && len(note.To) <= n.inlineFanOut && note.NotBefore.IsZero() && !note.Transient
}

// knowsProvider refuses a provider that the catalog does not know.
func (n *Notifier) knowsProvider(ctx context.Context, note Notification) error {
	if _, known, err := n.newFiler().provider(ctx, firstOf(note), note.Provider); err != nil || !known {
		return cmp.Or(err, unknownProvider(note.Provider))
	}
	return nil
}

// acceptances prepares the notifications of one caller for the store.
func (n *Notifier) acceptances(ctx context.Context, f *filer, notes []Notification) ([]Acceptance, error) {
	batch, complete := make([]Acceptance, 0, len(notes)), false
	defer func() { // also when a callback of the host panics
		if !complete {
			n.unreserve(batch)
		}
	}()
	for i, note := range notes {
		a, err := n.acceptance(ctx, f, note)
		if err != nil {
			return nil, &noteError{i, err}
		}
		batch = append(batch, a)
	}
	complete = true
	return batch, nil
}

// acceptance prepares one notification for the store.
func (n *Notifier) acceptance(ctx context.Context, f *filer, note Notification) (Acceptance, error) {
	if !n.inline(note) {
		if _, known, err := f.provider(ctx, firstOf(note), note.Provider); err != nil || !known {
			return Acceptance{}, cmp.Or(err, unknownProvider(note.Provider))
		}
		a := n.deferred(note)
		n.reserveTask(a.Task)
		return a, nil
	}
	a := Acceptance{
		ID: n.ids.next(), Notification: note, Fingerprint: fingerprint(note),
		Filings: make([]Filing, 0, len(note.To)),
	}
	lane, anyKnown := n.laneOf(note), false
	for i, r := range note.To {
		provider, known, err := f.provider(ctx, r, note.Provider)
		if err != nil {
			return a, err
		}
		if i == 0 {
			f.know(ctx, note.To, provider)
		}
		anyKnown = anyKnown || known
		a.Filings = append(a.Filings, f.file(ctx, note, provider, lane, r))
	}
	if !anyKnown {
		return a, unknownProvider(note.Provider)
	}
	n.reserve(a.Filings)
	return a, nil
}

func firstOf(note Notification) Recipient {
	if len(note.To) > 0 {
		return note.To[0]
	}
	return Recipient{Tenant: note.Tenant}
}

// deferred is an acceptance whose recipients are filed later, by a task.
func (n *Notifier) deferred(note Notification) Acceptance {
	return Acceptance{
		ID: n.ids.next(), Notification: note, Fingerprint: fingerprint(note),
		Task: &NewTask{
			ID: n.ids.next(), Kind: KindFanOut, Channel: note.Audience, Lane: n.laneOf(note),
			Bucket: bucket(note.Tenant, note.Provider), NotBefore: note.NotBefore,
		},
	}
}

// accepted does what follows a commit: hints to those who watch, work to the
// workers, events to the host.
func (n *Notifier) accepted(ctx context.Context, s *submission) {
	var signals []Signal
	wake := false
	for i := range s.batch {
		a, receipt := &s.batch[i], s.receipts[i]
		event := Event{Type: EventAccepted, Notification: receipt.ID, Provider: a.Notification.Provider, Count: len(a.Filings)}
		switch {
		case receipt.Err != nil:
			n.unreserve(s.batch[i : i+1])
			continue
		case receipt.Replayed:
			n.unreserve(s.batch[i : i+1])
			event.Type, event.Count = EventReplayed, 0
		case a.Task != nil:
			wake = n.handOverFanOut(ctx, s.begun, a) || wake
		default:
			of := s.filer.filed(a.ID, a.Notification, receipt.Filed)
			wake = n.handOver(ctx, s.begun, of, a.Filings) || wake
			for _, f := range a.Filings {
				signals = append(signals, Signal{Recipient: f.Recipient})
			}
		}
		n.emit(ctx, event)
	}
	n.publish(ctx, signals)
	if wake {
		n.Wake()
	}
}

// publish sends hints; losing them costs a poll, so an error is only reported.
func (n *Notifier) publish(ctx context.Context, signals []Signal) {
	if len(signals) == 0 {
		return
	}
	if _, local := n.bus.(*localBus); !local { // which waits for nobody
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), writeDeadline)
		defer cancel()
	}
	if err := guarded(func() error { return n.bus.Publish(ctx, signals) }); err != nil {
		n.emit(ctx, Event{Type: EventStoreFailed, Reason: "bus", Err: err})
	}
}

// publishTransient shows pop-ups to whoever is watching. They are never stored.
func (n *Notifier) publishTransient(ctx context.Context, notes []Notification, receipts []Receipt) error {
	var signals []Signal
	for i, note := range notes {
		if !note.Transient {
			continue
		}
		to := note.To
		note.To = nil
		item := &Item{ID: receipts[i].ID, NotificationID: receipts[i].ID, Notification: n.absolute(note), Filed: time.Now().UTC().Truncate(time.Microsecond)}
		signals = slices.Grow(signals, len(to))
		for _, r := range to {
			signals = append(signals, Signal{Recipient: r, Transient: item})
		}
		n.emit(ctx, Event{Type: EventAccepted, Notification: receipts[i].ID, Provider: note.Provider, Count: len(to)})
	}
	if len(signals) == 0 {
		return nil
	}
	if err := guarded(func() error { return n.bus.Publish(ctx, signals) }); err != nil {
		return fmt.Errorf("notify: transient notification: %w", err)
	}
	return nil
}
