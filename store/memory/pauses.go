package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

type pauseKey struct{ channel, account string }

// Pauses implements [notify.PauseStore]. They come by channel and account.
func (s *Store) Pauses(ctx context.Context) ([]notify.Pause, error) {
	if _, err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var pauses []notify.Pause
	for _, p := range s.pauses {
		pauses = append(pauses, *p)
	}
	slices.SortFunc(pauses, func(a, b notify.Pause) int {
		return cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.Account, b.Account))
	})
	return pauses, nil
}

// SetPause implements [notify.PauseStore].
func (s *Store) SetPause(ctx context.Context, p notify.Pause, d time.Duration) error {
	now, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	key := pauseKey{p.Channel, p.Account}
	if d <= 0 {
		delete(s.pauses, key)
		return nil
	}
	p.Since, p.Until, p.Delay = now, stamp(now.Add(d)), d
	if known := s.pauses[key]; known != nil {
		p.Since = known.Since
	}
	s.pauses[key] = &p
	return nil
}

// Probe implements [notify.PauseStore]. An account that is not paused may be
// tried by everyone.
func (s *Store) Probe(ctx context.Context, channel, account string, d time.Duration) (bool, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	p := s.pauses[pauseKey{channel, account}]
	if p == nil {
		return true, nil
	}
	if now.Before(p.Until) {
		return false, nil
	}
	p.Until = stamp(now.Add(d))
	return true, nil
}
