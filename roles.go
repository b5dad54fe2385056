package notify

import "context"

// The roles of a store that can be missing. They are found by type assertion,
// also in a store that another one wraps.

// Pager is an optional role of a store: reading a page of an inbox together with
// its counts. Without it they are read one after the other. A wrapper that changes
// what Items or Counts return has to offer it, too.
type Pager interface {
	// Page returns what InboxStore.Items and, with that limit,
	// InboxStore.Counts do.
	Page(ctx context.Context, r Recipient, q ItemQuery, limit int) ([]Item, Counts, error)
}

// Glancer is an optional role of a store: looking at many inboxes in one go, for
// those who watch them. Without it each is looked at alone.
type Glancer interface {
	// Glance tells of each recipient's inbox what changes with it, all as of
	// one instant. Counts are those of InboxStore.Counts with that limit. One
	// that has nothing, or that does not exist, may be missing from the map.
	Glance(ctx context.Context, recipients []Recipient, limit int) (map[Recipient]Glimpse, error)
}

// Glimpse is an inbox at a glance: when it changes, the inbox has changed.
type Glimpse struct {
	Counts Counts
	Newest Position // of StateAll; zero if there is none
}

// Pruner is an optional role of a store: removing what is old.
type Pruner interface {
	// Prune removes up to limit rows in one transaction and returns how many;
	// less than limit means that nothing is left to remove.
	Prune(ctx context.Context, p Prune, limit int) (int, error)
}

// Eraser is an optional role of a store: forgetting a person.
type Eraser interface {
	// Erase commits a tombstone (a hash of the recipient, and the instant),
	// then removes all that is stored about the recipient but for tasks that
	// are leased. It reports whether such tasks remain. It returns only when
	// no transaction begun before the tombstone can write for the recipient
	// any more.
	Erase(ctx context.Context, r Recipient) (busy bool, err error)
	// Restore lifts the tombstone; ErrNotFound if there is none.
	Restore(ctx context.Context, r Recipient) error
}
