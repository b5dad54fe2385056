package notify

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Registration is an address that a recipient registered: a device, a browser.
type Registration struct {
	ID          ID
	Recipient   Recipient
	Address     Address
	Name        string // shown to its owner: "Pixel 9", "Firefox on Linux"
	Locale      string // BCP 47
	Registered  time.Time
	LastSuccess time.Time
	LastError   string
	LastErrorAt time.Time
}

// Suppression is an address that must not be used, such as a mailbox that the
// mail server said does not exist.
type Suppression struct {
	Tenant  string
	Address Address // without Meta
	Proof   string  // why: "550 5.1.1"
	At      time.Time
}

// DeliveryQuery selects records of deliveries. Zero fields do not restrict.
type DeliveryQuery struct {
	IDs          []ID
	Recipient    *Recipient
	Notification ID
	Channel      string
	Status       Status
	Before       Position // of the record: strictly older
	Limit        int      // 0 is 100
}

// DeliveryRecord is what is known about one delivery or digest.
type DeliveryRecord struct {
	ID           ID
	Recipient    Recipient
	Notification ID // zero for a digest
	Provider     string
	Channel      string
	Status       Status
	Reason       string
	Error        string // of the last attempt, at most 4 KB
	Attempts     int
	Filed        time.Time
	Due          time.Time // of a pending one
	Settled      time.Time // of a final one
	Cut          time.Time // of a digest
}

// Stats counts the outbox.
type Stats struct {
	Now     time.Time
	Queues  []QueueStats
	Dead    int       // deliveries in the log that were given up
	NextCut time.Time // of the earliest plan; zero if there is none
}

// QueueStats counts the tasks that only the same processes can work on.
type QueueStats struct {
	Kind      Kind
	Channel   string    // of deliveries and digests; of a fan-out the name of its audience, if any
	Provider  string    // of fan-outs only
	Pending   int       // not leased, due or not
	Leased    int       // held by a process
	Due       int       // of the pending, those that are due
	OldestDue time.Time // of those that are due; zero if there is none
}

// Prune says what may be removed. A zero instant removes nothing of its sort.
type Prune struct {
	ReadBefore       time.Time // items read or archived before it; notifications accepted before it that no item, entry, task or dead delivery refers to
	UnreadBefore     time.Time // items still unread and filed before: never by default
	DeliveriesBefore time.Time // log records of deliveries settled before; dead ones too
}

// registrationLimit is how many addresses a recipient has per channel: devices
// come and go, and an abandoned page must not fill the store.
const registrationLimit = 16

// Register stores an address that a recipient's device gave: a push
// subscription, a device token. The channel validates it first. An address
// belongs to one recipient: the same one with the same Meta is rebound to
// whoever presents it, with other Meta it is refused with ErrConflict. Of more
// than 16 on a channel the oldest is dropped. Only Address, Name and Locale of
// reg are used.
func (n *Notifier) Register(ctx context.Context, r Recipient, reg Registration) (Registration, error) {
	if err := checkRecipient(r); err != nil {
		return Registration{}, err
	}
	channel := n.channels[reg.Address.Channel]
	if channel == nil {
		return Registration{}, invalid("Address.Channel", "no channel %.190q is registered", reg.Address.Channel)
	}
	if free, ok := channel.(Addressless); ok && free.Addressless() {
		return Registration{}, invalid("Address.Channel", "channel %q needs no address", reg.Address.Channel)
	}
	for _, f := range []struct {
		name, value string
		limit       int
	}{
		{"Address.Value", reg.Address.Value, maxURL}, {"Address.Meta", string(reg.Address.Meta), maxURL},
		{"Name", reg.Name, maxIdentifier}, {"Locale", reg.Locale, maxIdentifier},
	} {
		if err := checkText(f.name, f.value, f.limit, "\n\r\t"); err != nil {
			return Registration{}, err
		}
	}
	address := reg.Address
	if checker, ok := channel.(AddressChecker); ok {
		var err error
		if address, err = checker.CheckAddress(address); err != nil {
			if errors.Is(err, ErrInvalid) {
				return Registration{}, err
			}
			return Registration{}, invalid("Address", "refused by channel %q: %s", reg.Address.Channel, storable(err.Error()))
		}
	}
	if address.Value == "" {
		return Registration{}, invalid("Address.Value", "missing")
	}
	stored, err := n.store.Register(ctx, Registration{
		ID: n.ids.next(), Recipient: r, Address: address, Name: reg.Name, Locale: reg.Locale,
	}, registrationLimit)
	if err != nil {
		return Registration{}, fmt.Errorf("notify: register: %w", err)
	}
	return stored, nil
}

