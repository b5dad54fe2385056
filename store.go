package notify

import (
	"context"
	"time"
)

// This file, roles.go and channel.go are for those who write stores and
// channels; a host that only sends can skip them. Package storetest proves a
// store.

// Store keeps everything and is the one clock. It is a sum of small roles; all
// methods may be called from several goroutines. What a method returns belongs
// to the caller, what it is given must not be kept or changed. Every method
// obeys its context and leaves nothing half-written behind an error. Times are
// UTC with microseconds, truncated; a zero time stays zero.
//
// A wrapper should offer Unwrap() Store, through which optional roles are
// found: [Pager], [Glancer], [Pruner], [Eraser], [IngestKeyStore], [TxOwner].
type Store interface {
	Acceptor
	Withdrawer
	InboxStore
	PreferenceStore
	AddressStore
	Outbox
	DigestStore
	PauseStore
	DeliveryLog

	// Now is the one clock of the center.
	Now(ctx context.Context) (time.Time, error)
}

// Acceptor takes notifications in. A store is one, and so is what a SQL store
// binds to a host's transaction.
type Acceptor interface {
	// Accept stores the batch in one transaction and returns one receipt for
	// each. An acceptance whose key is taken (within its tenant and provider,
	// also by an earlier one of the same batch) writes nothing: with an equal
	// Fingerprint its receipt is that of the first, Replayed; with another its
	// Err is ErrConflict. That is no error of the batch.
	//
	// Filed is the instant of its new items if each of its Filings was stored
	// as it is: none was dropped, none has a CollapseKey. Else it is zero. The
	// engine believes it: it delivers what it has just filed without asking
	// again, where it may. A store that never sets it is asked each time.
	Accept(ctx context.Context, batch []Acceptance) ([]Receipt, error)
}

// Withdrawer takes notifications back.
type Withdrawer interface {
	// Withdraw marks all matching notifications that are not yet withdrawn and
	// returns their ids. In the same transaction it puts a [KindSweep] task,
	// due now and with the notification's id as its own, into the outbox for
	// each. It removes no item: Sweep does; but the items give up their
	// collapse keys at once.
	Withdraw(ctx context.Context, w Withdrawal) ([]ID, error)
}

// TxOwner is implemented by what a store binds to a transaction of the host:
// it tells whether it belongs to that store.
type TxOwner interface {
	BelongsTo(Store) bool
}

// Acceptance is one valid notification ready to be stored. Notification has its
// Tenant set, and To sorted and free of duplicates.
//
// Without a Task the Filings are filed in the same transaction and To is not
// kept. With a Task, which is of kind KindFanOut, there are no Filings: To and
// Audience are kept until the task is done.
type Acceptance struct {
	ID           ID
	Notification Notification
	Fingerprint  string // digest of the content
	Filings      []Filing
	Task         *NewTask
}

// Filing is what one recipient gets of one notification: an item, and what the
// recipient's preferences made of it.
//
// Filing an item with a CollapseKey looks for an item of the same recipient and
// provider that holds that key. If there is one and its notification was
// accepted earlier (by instant, then id), it is updated: it refers to the new
// notification, is filed now, unseen and no longer snoozed, and Repeats grows
// by one; its id stays. If that one was accepted later, the filing is dropped.
// If there is none, a new item holds the key from now on. An item gives its key
// up for good when it is read, archived or withdrawn.
//
// A new item has the id of its notification. Filing the same notification twice
// for one recipient changes nothing. A filing for an erased recipient is
// dropped.
type Filing struct {
	Recipient          Recipient
	PreferencesVersion int64 // the version its decisions are based on
	Tasks              []NewTask
	Entries            []NewEntry
}

// Kind is the kind of a task.
type Kind string

// The kinds of tasks.
const (
	KindFanOut   Kind = "fanout"   // expand the recipients of a notification
	KindDelivery Kind = "delivery" // one notification, one recipient, one channel
	KindDigest   Kind = "digest"   // one digest, one recipient, one channel
	KindSweep    Kind = "sweep"    // remove the items of a withdrawn notification
)

// Lane orders tasks that are due: lower lanes first.
type Lane int

// The lanes.
const (
	LaneUrgent Lane = 0
	LaneNormal Lane = 1
	LaneBulk   Lane = 2
)

// NewTask is a task to be put into the outbox. It is due Wait after it is
// filed, but not before NotBefore. With a Lease it is inserted as claimed by
// the caller for so long, at epoch 1, without being an attempt.
type NewTask struct {
	ID        ID
	Kind      Kind
	Channel   string // of a delivery or digest; for a fan-out the name of its audience, if any
	Lane      Lane
	Bucket    int // 0 to 255, a hash of whom the work is for: claims rotate over them
	Forced    bool
	Wait      time.Duration
	NotBefore time.Time
	Lease     time.Duration
}

