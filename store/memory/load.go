package memory

import (
	"context"
	"slices"
	"time"

	"github.com/bellwether-go/notify"
)

// Load implements [notify.Outbox]. To and Audience are loaded for the fan-out
// itself only.
func (s *Store) Load(ctx context.Context, tasks []notify.Task, countUnread int) ([]notify.Facts, time.Time, error) {
	now, err := s.begin(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer s.mu.Unlock()
	facts := make([]notify.Facts, len(tasks))
	for i := range tasks {
		facts[i] = s.facts(&tasks[i], countUnread, now)
	}
	return facts, now, nil
}

func (s *Store) facts(t *notify.Task, countUnread int, now time.Time) notify.Facts {
	var f notify.Facts
	n := s.notifications[t.Notification]
	if n != nil {
		f.Notification = copyContent(n.content)
		f.Withdrawn = n.withdrawn
		if t.Kind == notify.KindFanOut {
			f.Notification.To = slices.Clone(n.content.To)
			f.Notification.Audience = n.content.Audience
		}
	}
	if t.Kind == notify.KindFanOut || t.Kind == notify.KindSweep {
		return f
	}
	f.Profile = s.profile(t.Recipient)
	r := s.recipients[t.Recipient]
	if r == nil {
		return f
	}
	if n != nil {
		if it := n.held(t.Recipient); it != nil {
			f.Item = it.export()
		}
	}
	for _, reg := range r.registrations {
		if reg.Address.Channel == t.Channel {
			f.Addresses = append(f.Addresses, reg.export())
		}
	}
	if countUnread > 0 {
		unread, _ := r.counts(now)
		f.Unread = min(unread, countUnread)
	}
	return f
}
