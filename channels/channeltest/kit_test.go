package channeltest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plain hides what a channel offers besides.
type plain struct{ notify.Channel }

func TestCheck_whatIsNotOfferedIsLeftOut(t *testing.T) {
	hiding := func() (channeltest.Harness, error) {
		h, err := open(nil)()
		h.Channel, h.Behave = plain{h.Channel}, nil
		return h, err
	}
	synctest.Test(t, func(t *testing.T) {
		assert.NoError(t, channeltest.Check(t.Context(), hiding))
		for name, missing := range map[string]string{
			"digest/says the true total":                      "notify.DigestChannel: not offered",
			"hostile/a checker refuses or settles an address": "notify.AddressChecker: not offered",
			"router/one address, one destination":             "notify.Router: not offered",
			"badger/stays one and takes every number":         "notify.Badger: not offered",
			"classes/a dead address is gone":                  `a peer that does "gone": not offered`,
			"errors/say what happened in a line":              "a peer that can refuse: not offered",
		} {
			assert.ErrorContains(t, channeltest.RunCheck(t.Context(), name, hiding), missing, name)
		}
	})
}

func TestCheck_aPeerNeedNotDoEverything(t *testing.T) {
	lacking := func(missing ...channeltest.Behavior) func() (channeltest.Harness, error) {
		return open(func(b *bench) {
			b.h.Behave = func(behavior channeltest.Behavior) error {
				for _, m := range missing {
					if m == behavior {
						return fmt.Errorf("pigeons: %w", errors.ErrUnsupported)
					}
				}
				return b.peer.behave(behavior)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		assert.NoError(t, channeltest.Check(t.Context(), lacking(
			channeltest.RetryAfter, channeltest.Gone, channeltest.Misconfigured, channeltest.Silent,
			channeltest.Reset, channeltest.Drop, channeltest.Garbage, channeltest.Flood, channeltest.Ramble,
		)))
		for _, needed := range []channeltest.Behavior{channeltest.Temporary, channeltest.Permanent, channeltest.Hang} {
			err := channeltest.RunCheck(t.Context(), "errors/say what happened in a line", lacking(needed))
			assert.ErrorContains(t, err, "the peer of a Harness has to do", string(needed))
		}
	})
}

func TestCheck_failuresHaveNames(t *testing.T) {
	cause := errors.New("the loft burns")
	synctest.Test(t, func(t *testing.T) {
		err := channeltest.Check(t.Context(), open(func(b *bench) {
			b.digest = func(context.Context, notify.Delivery, notify.Digest) error { return cause }
		}))
		require.ErrorIs(t, err, cause)
		failure, ok := errors.AsType[*channeltest.Failure](err)
		require.True(t, ok)
		assert.Equal(t, "given/a digest is not changed", failure.Check)
		assert.Equal(t, "given/a digest is not changed: DeliverDigest: the loft burns", failure.Error())
	})
}

func TestCheck_panicIsFailure(t *testing.T) {
	for _, name := range []string{"deliver/the message arrives once and before the call returns", "concurrency/many calls at once keep apart"} {
		err := channeltest.RunCheck(t.Context(), name, open(func(b *bench) {
			b.deliver = func(context.Context, notify.Delivery) error { panic("shot down") }
		}))
		assert.ErrorContains(t, err, "panic: shot down")
	}
}

func TestCheck_harness(t *testing.T) {
	closed := 0
	harness := func(change func(h *channeltest.Harness)) func() (channeltest.Harness, error) {
		h, _ := open(nil)()
		h.Close = func() { closed++ }
		change(&h)
		return func() (channeltest.Harness, error) { return h, nil }
	}
	const name = "name/is one that can be registered"
	require.NoError(t, channeltest.RunCheck(t.Context(), name, harness(func(*channeltest.Harness) {})))
	assert.Equal(t, 1, closed)
	assert.ErrorContains(t, channeltest.RunCheck(t.Context(), name, harness(func(h *channeltest.Harness) { h.Received = nil })), "Received")
	assert.ErrorContains(t, channeltest.RunCheck(t.Context(), name, harness(func(h *channeltest.Harness) { h.Addresses = nil })), "an address")
	assert.Equal(t, 3, closed)
	refused := errors.New("no loft")
	err := channeltest.RunCheck(t.Context(), name, func() (channeltest.Harness, error) { return channeltest.Harness{}, refused })
	assert.ErrorIs(t, err, refused)
}