// NewEntry is a digest entry: the item waits for the recipient's next digest on
// the channel. If no cut is planned there, NextCut is.
type NewEntry struct {
	Channel string
	NextCut time.Time
}

// InboxStore holds the items. Every call is scoped by the recipient: an id of
// somebody else's item does not exist.
type InboxStore interface {
	// Items returns items in the order (Filed, ID), newest first unless
	// q.Ascending.
	Items(ctx context.Context, r Recipient, q ItemQuery) ([]Item, error)
	// Counts counts the items of StateUnread, and the unseen of StateInbox,
	// each up to limit; AtLeast says that there are more.
	Counts(ctx context.Context, r Recipient, limit int) (Counts, error)
	// Mark changes items and returns how many changed. With IDs of which none
	// exists it returns ErrNotFound. Read, archive and their opposites set or
	// clear the instant; one that is set already is kept. OpRead sets Seen too.
	Mark(ctx context.Context, r Recipient, m ItemMark) (int, error)
}

// Position is a place in an inbox.
type Position struct {
	Filed time.Time
	ID    ID
}

// ItemQuery selects items. A zero Position is no bound.
type ItemQuery struct {
	IDs       []ID // only these; the State is StateAll then
	State     State
	Provider  string
	Before    Position // strictly older
	After     Position // strictly newer
	Ascending bool     // oldest first
	Limit     int      // 0 is no limit
}

// ItemMark is a [Mark] with its cursor decoded: by IDs, or (IDs empty) all
// items of StateInbox that are not newer than UpTo; with neither, none.
type ItemMark struct {
	Op       Op
	IDs      []ID
	UpTo     Position
	Provider string
	Until    time.Time
}

// PreferenceStore holds what recipients chose.
type PreferenceStore interface {
	// Profiles returns a profile for each recipient; that of an unknown one
	// is zero but for Erased.
	Profiles(ctx context.Context, recipients []Recipient) (map[Recipient]Profile, error)
	// SaveProfile replaces preferences and opt-outs if the stored version is
	// p.Preferences.Version (0: none stored) and stores that version + 1; else
	// it returns ErrConflict. Opt-outs with a zero At get the present instant
	// and the new version. Of p.Plans, those whose channel has a cut planned
	// get the new NextCut. For an erased recipient it returns ErrNotFound.
	SaveProfile(ctx context.Context, r Recipient, p Profile) error
}

// Profile is what a store knows of a recipient besides items.
type Profile struct {
	Preferences Preferences
	OptOuts     []OptOut
	Plans       []Plan
	Erased      bool // a tombstone stands
}

// OptOut is when a switch was last turned off: the cell of Provider and
// Channel, the whole Channel (Provider ""), or everything (both ""). What was
// filed under an earlier version of the preferences is not delivered there any
// more, also when the switch is on again.
type OptOut struct {
	Provider string
	Channel  string
	Except   []string // of a whole channel: providers whose own cell stayed on
	Version  int64    // of the preferences that turned it off
	At       time.Time
}

// AddressStore holds what recipients registered and what must not be used.
type AddressStore interface {
	// Register stores an address. One with the same Channel and Value that
	// belongs to the recipient is updated and keeps its id; one of somebody
	// else is rebound if its Meta is equal byte by byte, and refused with
	// ErrConflict if not. With limit others of the recipient on that channel
	// registered already, the one that was registered first is dropped.
	// Registered becomes the present instant each time an address is
	// presented. For an erased recipient it returns ErrNotFound.
	Register(ctx context.Context, reg Registration, limit int) (Registration, error)
	// Unregister removes one; ErrNotFound if it is not the recipient's.
	Unregister(ctx context.Context, r Recipient, id ID) error
	// Addresses returns all registrations of each recipient, oldest first.
	Addresses(ctx context.Context, recipients []Recipient) (map[Recipient][]Registration, error)

	// Suppress records that an address must not be used; a zero At is the
	// present instant. One that is suppressed already keeps its instant and
	// proof.
	Suppress(ctx context.Context, s Suppression) error
	// Unsuppress lifts it; ErrNotFound if there is none.
	Unsuppress(ctx context.Context, tenant, channel, address string) error
	// Suppressed returns those of the addresses that are suppressed.
	Suppressed(ctx context.Context, tenant string, addresses []Address) ([]Suppression, error)
	// Suppressions lists those of a tenant, by channel and address, strictly
	// after the given one.
	Suppressions(ctx context.Context, tenant string, after Address, limit int) ([]Suppression, error)
}

