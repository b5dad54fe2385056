package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// devices is a channel to registered addresses that checks them.
type devices struct{ *outlet }

func (devices) CheckAddress(a notify.Address) (notify.Address, error) {
	if !strings.HasPrefix(a.Value, "token-") {
		return a, errors.New("no token")
	}
	a.Value = strings.ToLower(a.Value)
	return a, nil
}

func device(value string) notify.Registration {
	return notify.Registration{
		Address: notify.Address{Channel: notify.Mobile, Value: value, Meta: []byte(`{"platform":"ios"}`)},
		Name:    "Pixel 9", Locale: "pt-BR",
	}
}

func deviceCenter(t *testing.T, answer func(context.Context, notify.Delivery) error) (*notify.Notifier, devices) {
	mobile := devices{&outlet{name: notify.Mobile, answer: answer}}
	return center(t, mobile.outlet, func(o *notify.Options) { o.Channels = []notify.Channel{mobile} }), mobile
}

func registered(t *testing.T, n *notify.Notifier) map[string]notify.Registration {
	t.Helper()
	all, err := n.Addresses(t.Context(), ada)
	require.NoError(t, err)
	found := map[string]notify.Registration{}
	for _, reg := range all {
		found[reg.Address.Value] = reg
	}
	return found
}

func TestRegister_checksNormalisesAndNames(t *testing.T) { // R36
	n, _ := deviceCenter(t, nil)
	stored, err := n.Register(t.Context(), ada, device("token-A"))
	require.NoError(t, err)
	assert.Equal(t, "token-a", stored.Address.Value)
	assert.Equal(t, []string{"Pixel 9", "pt-BR"}, []string{stored.Name, stored.Locale})
	assert.False(t, stored.Registered.IsZero())
	for field, reg := range map[string]notify.Registration{
		"Address":         device("no such thing"),
		"Name":            {Address: device("token-b").Address, Name: "a\x00b"},
		"Locale":          {Address: device("token-b").Address, Locale: strings.Repeat("x", 191)},
		"Address.Value":   device("token-" + strings.Repeat("x", 2048)),
		"Address.Meta":    {Address: notify.Address{Channel: notify.Mobile, Value: "token-b", Meta: []byte("\xff")}},
		"Address.Channel": {Address: notify.Address{Channel: "fax", Value: "token-b"}},
	} {
		_, err := n.Register(t.Context(), ada, reg)
		bad, ok := errors.AsType[*notify.InvalidError](err)
		if assert.True(t, ok, field) {
			assert.Equal(t, field, bad.Field)
		}
	}
	assert.Len(t, registered(t, n), 1)
}

func TestRegister_hasALimitAndDropsTheOldest(t *testing.T) { // R28, R36
	n, _ := deviceCenter(t, nil)
	for i := range 20 {
		_, err := n.Register(t.Context(), ada, device(fmt.Sprintf("token-%02d", i)))
		require.NoError(t, err)
	}
	all := registered(t, n)
	assert.Len(t, all, 16)
	assert.NotContains(t, all, "token-03")
	assert.Contains(t, all, "token-04")
}