// Unregister removes an address of the recipient; ErrNotFound if there is none
// with that id.
func (n *Notifier) Unregister(ctx context.Context, r Recipient, id ID) error {
	if err := checkRecipient(r); err != nil {
		return err
	}
	if !id.wellFormed() {
		return ErrNotFound
	}
	if err := n.store.Unregister(ctx, r, id); err != nil {
		return fmt.Errorf("notify: unregister: %w", err)
	}
	return nil
}

// Addresses returns what the recipient has registered, oldest first. It does
// not contain what the Directory knows.
func (n *Notifier) Addresses(ctx context.Context, r Recipient) ([]Registration, error) {
	if err := checkRecipient(r); err != nil {
		return nil, err
	}
	all, err := n.store.Addresses(ctx, []Recipient{r})
	if err != nil {
		return nil, fmt.Errorf("notify: addresses: %w", err)
	}
	return all[r], nil
}

// Suppress keeps an address from being used by anybody in the tenant: a mailbox
// that complained, say. The engine itself does so on proof that it is dead.
func (n *Notifier) Suppress(ctx context.Context, s Suppression) error {
	if err := checkSuppressed(s.Tenant, s.Address); err != nil {
		return err
	}
	s.Address.Meta, s.Proof = nil, storable(s.Proof)
	if err := n.store.Suppress(ctx, s); err != nil {
		return fmt.Errorf("notify: suppress: %w", err)
	}
	return nil
}

// Unsuppress lets an address be used again; ErrNotFound if it is not suppressed.
func (n *Notifier) Unsuppress(ctx context.Context, tenant string, a Address) error {
	if err := checkSuppressed(tenant, a); err != nil {
		return err
	}
	if err := n.store.Unsuppress(ctx, tenant, a.Channel, a.Value); err != nil {
		return fmt.Errorf("notify: unsuppress: %w", err)
	}
	return nil
}

// Suppressions lists the suppressed addresses of a tenant, ordered by channel
// and address, from the one after the given on; the zero Address starts. Limit
// is 1 to 1,000.
func (n *Notifier) Suppressions(ctx context.Context, tenant string, after Address, limit int) ([]Suppression, error) {
	if err := checkIdentifier("tenant", tenant, false); err != nil {
		return nil, err
	}
	if limit < 1 || limit > maxRecords {
		return nil, invalid("limit", "%d is not between 1 and %d", limit, maxRecords)
	}
	list, err := n.store.Suppressions(ctx, tenant, after, limit)
	if err != nil {
		return nil, fmt.Errorf("notify: suppressions: %w", err)
	}
	return list, nil
}

func checkSuppressed(tenant string, a Address) error {
	if err := checkIdentifier("Tenant", tenant, false); err != nil {
		return err
	}
	if err := checkIdentifier("Address.Channel", a.Channel, true); err != nil {
		return err
	}
	if a.Value == "" {
		return invalid("Address.Value", "missing")
	}
	return checkText("Address.Value", a.Value, maxURL, "")
}

const (
	maxRecords     = 1_000
	defaultRecords = 100
)

// Deliveries returns records of deliveries, the newest first. A page follows
// with Before set to the Filed and ID of the last.
func (n *Notifier) Deliveries(ctx context.Context, q DeliveryQuery) ([]DeliveryRecord, error) {
	if q.Limit == 0 {
		q.Limit = defaultRecords
	}
	if q.Limit < 0 || q.Limit > maxRecords {
		return nil, invalid("Limit", "%d is not between 1 and %d", q.Limit, maxRecords)
	}
	switch q.Status {
	case "", StatusPending, StatusUnknown, StatusDelivered, StatusSkipped, StatusDead:
	default:
		return nil, invalid("Status", "%q is no status", string(q.Status))
	}
	if q.Recipient != nil {
		if err := checkRecipient(*q.Recipient); err != nil {
			return nil, err
		}
	}
	records, err := n.store.Deliveries(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("notify: deliveries: %w", err)
	}
	return records, nil
}

// Redeliver puts deliveries that were given up back to work, under their old
// identity, and returns how many of the ids were such.
func (n *Notifier) Redeliver(ctx context.Context, ids ...ID) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	if len(ids) > maxRecords {
		return 0, invalid("ids", "%d ids, at most %d", len(ids), maxRecords)
	}
	count, err := n.store.Redeliver(ctx, ids)
	if err != nil {
		return 0, fmt.Errorf("notify: redeliver: %w", err)
	}
	if count > 0 {
		n.Wake()
	}
	return count, nil
}