// Outbox holds the tasks: rows of work that is to be done once.
//
// A task is free when it is due and not leased, or when its lease has expired.
// Each claim raises its epoch; whoever holds an older epoch changes nothing.
type Outbox interface {
	// Claim leases free tasks and returns them, urgent lanes first, then by
	// turns over the buckets, then the earliest due.
	Claim(ctx context.Context, c Claim) ([]Task, error)
	// Renew extends leases and returns the ids of those that are lost. With
	// Charge an attempt is charged to the task durably before it begins.
	Renew(ctx context.Context, held []Lease, lease time.Duration) (lost []ID, err error)
	// Load returns what is known about each task, in their order, with the
	// instant at which it was. countUnread above zero asks for Unread up to it.
	Load(ctx context.Context, tasks []Task, countUnread int) ([]Facts, time.Time, error)
	// Settle records outcomes in one transaction and returns the ids of those
	// whose lease was lost, for which nothing changed.
	Settle(ctx context.Context, outcomes []Outcome) (lost []ID, err error)
	// FanOut files a chunk of a fan-out and moves its cursor, in one
	// transaction. It returns ErrLeaseLost if the lease was lost, and true,
	// having removed the task, if the notification is withdrawn. At is the
	// instant of the new items on the terms of [Acceptor].
	FanOut(ctx context.Context, c Chunk) (at time.Time, withdrawn bool, err error)
	// Sweep removes up to limit items of a withdrawn notification with their
	// digest entries, and returns whose they were. When fewer are left than
	// limit it also removes the notification's KindSweep task. Of a
	// notification that is not withdrawn it removes nothing.
	Sweep(ctx context.Context, notification ID, limit int) ([]Recipient, error)
}

// Claim says what a process can work on.
type Claim struct {
	Lease     time.Duration
	Channels  map[string]int // deliveries and digests: how many, per channel; 0 is allowed
	Urgent    int            // per channel of Channels: so many more, of LaneUrgent only
	FanOuts   int            // fan-outs and sweeps
	Audiences []string       // fan-outs to an audience: only these
	Providers []string       // fan-outs: only of these providers; nil is any, empty is none
	Bucket    int            // where the turn over the buckets starts
	Recovered int            // at most so many whose lease had expired
}

// Lease names a held task.
type Lease struct {
	ID     ID
	Epoch  int64
	Charge bool
}

// Task is a claimed row of work.
type Task struct {
	ID                 ID
	Kind               Kind
	Epoch              int64
	Recipient          Recipient // zero for fan-outs and sweeps, but for the Tenant
	Notification       ID        // zero for a digest
	Provider           string    // zero for a digest
	Channel            string
	Lane               Lane
	Bucket             int
	Forced             bool
	PreferencesVersion int64
	Filed              time.Time // when it was put into the outbox
	Due                time.Time
	Attempts           int      // charged so far
	Accepted           []string // addresses that are done, by [Delivery.Identity]; with a "!" before it one that refused for good
	Recovered          bool     // its last lease expired: a process may have died with it
	Unknown            bool     // an attempt's outcome was unknown, or Recovered; of a digest also: an address has it
	Cursor             string   // of a fan-out: the last recipient filed
	Cut, From          time.Time
}

// Facts is what an attempt has to know, read at one instant.
type Facts struct {
	Notification Notification // with To and Audience while a fan-out is pending
	Withdrawn    bool
	Item         Item // the recipient's item that the notification is in; zero when there is none, or when a newer one has collapsed into it
	Profile      Profile
	Addresses    []Registration // of the recipient on the task's channel
	Unread       int
}

// Status is what has become of a delivery.
type Status string

// The statuses. Pending and Unknown ones are still in the outbox, the others
// are final: each delivery ends in exactly one of them.
const (
	StatusPending   Status = "pending"
	StatusUnknown   Status = "unknown" // an attempt's outcome is not known; it will be repeated
	StatusDelivered Status = "delivered"
	StatusSkipped   Status = "skipped" // on purpose; the Reason says why
	StatusDead      Status = "dead"    // given up; see [Notifier.Redeliver]
)

// Outcome is the result of work on a task. With a final Status the task leaves
// the outbox and, if it is a delivery or digest, stays in the log. With
// StatusPending or StatusUnknown it is given back: due RetryIn from now, or as
// before if RetryIn is zero. StatusUnknown also sets [Task].Unknown.
//
// A digest that is delivered or skipped removes the entries bound to it, except
// those whose item is unread and snoozed: they wait for another digest. A dead
// one releases all its entries, unless the task is Unknown. Released entries
// get NextCut planned if no cut is.
type Outcome struct {
	Task      Lease
	Status    Status
	Reason    string // short and stable: "read", "expired", "no address"
	Error     string // of the last attempt
	RetryIn   time.Duration
	Charge    bool     // the attempt counts; with Task.Charge it was charged before
	Accepted  []string // replaces [Task].Accepted
	Addresses []AddressOutcome
	NextCut   time.Time
}

