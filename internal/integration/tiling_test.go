package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// TestDigests_tileTime lets somebody live for weeks: items come, the person moves
// to other zones and changes the time, and the program is off for days. Whatever
// happens, each item is in exactly one digest, or it was so old that none looks
// back to it; and each digest begins where an earlier one ended, or later.
func TestDigests_tileTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := newLife(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":         func(*rapid.T) {},
			"send":     l.send,
			"sendMore": l.send,
			"wait":     l.wait,
			"off":      l.off,
			"travel":   l.travel,
			"alarm":    l.alarm,
		})
		// A week without a break: whatever still waits leaves.
		for range 7 * 4 {
			l.pass(6 * time.Hour)
		}
		l.judge()
	})
}

// life is a center on a clock of its own, and what came of it.
type life struct {
	*rapid.T
	at      time.Time
	center  *notify.Notifier
	sent    map[string]time.Time
	letters []notify.Digest
	offFor  time.Duration // the longest break
}

func newLife(rt *rapid.T) *life {
	starts := []time.Time{
		time.Date(2026, 3, 25, 9, 0, 0, 0, time.UTC), time.Date(2026, 10, 28, 9, 0, 0, 0, time.UTC), time.Date(2011, 12, 27, 0, 0, 0, 0, time.UTC),
	}
	l := &life{T: rt, at: one(rt, starts, "start"), sent: make(map[string]time.Time)}
	n, err := notify.New(memory.New(&memory.Options{Now: func() time.Time { return l.at }}), &notify.Options{
		Channels: []notify.Channel{letterbox{l}}, Defaults: map[string]notify.Mode{notify.Email: notify.Daily}, DigestLimit: 1000,
		Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
	})
	require.NoError(rt, err)
	l.center = n
	return l
}

// letterbox collects the digests of a life.
type letterbox struct{ l *life }

func (letterbox) Name() string                                   { return notify.Email }
func (letterbox) Addressless() bool                              { return true }
func (letterbox) Deliver(context.Context, notify.Delivery) error { return nil }

func (b letterbox) DeliverDigest(_ context.Context, _ notify.Delivery, d notify.Digest) error {
	b.l.letters = append(b.l.letters, d)
	return nil
}

func (l *life) send(*rapid.T) {
	title := fmt.Sprint("item ", len(l.sent))
	_, err := l.center.Send(l.Context(), notify.Notification{Provider: "billing", To: []notify.Recipient{alice}, Title: title})
	require.NoError(l, err)
	l.sent[title] = l.at
}

// pass lets time go by in steps, with the program on.
func (l *life) pass(d time.Duration) {
	const step = 20 * time.Minute
	for ; d > 0; d -= step {
		l.at = l.at.Add(min(d, step))
		require.NoError(l, l.center.Drain(l.Context()))
	}
}

func (l *life) wait(rt *rapid.T) {
	l.pass(time.Duration(1+below(rt, 40, "hours")) * time.Hour)
}

// off is a break of the program.
func (l *life) off(rt *rapid.T) {
	d := time.Duration(1+below(rt, 120, "hours off")) * time.Hour
	l.offFor = max(l.offFor, d)
	l.at = l.at.Add(d)
	require.NoError(l, l.center.Drain(l.Context()))
}

func (l *life) travel(rt *rapid.T) {
	l.save(func(p *notify.Preferences) {
		p.TimeZone = one(rt, []string{"", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "America/Nuuk"}, "zone")
	})
}

func (l *life) alarm(rt *rapid.T) {
	l.save(func(p *notify.Preferences) {
		p.DigestAt = one(rt, []string{"", "00:00", "02:30", "07:00", "23:45"}, "at")
	})
}

func (l *life) save(change func(*notify.Preferences)) {
	p, err := l.center.Preferences(l.Context(), alice)
	require.NoError(l, err)
	change(&p)
	_, err = l.center.SavePreferences(l.Context(), alice, p)
	require.NoError(l, err)
}

func (l *life) judge() {
	in := make(map[string]int)
	for i, d := range l.letters {
		require.True(l, d.From.Before(d.To), "window %s to %s", d.From, d.To)
		if i > 0 {
			require.False(l, d.From.Before(l.letters[i-1].To), "the windows up to %s and from %s overlap", l.letters[i-1].To, d.From)
			require.GreaterOrEqual(l, d.To.Sub(l.letters[i-1].To), time.Hour, "two cuts within the hour")
		}
		for _, item := range d.Items {
			in[item.Notification.Title]++
			require.True(l, item.Filed.Before(d.To), "an item of %s in the digest up to %s", item.Filed, d.To)
		}
	}
	for title, at := range l.sent {
		switch times := in[title]; {
		case times == 1:
		case times > 1:
			require.Fail(l, "in two digests", title)
		default:
			require.Greater(l, l.offFor, 20*time.Hour, "%s of %s is in no digest, and the program was hardly off", title, at)
		}
	}
}
