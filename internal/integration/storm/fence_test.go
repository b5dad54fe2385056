//go:build linux

package storm

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// scene is a center, with a parent that sends and looks, and works itself not
// at all.
type scene struct {
	*crew
	db       *sql.DB
	store    store
	center   *notify.Notifier
	template child
}

func newScene(t *testing.T, sys *system) *scene {
	t.Helper()
	d := newDatabase(t, sys)
	s := &scene{crew: newCrew(t), template: child{
		Database: d, Lease: 2 * time.Second,
		Schedule: schedule{Begin: time.Now().Add(-time.Hour).UTC(), Step: time.Second},
	}}
	s.db, s.store, s.center = s.template.look(t)
	t.Cleanup(func() { s.db.Close() })
	return s
}

// freezeBetweenWrites freezes a process while it has no transaction open: one
// that has keeps others from what it has locked, for as long as it is frozen.
func (s *scene) freezeBetweenWrites(h *hand) {
	s.t.Helper()
	s.eventually("a moment between two writes", func() bool {
		h.freeze()
		// Twice: the server may be about to do what it was told last.
		unlocked := func() bool { return s.template.Database.unlocked(s.t.Context(), s.db) }
		free := unlocked() && pause(s.t.Context(), 300*time.Millisecond) && unlocked()
		if !free {
			h.thaw()
		}
		return free
	})
}

// send sends to a person with a mailbox and no device.
func (s *scene) send(keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		_, err := s.center.Send(s.t.Context(), notify.Notification{
			Tenant: tenant, Provider: "billing", Key: key, To: []notify.Recipient{person(0)}, Title: key,
		})
		require.NoError(s.t, err)
	}
}

// holder is a process that holds what it works on until its file exists.
func (s *scene) holder(fail bool) (h *hand, release func()) {
	s.t.Helper()
	described := s.template
	described.Hold, described.Fail = filepath.Join(s.folder, fmt.Sprint("release-", s.started)), fail
	return s.hire(described), func() { require.NoError(s.t, os.WriteFile(described.Hold, nil, 0o600)) }
}

func number(lines []line, what string) int {
	n := 0
	for _, l := range lines {
		if l.What == what {
			n++
		}
	}
	return n
}

// A process that was frozen for longer than its lease changes nothing in the
// store when it wakes, whether somebody else is doing its work or has done it.
func TestFrozenProcess_changesNothingWhenItWakes(t *testing.T) {
	each(t, frozenProcessChangesNothing)
}

func frozenProcessChangesNothing(t *testing.T, sys *system) {
	for _, tt := range []struct {
		name  string
		fail  bool // what the process meets when it wakes
		begin func(s *scene)
	}{
		{"delivered", false, func(s *scene) { s.send("paid") }},
		{"failed", true, func(s *scene) { s.send("paid") }},
		{"digest", false, func(s *scene) {
			_, err := s.center.SavePreferences(s.t.Context(), person(0), notify.Preferences{
				Channels: map[string]notify.Mode{notify.Email: notify.Daily}, DigestAt: "00:00",
			})
			require.NoError(s.t, err)
			s.send("paid")
			s.template.Offset = day // the cut has come
		}},
		{"fan-out", false, func(s *scene) {
			_, err := s.center.Send(s.t.Context(), notify.Notification{Tenant: tenant, Provider: "news", Audience: "crowd", Title: "news"})
			require.NoError(s.t, err)
		}},
	} {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, map[bool]string{false: " being done", true: " done"}[done]), func(t *testing.T) {
				t.Parallel()
				s := newScene(t, sys)
				tt.begin(s)
				stale, wake := s.holder(tt.fail)
				begun := func(lines []line) bool { return has(lines, calling) }
				stale.await("has begun", begun)
				s.freezeBetweenWrites(stale)
				s.template.Lease = time.Hour // the other one does not have to renew it while we look
				other, finish := s.holder(false)
				other.await("has begun", begun)
				if done {
					finish()
					s.quiet(s.center, true)
					other.dismiss()
				}

				var before string
				require.Eventually(t, func() bool {
					last := before
					before = s.template.Database.contents(t, s.db)
					return before == last
				}, 10*time.Second, 50*time.Millisecond, "what the other one did besides is stored")
				wake()
				stale.thaw()
				stale.await("has learnt that its lease is lost", func(lines []line) bool { return has(lines, leaseLost) })
				stale.dismiss()
				assert.Equal(t, before, s.template.Database.contents(t, s.db))

				finish()
				if !done {
					s.quiet(s.center, true)
					other.dismiss()
				}
				assert.Equal(t, 1, s.finished(), "in the end it is done")
			})
		}
	}
}

