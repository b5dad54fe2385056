package integration

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// fridays is a schedule of weekly digests.
type fridays struct{ notify.DailyAt }

func (f fridays) Next(after, lastCut time.Time, at string, loc *time.Location) time.Time {
	cut := f.DailyAt.Next(after, lastCut, at, loc)
	for cut.In(loc).Weekday() != time.Friday {
		cut = f.DailyAt.Next(cut, cut, at, loc)
	}
	return cut
}

// What was filed before a cut and is committed after its digest was opened is in
// the next one, a day or a week later, and in no other.
func TestLateCommit_isInTheNextDigest(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		require.NoError(t, b.migrate(t.Context(), b.db, "daily_"))
		require.NoError(t, b.migrate(t.Context(), b.db, "weekly_"))
		lateCommit(t, b, "daily_", notify.DailyAt("18:00"), 1)
		lateCommit(t, b, "weekly_", fridays{"18:00"}, 7)
	})
}

func lateCommit(t *testing.T, b *backend, prefix string, schedule notify.Schedule, days int) {
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	cut := time.Date(2026, 3, 6, 18, 0, 0, 0, time.UTC) // a Friday
	set(cut.Add(-time.Minute))
	s, _, err := b.open(b.db, prefix, func() time.Time { return *now.Load() })
	require.NoError(t, err)
	m := newMailbox()
	n, err := notify.New(s, &notify.Options{
		Channels: []notify.Channel{m}, Schedule: schedule,
		Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
	})
	require.NoError(t, err)
	_, err = n.SavePreferences(t.Context(), alice, notify.Preferences{Channels: map[string]notify.Mode{notify.Email: notify.Daily}, TimeZone: "UTC"})
	require.NoError(t, err)
	send := func(title string, to ...string) error {
		about := toTitle(title)
		about.To, about.CollapseKey = nil, "slot of "+to[0]
		for _, id := range to {
			about.To = append(about.To, notify.Recipient{Tenant: alice.Tenant, ID: id})
		}
		_, err := n.Send(t.Context(), about)
		return err
	}
	require.NoError(t, send("early", alice.ID))
	require.NoError(t, send("first", "aaron"))
	require.NoError(t, n.Drain(t.Context()))

	// Whoever sends to both has taken its instant, and waits for what is
	// aaron's before it comes to alice.
	blocker, err := b.db.Begin()
	require.NoError(t, err)
	defer blocker.Rollback()
	_, err = blocker.Exec("UPDATE " + b.schema + prefix + "item SET repeats = repeats + 1 WHERE recipient = 'aaron'")
	require.NoError(t, err)
	sent := make(chan error, 1)
	go func() { sent <- send("late", "aaron", alice.ID) }()
	b.blocked(t)
	set(cut.Add(time.Second))
	require.NoError(t, n.Drain(t.Context()))
	require.Empty(t, sent)
	require.NoError(t, blocker.Rollback())
	require.NoError(t, <-sent)

	for _, later := range []time.Duration{0, time.Hour, time.Duration(days) * 24 * time.Hour, time.Duration(2*days) * 24 * time.Hour} {
		set(cut.Add(time.Second + later))
		require.NoError(t, n.Drain(t.Context()))
	}
	require.Len(t, m.digests, 2)
	for i, title := range []string{"early", "late"} {
		require.Len(t, m.digests[i].Items, 1)
		assert.Equal(t, title, m.digests[i].Items[0].Notification.Title)
	}
}
