package notify

import (
	"cmp"
	"context"
	"time"
)

// work is a task that this process holds.
type work struct {
	task Task
	// What prepare found out; valid for a short time.
	facts    Facts
	contact  Contact
	targets  []target
	problem  error     // why one of these is not known
	now      time.Time // of the store, when the facts were read
	prepared time.Time // by the clock of this process: from when on they are believed
	mark     uint64    // of the changes, when they were read
	owners   []owner   // whose share it takes, as far as it is known
	arrived  int       // its number in the queue
	routed   bool      // its destinations are known, too
	waits    bool      // it counts among what its owners have waiting

	charged bool // the attempt was charged before it began

	// Guarded by the session's mutex.
	renewed   time.Time // when the lease was last taken or renewed, at the latest; zero: see confirm
	running   bool
	calling   bool      // of the running: the channel is being called,
	deadline  time.Time // and should return by then
	cancel    context.CancelCauseFunc
	accepted  []string // by the addresses that were tried so far
	lost      bool     // the lease is another's
	abandoned bool     // the channel did not return; what it says later does not count
	slotLost  bool     // and no other worker took its place: too many are stuck
}

// byArrival orders works by lane, then as they came.
func byArrival(a, b *work) int {
	return cmp.Or(cmp.Compare(a.task.Lane, b.task.Lane), cmp.Compare(a.arrived, b.arrived))
}

func (w *work) lease() Lease { return Lease{ID: w.task.ID, Epoch: w.task.Epoch} }

// pendingStatus is that of a task that is given back.
func (w *work) pendingStatus() Status {
	if w.task.Unknown {
		return StatusUnknown
	}
	return StatusPending
}
