// Package memory keeps a notification center in the memory of one process. It
// is the reference for what [notify.Store] promises, and the store for tests,
// tools and programs that may forget: everything is gone when the process
// ends, also what was acknowledged.
//
// The store starts no goroutine and reads no clock but [Options].Now, once per
// call. It is deterministic: the same calls in the same order, at the same
// instants, lead to the same state and the same answers. A store that keeps a
// journal of calls can therefore replay it onto this one.
package memory

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

var (
	_ notify.Store          = (*Store)(nil)
	_ notify.Pruner         = (*Store)(nil)
	_ notify.Eraser         = (*Store)(nil)
	_ notify.Glancer        = (*Store)(nil)
	_ notify.IngestKeyStore = (*Store)(nil)
)

// Options configures a [Store]. Nil and the zero value work.
type Options struct {
	// Now is the clock; nil is [time.Now]. It is called under the lock of the
	// store and must not call the store.
	Now func() time.Time
}

// Store is a [notify.Store] in memory. It is safe for use by several
// goroutines. Make one with [New].
type Store struct {
	now func() time.Time

	// mu guards everything below. Each method is one critical section, which
	// makes it the transaction that the contract asks for.
	mu sync.Mutex

	notifications map[notify.ID]*notification
	accepted      ordered[*notification] // by acceptance
	keys          map[keyed]*notification
	entities      map[entity]*ordered[*notification]
	addressed     map[*notification]struct{} // those whose To is still kept

	recipients map[notify.Recipient]*recipient
	tombstones map[[sha256.Size]byte]time.Time

	registrations map[notify.ID]*registration
	endpoints     map[endpoint]*registration
	suppressions  ordered[*notify.Suppression]
	suppressed    map[suppressionKey]*notify.Suppression

	outbox map[notify.ID]*task
	queues map[queueKey]*queue
	leased ordered[*task] // by the end of the lease

	log        map[notify.ID]*task
	deliveries ordered[*task] // pending and finished ones, by filing
	dead       int            // of those in the log

	plans  map[string]*ordered[*plan] // by channel: those with a cut planned, by cut
	pauses map[pauseKey]*notify.Pause

	ingestKeys map[notify.ID]notify.IngestKey
}

// New returns an empty store.
func New(opts *Options) *Store {
	s := &Store{
		now:           time.Now,
		notifications: make(map[notify.ID]*notification),
		accepted:      ordered[*notification]{compare: compareAccepted},
		keys:          make(map[keyed]*notification),
		entities:      make(map[entity]*ordered[*notification]),
		addressed:     make(map[*notification]struct{}),
		recipients:    make(map[notify.Recipient]*recipient),
		tombstones:    make(map[[sha256.Size]byte]time.Time),
		registrations: make(map[notify.ID]*registration),
		endpoints:     make(map[endpoint]*registration),
		suppressions:  ordered[*notify.Suppression]{compare: compareSuppressions},
		suppressed:    make(map[suppressionKey]*notify.Suppression),
		outbox:        make(map[notify.ID]*task),
		queues:        make(map[queueKey]*queue),
		leased:        ordered[*task]{compare: compareLeases},
		log:           make(map[notify.ID]*task),
		deliveries:    ordered[*task]{compare: compareFiled},
		plans:         make(map[string]*ordered[*plan]),
		pauses:        make(map[pauseKey]*notify.Pause),
		ingestKeys:    make(map[notify.ID]notify.IngestKey),
	}
	if opts != nil && opts.Now != nil {
		s.now = opts.Now
	}
	return s
}

// Now implements [notify.Store].
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer s.mu.Unlock()
	return now, nil
}

// begin locks the store and reads the clock: a call happens at one instant.
// Without an error the caller unlocks.
func (s *Store) begin(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	s.mu.Lock()
	return stamp(s.now()), nil
}

// stamp brings an instant into the form in which all are kept. Zero stays zero.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