// AddressOutcome is what an attempt learnt about a registered address.
type AddressOutcome struct {
	Registration ID
	Error        string // "" is a success
	Gone         bool   // remove it, if it was not registered anew since Since
	Since        time.Time
}

// Chunk is a part of a fan-out. With Done the task and the kept To are removed.
type Chunk struct {
	Task     Lease
	Filings  []Filing // sorted by recipient
	Rejected []Rejection
	Cursor   string
	Done     bool
}

// Rejection is a recipient that could not be filed; it goes into the log as a
// dead delivery on the interface.
type Rejection struct {
	ID        ID // of the record
	Recipient Recipient
	Reason    string
}

// DigestStore plans and opens digests. A plan exists per recipient and channel
// from the first entry on. With no entry pending it has no NextCut, or, where
// the items of all its entries were removed, the one that was planned, which
// then closes nothing.
type DigestStore interface {
	// DuePlans returns up to limit plans whose NextCut has come on one of the
	// channels, the earliest first, and the instant it is.
	DuePlans(ctx context.Context, channels []string, limit int) ([]Plan, time.Time, error)
	// OpenDigests applies the openings, each in a transaction that locks its
	// plan and does nothing if the plan is not as read.
	OpenDigests(ctx context.Context, openings []Opening) error
	// DigestEntries returns the entries bound to a digest whose item is still
	// unread, not archived, not snoozed, not expired, not withdrawn, and still
	// holds the same notification; newest first. For a task without ID they
	// are the pending entries of its Recipient and Channel.
	DigestEntries(ctx context.Context, digest Task) ([]DigestEntry, error)
}

// Plan is when the next digest of a recipient on a channel closes.
type Plan struct {
	Recipient Recipient
	Channel   string
	NextCut   time.Time // zero: none planned
	LastCut   time.Time // zero: there was none yet
	First     time.Time // by DuePlans: when the oldest pending entry was filed
}

// Opening closes the window of a plan at Cut: in one transaction the pending
// entries filed from Oldest on and before Cut are bound to a new digest, older
// ones are dropped, the plan's LastCut becomes Cut and its NextCut the given
// one if entries remain, else zero. If entries were bound, Task is put into the
// outbox (its id identifies the digest) with the window [From, Cut).
//
// An earlier digest of the same recipient and channel that is still in the
// outbox, neither leased (an expired lease counts as one) nor Unknown, is
// closed (skipped, "superseded") and its entries join the new one, which is
// then put into the outbox even if it binds no entry of its own.
//
// With a zero Cut only NextCut is moved; From, Oldest and Task are ignored.
type Opening struct {
	Plan    Plan
	Cut     time.Time
	From    time.Time
	Oldest  time.Time
	NextCut time.Time
	Task    NewTask
}

// DigestEntry is an item in a digest.
type DigestEntry struct {
	Item               ID
	Provider           string
	Filed              time.Time
	PreferencesVersion int64
}

// PauseStore remembers which accounts of channels are misconfigured.
type PauseStore interface {
	Pauses(ctx context.Context) ([]Pause, error)
	// SetPause pauses an account for d, or with d zero lifts the pause. One
	// that is paused already keeps its Since.
	SetPause(ctx context.Context, p Pause, d time.Duration) error
	// Probe tells whether the caller may try the account now: it is true for
	// one caller once Until has come, and moves Until on by d.
	Probe(ctx context.Context, channel, account string, d time.Duration) (bool, error)
}

// Pause is an account of a channel that is left alone until somebody mends it.
type Pause struct {
	Channel string
	Account string // the destination; "" for a channel that is no Router
	Reason  string
	Since   time.Time
	Until   time.Time // of the next probe
	Delay   time.Duration
}

// DeliveryLog is the record of deliveries, pending and finished.
type DeliveryLog interface {
	// Deliveries returns records, newest (Filed, ID) first.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]DeliveryRecord, error)
	// Redeliver puts dead deliveries and digests back into the outbox, filed and
	// due now, with their identity, no attempts charged and no refusal among
	// Accepted, and returns how many it were. A rejection is no delivery and
	// stays.
	Redeliver(ctx context.Context, ids []ID) (int, error)
	// Stats counts what is in the outbox.
	Stats(ctx context.Context) (Stats, error)
}
