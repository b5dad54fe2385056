package memory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// bothOf is a notification to two recipients, with a delivery for the first.
func bothOf(first, second notify.Recipient) []notify.Acceptance {
	return []notify.Acceptance{{
		ID:           "n1",
		Notification: notify.Notification{Provider: "billing", Title: "title", Key: "k"},
		Filings: []notify.Filing{
			{Recipient: first, Tasks: []notify.NewTask{{ID: "t1", Kind: notify.KindDelivery, Channel: notify.Email, Lease: time.Minute}}},
			{Recipient: second},
		},
	}}
}

func TestErase_dropsContentNobodyElseHas(t *testing.T) {
	alice, bob := notify.User("alice"), notify.User("bob")
	s := New(nil)
	_, err := s.Accept(t.Context(), bothOf(alice, bob))
	require.NoError(t, err)
	_, err = s.Erase(t.Context(), bob)
	require.NoError(t, err)
	assert.Contains(t, s.notifications, notify.ID("n1"), "alice has it still")
	busy, err := s.Erase(t.Context(), alice)
	require.NoError(t, err)
	assert.True(t, busy)
	assert.Contains(t, s.notifications, notify.ID("n1"), "the delivery under way needs it")
	_, err = s.Settle(t.Context(), []notify.Outcome{{Task: notify.Lease{ID: "t1", Epoch: 1}, Status: notify.StatusDead}})
	require.NoError(t, err)
	verify(t, s)
	assert.Empty(t, s.recipients, "nothing is kept of those who were erased")
	assert.Empty(t, s.notifications)
	assert.Empty(t, s.log)
	assert.Zero(t, s.dead)
}

func TestErase_dropsWhatOnlyTheErasedHad(t *testing.T) {
	alice := notify.User("alice")
	s := New(nil)
	_, err := s.Accept(t.Context(), bothOf(alice, alice))
	require.NoError(t, err)
	_, err = s.Settle(t.Context(), []notify.Outcome{{Task: notify.Lease{ID: "t1", Epoch: 1}, Status: notify.StatusPending}})
	require.NoError(t, err)
	_, err = s.Erase(t.Context(), alice)
	require.NoError(t, err)
	assert.Empty(t, s.notifications)
	assert.Empty(t, s.keys)
	verify(t, s)
}

func TestErase_leavesReceiversOfFanOuts(t *testing.T) {
	alice, bob := notify.User("alice"), notify.User("bob")
	s := New(nil)
	_, err := s.Accept(t.Context(), []notify.Acceptance{{
		ID:           "n1",
		Notification: notify.Notification{Provider: "billing", Title: "title", To: []notify.Recipient{alice, bob}},
		Task:         &notify.NewTask{ID: "f1", Kind: notify.KindFanOut},
	}})
	require.NoError(t, err)
	_, err = s.Erase(t.Context(), alice)
	require.NoError(t, err)
	assert.Equal(t, []notify.Recipient{bob}, s.notifications["n1"].content.To)
}

func TestErase_expiredLeaseIsNotBusy(t *testing.T) {
	alice, bob := notify.User("alice"), notify.User("bob")
	now := time.Now()
	s := New(&Options{Now: func() time.Time { return now }})
	_, err := s.Accept(t.Context(), bothOf(alice, bob))
	require.NoError(t, err)
	now = now.Add(time.Minute)
	busy, err := s.Erase(t.Context(), alice)
	require.NoError(t, err)
	assert.False(t, busy)
	assert.Empty(t, s.outbox)
	verify(t, s)
}