// What a killed process was working on is begun by another within its lease and
// a poll, and not before the lease has ended.
func TestKilledProcess_isSucceededWithinLeaseAndPoll(t *testing.T) {
	each(t, killedProcessIsSucceeded)
}

func killedProcessIsSucceeded(t *testing.T, sys *system) {
	s := newScene(t, sys)
	s.send("one", "two") // as many as one sender gets slots
	hired := time.Now()
	dying, _ := s.holder(false)
	dying.await("has begun all", func(lines []line) bool { return number(lines, calling) == 2 })
	other := s.hire(s.template)
	dying.kill()
	killed := time.Now()
	other.await("has done all", func(lines []line) bool { return number(lines, took) == 2 })
	other.dismiss()

	lines := other.lines()
	first := lines[slices.IndexFunc(lines, func(l line) bool { return l.What == calling })].At
	t.Logf("begun anew %s after the kill, by a lease of %s and a poll of %s", first.Sub(killed).Round(time.Millisecond), s.template.Lease, briskly)
	assert.Less(t, first.Sub(killed), s.template.Lease+briskly+20*time.Second, "a machine may be slow")
	assert.Greater(t, first.Sub(hired), s.template.Lease, "as long as the lease lasts the work is not taken")
	for _, record := range s.deliveries() {
		assert.Equal(t, notify.StatusDelivered, record.Status)
		assert.Equal(t, 1, record.Attempts, "the one that was charged before it began again: %+v", record)
	}
	assert.Equal(t, identities(dying.lines(), calling), identities(lines, took))
}

// identities are those under which something happened, without doublets.
func identities(lines []line, what string) []string {
	var found []string
	for _, l := range lines {
		if l.What == what {
			found = append(found, l.Identity)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// deliveries are those of the channel that has somebody to reach.
func (s *scene) deliveries() []notify.DeliveryRecord {
	s.t.Helper()
	records, err := s.center.Deliveries(s.t.Context(), notify.DeliveryQuery{Channel: notify.Email, Limit: 1000})
	require.NoError(s.t, err)
	return records
}

// finished counts what is delivered, or filed for the last of the crowd.
func (s *scene) finished() int {
	s.t.Helper()
	last, err := s.center.Inbox(crowdMember(crowdSize - 1)).Counts(s.t.Context())
	require.NoError(s.t, err)
	n := last.Unread
	for _, record := range s.deliveries() {
		if record.Status == notify.StatusDelivered {
			n++
		}
	}
	return n
}

// A process that is asked to end finishes what its channels do, and leaves
// nothing leased and no attempt charged: another takes over at once.
func TestEndingProcess_leavesNothingLeased(t *testing.T) {
	each(t, endingProcessLeavesNothing)
}

func endingProcessLeavesNothing(t *testing.T, sys *system) {
	s := newScene(t, sys)
	s.template.Lease = time.Hour // nobody waits for this one to end
	var keys []string
	for i := range 4 * slots {
		keys = append(keys, string(rune('a'+i)))
	}
	s.send(keys...)
	ending, release := s.holder(false)
	ending.await("is at work", func(lines []line) bool { return has(lines, calling) })
	go func() {
		// What is under way ends a moment after the request.
		pause(context.WithoutCancel(t.Context()), 300*time.Millisecond)
		release()
	}()
	ending.dismiss()
	done := number(ending.lines(), took)
	stats, err := s.center.Health(t.Context())
	require.NoError(t, err)
	for _, q := range stats.Stats.Queues {
		assert.Zero(t, q.Leased, "%+v", q)
	}
	other := s.hire(s.template)
	s.quiet(s.center, true)
	other.dismiss()
	assert.Equal(t, len(keys), done+number(other.lines(), took), "each once")
	for _, record := range s.deliveries() {
		assert.Equal(t, 1, record.Attempts, "%+v", record)
	}
}
