package storetest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/storetest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A bubble ends only when all goroutines in it have: neither the kit nor the
// store leaves one behind.
func TestCheck_inBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assert.NoError(t, storetest.Check(t.Context(), func() (storetest.Harness, error) {
			return storetest.Harness{Store: memory.New(nil), Advance: time.Sleep}, nil
		}))
	})
}

// plain hides the optional roles of a store.
type plain struct{ notify.Store }

// wrapper lets them be found.
type wrapper struct{ notify.Store }

func (w wrapper) Unwrap() notify.Store { return w.Store }

func TestCheck_optionalRoles(t *testing.T) {
	noRestore := func(b *bench) {
		b.restore = func(context.Context, notify.Recipient) error { return nil }
	}
	const name = "erase/restore lifts the tombstone"
	within := func(wrap func(notify.Store) notify.Store) func() (storetest.Harness, error) {
		return func() (storetest.Harness, error) {
			h, err := open(noRestore)()
			h.Store, h.Begin = wrap(h.Store), nil
			return h, err
		}
	}
	err := storetest.RunCheck(t.Context(), name, within(func(s notify.Store) notify.Store { return plain{s} }))
	assert.ErrorContains(t, err, "notify.Eraser: not offered")
	assert.NoError(t, storetest.Check(t.Context(), within(func(s notify.Store) notify.Store { return plain{s} })), "a role that is not offered is left out")
	err = storetest.RunCheck(t.Context(), name, within(func(s notify.Store) notify.Store { return wrapper{s} }))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "not offered", "a role is found through Unwrap")
}

func TestCheck_failuresHaveNames(t *testing.T) {
	cause := errors.New("the disk is full")
	err := storetest.Check(t.Context(), open(func(b *bench) {
		b.stats = func(context.Context) (notify.Stats, error) { return notify.Stats{}, cause }
	}))
	require.ErrorIs(t, err, cause)
	failure, ok := errors.AsType[*storetest.Failure](err)
	require.True(t, ok)
	assert.Equal(t, "stats/counts the outbox", failure.Check)
	assert.Equal(t, "stats/counts the outbox: Stats: the disk is full", failure.Error())
}

func TestCheck_panicIsFailure(t *testing.T) {
	h := func() (storetest.Harness, error) {
		return storetest.Harness{Store: plain{}, Advance: func(time.Duration) {}}, nil
	}
	assert.ErrorContains(t, storetest.RunCheck(t.Context(), "inbox/newest first", h), "panic: ")
}

func TestCheck_panicAtOnceIsFailure(t *testing.T) {
	err := storetest.RunCheck(t.Context(), "pause/of probers at once exactly one may", open(func(b *bench) {
		b.probe = func(context.Context, string, string, time.Duration) (bool, error) { panic("probing") }
	}))
	assert.ErrorContains(t, err, "panic: probing")
}

func TestCheck_harness(t *testing.T) {
	closed := 0
	h := inMemory()
	h.Close = func() { closed++ }
	const name = "inbox/newest first"
	require.NoError(t, storetest.RunCheck(t.Context(), name, func() (storetest.Harness, error) { return h, nil }))
	assert.Equal(t, 1, closed)
	h.Advance = nil
	assert.ErrorContains(t, storetest.RunCheck(t.Context(), name, func() (storetest.Harness, error) { return h, nil }), "Advance")
	assert.Equal(t, 2, closed)
	refused := errors.New("no database")
	err := storetest.RunCheck(t.Context(), name, func() (storetest.Harness, error) { return h, refused })
	assert.ErrorIs(t, err, refused)
}