const pruneBatch = 500

// Prune removes what is old, in batches that never hold others up for long, and
// returns how many rows it removed. It needs a store that is a [Pruner].
func (n *Notifier) Prune(ctx context.Context, p Prune) (int, error) {
	pruner, ok := storeRole[Pruner](n.store)
	if !ok {
		return 0, fmt.Errorf("notify: prune: %w", errors.ErrUnsupported)
	}
	total := 0
	for {
		removed, err := pruner.Prune(ctx, p, pruneBatch)
		total += removed
		if err != nil {
			return total, fmt.Errorf("notify: prune: %w", err)
		}
		if removed < pruneBatch {
			return total, nil
		}
	}
}

// Export is everything that is stored about one recipient.
type Export struct {
	Recipient   Recipient
	Profile     Profile // preferences, opt-outs, planned digests
	Items       []Item
	Addresses   []Registration
	Deliveries  []DeliveryRecord
	Suppression []Suppression // of the recipient's addresses
}

// Export returns everything that is stored about a recipient.
func (n *Notifier) Export(ctx context.Context, r Recipient) (Export, error) {
	export := Export{Recipient: r}
	for item, err := range n.Inbox(r).All(ctx, Query{State: StateAll, Limit: maxPage}) {
		if err != nil {
			return Export{}, err
		}
		export.Items = append(export.Items, item)
	}
	profiles, err := n.store.Profiles(ctx, []Recipient{r})
	if err != nil {
		return Export{}, fmt.Errorf("notify: export: %w", err)
	}
	export.Profile = profiles[r]
	if export.Addresses, err = n.Addresses(ctx, r); err != nil {
		return Export{}, err
	}
	q := DeliveryQuery{Recipient: &r, Limit: maxRecords}
	for {
		records, err := n.Deliveries(ctx, q)
		if err != nil {
			return Export{}, err
		}
		export.Deliveries = append(export.Deliveries, records...)
		if len(records) < maxRecords {
			break
		}
		last := records[len(records)-1]
		q.Before = Position{last.Filed, last.ID}
	}
	export.Suppression, err = n.suppressionsOf(ctx, r, export.Addresses)
	return export, err
}

func (n *Notifier) suppressionsOf(ctx context.Context, r Recipient, registered []Registration) ([]Suppression, error) {
	contacts, err := n.contacts(ctx, []Recipient{r})
	if err != nil {
		return nil, err
	}
	addresses := contacts[r].Addresses
	for _, reg := range registered {
		addresses = append(addresses[:len(addresses):len(addresses)], reg.Address)
	}
	list, err := n.store.Suppressed(ctx, r.Tenant, addresses)
	if err != nil {
		return nil, fmt.Errorf("notify: export: %w", err)
	}
	return list, nil
}

// eraseWait is how often Erase looks whether attempts under way have ended.
const eraseWait = 100 * time.Millisecond

// Erase forgets a recipient: items, preferences, addresses, deliveries. A
// tombstone (a hash and an instant) keeps what is still under way from coming
// back. It waits until attempts that had begun have ended, so that after it has
// returned nothing is sent to the recipient, and nothing filed, until
// [Notifier.Restore]. What others got stays as it was sent, also with the
// recipient as its Actor. It needs a store that is an [Eraser].
func (n *Notifier) Erase(ctx context.Context, r Recipient) error {
	if err := checkRecipient(r); err != nil {
		return err
	}
	eraser, ok := storeRole[Eraser](n.store)
	if !ok {
		return fmt.Errorf("notify: erase: %w", errors.ErrUnsupported)
	}
	for {
		busy, err := eraser.Erase(ctx, r)
		if err != nil {
			return fmt.Errorf("notify: erase: %w", err)
		}
		n.changes.of(r)
		if !busy {
			n.publish(ctx, []Signal{{Recipient: r, Changed: true}})
			return nil
		}
		timer := time.NewTimer(eraseWait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("notify: erase: attempts are still under way: %w", context.Cause(ctx))
		}
	}
}

// Restore lets the id of an erased recipient live again, with nothing of before;
// ErrNotFound if it was not erased.
func (n *Notifier) Restore(ctx context.Context, r Recipient) error {
	if err := checkRecipient(r); err != nil {
		return err
	}
	eraser, ok := storeRole[Eraser](n.store)
	if !ok {
		return fmt.Errorf("notify: restore: %w", errors.ErrUnsupported)
	}
	if err := eraser.Restore(ctx, r); err != nil {
		return fmt.Errorf("notify: restore: %w", err)
	}
	return nil
}
