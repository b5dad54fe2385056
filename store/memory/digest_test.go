package memory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// reader is a store with one recipient who gets a daily letter.
type reader struct {
	*Store
	t   *testing.T
	now time.Time
}

func newReader(t *testing.T) *reader {
	r := &reader{t: t, now: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)}
	r.Store = New(&Options{Now: func() time.Time { return r.now }})
	return r
}

// enter files a notification that waits for the letter.
func (r *reader) enter(id notify.ID, collapse string) {
	r.t.Helper()
	_, err := r.Accept(r.t.Context(), []notify.Acceptance{{
		ID:           id,
		Notification: notify.Notification{Provider: "billing", Title: "title", CollapseKey: collapse},
		Filings: []notify.Filing{{
			Recipient: notify.User("alice"),
			Entries:   []notify.NewEntry{{Channel: notify.Email, NextCut: r.now.Add(time.Hour)}},
		}},
	}})
	require.NoError(r.t, err)
}

// open closes the window now and claims the digest.
func (r *reader) open(id notify.ID) notify.Task {
	r.t.Helper()
	r.now = r.now.Add(24 * time.Hour)
	plans, _, err := r.DuePlans(r.t.Context(), []string{notify.Email}, 1)
	require.NoError(r.t, err)
	require.Len(r.t, plans, 1)
	require.NoError(r.t, r.OpenDigests(r.t.Context(), []notify.Opening{{Plan: plans[0], Cut: r.now, Task: notify.NewTask{ID: id}}}))
	tasks, err := r.Claim(r.t.Context(), notify.Claim{Lease: time.Hour, Channels: map[string]int{notify.Email: 1}})
	require.NoError(r.t, err)
	require.Len(r.t, tasks, 1)
	return tasks[0]
}

func (r *reader) settle(task notify.Task, status notify.Status) {
	r.t.Helper()
	lost, err := r.Settle(r.t.Context(), []notify.Outcome{{Task: notify.Lease{ID: task.ID, Epoch: task.Epoch}, Status: status}})
	require.NoError(r.t, err)
	require.Empty(r.t, lost)
}

func (r *reader) letter(task notify.Task) []notify.DigestEntry {
	r.t.Helper()
	entries, err := r.DigestEntries(r.t.Context(), task)
	require.NoError(r.t, err)
	return entries
}

func TestDigest_deadAndUnknownKeepsItsEntries(t *testing.T) {
	r := newReader(t)
	r.enter("n1", "")
	task := r.open("d1")
	r.settle(task, notify.StatusUnknown)
	tasks, err := r.Claim(t.Context(), notify.Claim{Lease: time.Hour, Channels: map[string]int{notify.Email: 1}})
	require.NoError(t, err)
	r.settle(tasks[0], notify.StatusDead)
	_, err = r.Redeliver(t.Context(), []notify.ID{"d1"})
	require.NoError(t, err)
	assert.Len(t, r.letter(task), 1, "what is delivered again is the same letter")
	verify(t, r.Store)
}

func TestDigest_entriesGoWithTheRecord(t *testing.T) {
	r := newReader(t)
	r.enter("n1", "")
	r.settle(r.open("d1"), notify.StatusUnknown)
	tasks, err := r.Claim(t.Context(), notify.Claim{Lease: time.Hour, Channels: map[string]int{notify.Email: 1}})
	require.NoError(t, err)
	r.settle(tasks[0], notify.StatusDead)
	r.now = r.now.Add(time.Hour)
	removed, err := r.Prune(t.Context(), notify.Prune{DeliveriesBefore: r.now}, 10)
	require.NoError(t, err)
	assert.Equal(t, 1, removed)
	assert.Empty(t, r.item(r.recipients[notify.User("alice")], "n1").entries)
	verify(t, r.Store)
}

func TestDigest_expiredLeaseIsNotSuperseded(t *testing.T) {
	r := newReader(t)
	r.enter("n1", "")
	first := r.open("d1")
	r.enter("n2", "")
	second := r.open("d2") // a day later: the lease of the first has expired
	assert.Len(t, r.letter(first), 1)
	assert.Len(t, r.letter(second), 1)
}

func TestDigest_redeliveredIsSuperseded(t *testing.T) {
	r := newReader(t)
	r.enter("n1", "")
	r.settle(r.open("d1"), notify.StatusDead)
	_, err := r.Redeliver(t.Context(), []notify.ID{"d1"})
	require.NoError(t, err)
	r.enter("n2", "")
	assert.Equal(t, notify.ID("d2"), r.open("d2").ID)
	records, err := r.Deliveries(t.Context(), notify.DeliveryQuery{IDs: []notify.ID{"d1"}})
	require.NoError(t, err)
	assert.Equal(t, "superseded", records[0].Reason)
}
