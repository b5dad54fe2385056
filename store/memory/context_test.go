package memory_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// TestContext_ended calls every method that takes a context with one that has
// ended, and zero values otherwise.
func TestContext_ended(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store, _ := newStore()
	value := reflect.ValueOf(store)
	for i := range value.NumMethod() {
		method, name := value.Method(i), value.Type().Method(i).Name
		args := []reflect.Value{reflect.ValueOf(ctx)}
		for p := 1; p < method.Type().NumIn(); p++ {
			args = append(args, reflect.Zero(method.Type().In(p)))
		}
		results := method.Call(args)
		err, _ := results[len(results)-1].Interface().(error)
		assert.ErrorIs(t, err, context.Canceled, name)
	}
}

func TestContext_endedChangesNothing(t *testing.T) {
	store, _ := newStore()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Accept(ctx, []notify.Acceptance{note("n1")})
	require.ErrorIs(t, err, context.Canceled)
	items, err := store.Items(t.Context(), alice, notify.ItemQuery{})
	require.NoError(t, err)
	assert.Empty(t, items)
}

func TestInvalid_namesTheField(t *testing.T) {
	store, _ := newStore()
	accept(t, store, note("n1", email("t1")))
	tasks, err := store.Claim(t.Context(), notify.Claim{Channels: map[string]int{notify.Email: 1}})
	require.NoError(t, err)
	_, opErr := store.Mark(t.Context(), alice, notify.ItemMark{Op: "burn", IDs: []notify.ID{"n1"}})
	_, stateErr := store.Items(t.Context(), alice, notify.ItemQuery{State: "lost"})
	_, statusErr := store.Settle(t.Context(), []notify.Outcome{{Task: notify.Lease{ID: "t1", Epoch: tasks[0].Epoch}, Status: "odd"}})
	for field, err := range map[string]error{"Op": opErr, "State": stateErr, "Status": statusErr} {
		assert.ErrorIs(t, err, notify.ErrInvalid)
		assert.ErrorContains(t, err, field)
	}
}
