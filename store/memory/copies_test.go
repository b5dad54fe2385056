package memory_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// The callers of these tests change what they gave and what they got. The
// store must not notice.

func TestCopies_content(t *testing.T) {
	store, _ := newStore()
	a := note("n1")
	a.Notification.Rows = []notify.Row{{Text: "12 EUR"}}
	a.Notification.Actions = []notify.Action{{Key: "pay"}}
	a.Notification.Data = json.RawMessage(`{"a": 1}`)
	accept(t, store, a)
	a.Notification.Rows[0].Text, a.Notification.Actions[0].Key, a.Notification.Data[1] = "x", "x", 'x'
	for range 2 {
		items, err := store.Items(t.Context(), alice, notify.ItemQuery{})
		require.NoError(t, err)
		got := items[0].Notification
		assert.Equal(t, []notify.Row{{Text: "12 EUR"}}, got.Rows)
		assert.Equal(t, []notify.Action{{Key: "pay"}}, got.Actions)
		assert.Equal(t, `{"a": 1}`, string(got.Data))
		got.Rows[0].Text, got.Actions[0].Key, got.Data[1] = "y", "y", 'y'
	}
}

func TestCopies_receivers(t *testing.T) {
	store, _ := newStore()
	a := note("n1")
	a.Filings = nil
	a.Notification.To = []notify.Recipient{alice, bob}
	a.Task = &notify.NewTask{ID: "f1", Kind: notify.KindFanOut}
	accept(t, store, a)
	a.Notification.To[0] = bob
	for range 2 {
		facts, _, err := store.Load(t.Context(), []notify.Task{{Kind: notify.KindFanOut, Notification: "n1"}}, 0)
		require.NoError(t, err)
		assert.Equal(t, []notify.Recipient{alice, bob}, facts[0].Notification.To)
		facts[0].Notification.To[1] = alice
	}
}

func TestCopies_preferences(t *testing.T) {
	store, _ := newStore()
	given := notify.Preferences{
		Order:    []string{"billing"},
		Channels: map[string]notify.Mode{notify.Email: notify.Daily},
		Choices:  map[string]map[string]notify.Mode{"billing": {notify.Email: notify.Off}},
	}
	optOuts := []notify.OptOut{{Provider: "billing", Channel: notify.Email}}
	require.NoError(t, store.SaveProfile(t.Context(), alice, notify.Profile{Preferences: given, OptOuts: optOuts}))
	assert.Zero(t, optOuts[0].At, "the argument was changed")
	spoil := func(p notify.Preferences) {
		p.Order[0], p.Channels[notify.Email] = "x", "x"
		p.Choices["billing"][notify.Email] = "x"
		p.Choices["x"] = nil
	}
	spoil(given)
	for range 2 {
		profiles, err := store.Profiles(t.Context(), []notify.Recipient{alice})
		require.NoError(t, err)
		got := profiles[alice]
		assert.Equal(t, notify.Preferences{
			Version:  1,
			Order:    []string{"billing"},
			Channels: map[string]notify.Mode{notify.Email: notify.Daily},
			Choices:  map[string]map[string]notify.Mode{"billing": {notify.Email: notify.Off}},
		}, got.Preferences)
		assert.Equal(t, "billing", got.OptOuts[0].Provider)
		spoil(got.Preferences)
		got.OptOuts[0].Provider = "x"
	}
}

func TestCopies_meta(t *testing.T) {
	store, _ := newStore()
	meta := json.RawMessage(`{}`)
	reg, err := store.Register(t.Context(), notify.Registration{
		ID: "a1", Recipient: alice, Address: notify.Address{Channel: notify.Browser, Value: "v", Meta: meta},
	}, 0)
	require.NoError(t, err)
	meta[0], reg.Address.Meta[1] = 'x', 'x'
	for range 2 {
		addresses, err := store.Addresses(t.Context(), []notify.Recipient{alice})
		require.NoError(t, err)
		assert.Equal(t, `{}`, string(addresses[alice][0].Address.Meta))
		addresses[alice][0].Address.Meta[0] = 'y'
	}
}

func TestCopies_accepted(t *testing.T) {
	store, _ := newStore()
	accept(t, store, note("n1", email("t1")))
	accepted := []string{"address"}
	for i := range 3 {
		tasks, err := store.Claim(t.Context(), notify.Claim{Channels: map[string]int{notify.Email: 1}, Recovered: 1})
		require.NoError(t, err)
		if i > 0 {
			require.Equal(t, []string{"address"}, tasks[0].Accepted)
			accepted = slices.Clone(tasks[0].Accepted)
			tasks[0].Accepted[0] = "x"
		}
		_, err = store.Settle(t.Context(), []notify.Outcome{{
			Task: notify.Lease{ID: "t1", Epoch: tasks[0].Epoch}, Status: notify.StatusPending, Accepted: accepted,
		}})
		require.NoError(t, err)
		accepted[0] = "y"
	}
}
