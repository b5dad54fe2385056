package notifyhttp

import (
	"context"
	"sync"

	"github.com/bellwether-go/notify"
)

// streams counts the live streams, so that neither one recipient nor all of
// them take more than their share of connections.
type streams struct {
	perRecipient, total int
	closing             context.Context

	mu   sync.Mutex
	open map[notify.Recipient]int
	all  int
}

func newStreams(opts *Options) *streams {
	s := &streams{
		perRecipient: opts.StreamsPerRecipient, total: opts.Streams, closing: opts.Closing,
		open: make(map[notify.Recipient]int),
	}
	if s.perRecipient <= 0 {
		s.perRecipient = 12
	}
	if s.total <= 0 {
		s.total = 10_000
	}
	if s.closing == nil {
		s.closing = context.Background()
	}
	return s
}

// enter takes a place, if there is one.
func (s *streams) enter(r notify.Recipient) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.total || s.open[r] >= s.perRecipient {
		return false
	}
	s.all++
	s.open[r]++
	return true
}

func (s *streams) leave(r notify.Recipient) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.open[r]--; s.open[r] == 0 {
		delete(s.open, r)
	}
}
