package notify

import (
	"context"
	"hash/maphash"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"
)

// Notifier is the notification center. It is safe for concurrent use. Nothing
// leaves by a channel, and nothing large is fanned out, unless [Notifier.Run]
// or [Notifier.Drain] is at work in this or another process on the same store.
type Notifier struct {
	store     Store
	providers Catalog
	directory Directory
	audiences map[string]Audience
	resolver  Resolver
	schedule  Schedule
	location  *time.Location
	baseURL   *url.URL
	links     Links
	retry     RetryPolicy
	bus       Bus
	log       *slog.Logger
	observe   func(context.Context, Event)

	channels     map[string]Channel
	channelInfos []ChannelInfo // in order of registration

	workers, inlineFanOut, digestLimit, countLimit       int
	pollInterval, lease, attemptTimeout, shutdownTimeout time.Duration

	ids      idSource
	gather   gatherer
	logLimit logLimit
	active   atomic.Pointer[session] // of Run or Drain
	wake     chan struct{}
	health   healthBook
	watched  watched
	changes  changes
}

// New returns a Notifier on a store. It validates the options, naming the field
// that is wrong, and starts nothing: call [Notifier.Run] for that.
func New(store Store, opts *Options) (*Notifier, error) {
	if store == nil {
		return nil, invalid("store", "nil")
	}
	if opts == nil {
		opts = &Options{}
	}
	n := &Notifier{store: store, wake: make(chan struct{}, 1)}
	n.changes.seed = maphash.MakeSeed()
	if err := n.configure(*opts); err != nil {
		return nil, err
	}
	return n, nil
}

// Wake tells a running [Notifier.Run] that there is work, so that it need not
// wait for its poll: call it after committing a transaction that used SendTx.
func (n *Notifier) Wake() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// storeRole finds an optional role of a store, also behind wrappers.
func storeRole[R any](s Store) (R, bool) {
	for s != nil {
		if role, ok := s.(R); ok {
			return role, true
		}
		wrapper, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = wrapper.Unwrap()
	}
	var none R
	return none, false
}