func TestRegistration_remembersHowAttemptsEnded(t *testing.T) { // R22, R24
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Bool
		n, mobile := deviceCenter(t, func(_ context.Context, d notify.Delivery) error {
			if d.Address.Value == "token-b" && fail.Load() {
				return fmt.Errorf("503\n%s", strings.Repeat("x", 10_000))
			}
			return nil
		})
		defer running(t, n)()
		for _, value := range []string{"token-a", "token-b"} {
			_, err := n.Register(t.Context(), ada, device(value))
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		first := time.Now()
		send(t, n, note("one"))
		time.Sleep(time.Minute)
		fail.Store(true)
		second := time.Now()
		send(t, n, note("two"))
		time.Sleep(time.Second)
		all := registered(t, n)
		a, b := all["token-a"], all["token-b"]
		assert.WithinDuration(t, second, a.LastSuccess, time.Second)
		assert.Empty(t, a.LastError)
		assert.WithinDuration(t, first, b.LastSuccess, time.Second)
		assert.WithinDuration(t, second, b.LastErrorAt, time.Second)
		assert.Contains(t, b.LastError, "503")
		assert.LessOrEqual(t, len(b.LastError), 4096)
		assert.NotContains(t, b.LastError, "\n")
		assert.Equal(t, notify.Registration{
			ID: b.ID, Recipient: ada, Address: device("token-b").Address, Name: "Pixel 9", Locale: "pt-BR", Registered: b.Registered,
			LastSuccess: b.LastSuccess, LastError: b.LastError, LastErrorAt: b.LastErrorAt,
		}, b, "a failure removes nothing")
		again, err := n.Register(t.Context(), ada, device("token-b"))
		require.NoError(t, err)
		assert.Equal(t, b.LastErrorAt, again.LastErrorAt, "presenting it again forgets nothing")
		fail.Store(false)
		time.Sleep(time.Hour)
		assert.Equal(t, map[string]int{"token-a": 2, "token-b": len(mobile.deliveries()) - 2}, calledFor(mobile.outlet))
		assert.True(t, registered(t, n)["token-b"].LastSuccess.After(b.LastErrorAt))
	})
}

func TestGone_removesARegisteredAddressUnlessItWasRegisteredAnew(t *testing.T) { // R22
	synctest.Test(t, func(t *testing.T) {
		var n *notify.Notifier
		n, mobile := deviceCenter(t, func(_ context.Context, d notify.Delivery) error {
			if d.Address.Value == "token-fresh" {
				time.Sleep(time.Second)
				_, err := n.Register(context.Background(), ada, device("token-fresh")) // while the attempt is under way
				if err != nil {
					return err
				}
			}
			return &notify.DeliveryError{Class: notify.Gone, Err: errors.New("410")}
		})
		for _, value := range []string{"token-old", "token-fresh"} {
			_, err := n.Register(t.Context(), ada, device(value))
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		send(t, n, note("one"))
		require.NoError(t, n.Drain(t.Context()))
		all := registered(t, n)
		assert.Contains(t, all, "token-fresh")
		assert.NotContains(t, all, "token-old")
		suppressed, err := n.Suppressions(t.Context(), "", notify.Address{}, 10)
		require.NoError(t, err)
		assert.Empty(t, suppressed, "a registered address can come back")
		assert.Equal(t, "gone", records(t, n)[0].Reason)
		assert.Len(t, mobile.deliveries(), 2)
	})
}

func TestAddress_thatIsKnownTwiceIsCalledOnce(t *testing.T) { // R24
	mail := &outlet{name: notify.Email}
	n := center(t, mail, func(o *notify.Options) {
		twice := notify.Address{Channel: notify.Email, Value: "ada@example.org"}
		o.Directory = notify.People{ada: {Addresses: []notify.Address{twice, twice, {Channel: "fax", Value: "1"}}}}
	})
	_, err := n.Register(t.Context(), ada, notify.Registration{Address: notify.Address{Channel: notify.Email, Value: "ada@example.org"}})
	require.NoError(t, err)
	send(t, n, note("once"))
	require.NoError(t, n.Drain(t.Context()))
	assert.Len(t, mail.deliveries(), 1)
}

func TestRegister_needsAChannelWithAddresses(t *testing.T) { // R36
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) { o.Channels = []notify.Channel{pager{}} })
	_, err := n.Register(t.Context(), ada, notify.Registration{Address: notify.Address{Channel: "pager", Value: "x"}})
	require.ErrorIs(t, err, notify.ErrInvalid)
	send(t, n, note("beep"))
	require.NoError(t, n.Drain(t.Context()))
	assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status, "and is called without one")
}

// pager is a channel without addresses.
type pager struct{}

func (pager) Name() string                                   { return "pager" }
func (pager) Addressless() bool                              { return true }
func (pager) Deliver(context.Context, notify.Delivery) error { return nil }
