package notify_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// twoMailboxes is a center in which ada has two addresses, and which of them
// accepts is up to answer.
func twoMailboxes(t *testing.T, answer func(address string) error) (*notify.Notifier, *outlet) {
	mail := &outlet{name: notify.Email, answer: func(_ context.Context, d notify.Delivery) error { return answer(d.Address.Value) }}
	return center(t, mail, func(o *notify.Options) {
		o.Channels = []notify.Channel{routed{mail}}
		o.Directory = notify.People{ada: {Addresses: []notify.Address{
			{Channel: notify.Email, Value: "first"}, {Channel: notify.Email, Value: "second"},
		}}}
	}), mail
}

func calledFor(mail *outlet) map[string]int {
	to := make(map[string]int)
	for _, d := range mail.deliveries() {
		to[d.Address.Value]++
	}
	return to
}

func TestAbandonedCall_triesNoFurtherAddressWhenItComesBack(t *testing.T) { // R23, R24
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var hung atomic.Bool
		n, mail := twoMailboxes(t, func(address string) error {
			if address == "first" && hung.CompareAndSwap(false, true) {
				<-release
			}
			return nil
		})
		defer running(t, n)()
		send(t, n, note("once"))
		time.Sleep(66*time.Second + 500*time.Millisecond) // given up on, and put back
		close(release)
		time.Sleep(6 * time.Hour)
		assert.Equal(t, map[string]int{"first": 2, "second": 1}, calledFor(mail))
	})
}

func TestTwoAddresses_oneWhoseDestinationIsDownIsNoUnknownOutcome(t *testing.T) { // R24, R26
	synctest.Test(t, func(t *testing.T) {
		n, _ := twoMailboxes(t, func(address string) error {
			if address == "second" {
				return errors.New("connection refused")
			}
			return nil
		})
		defer running(t, n)()
		send(t, n, note("1"), note("2"), note("3"), note("4"), note("5"))
		time.Sleep(time.Second)
		send(t, n, note("held back"))
		time.Sleep(time.Second)
		last := records(t, n)[0]
		assert.Equal(t, notify.StatusPending, last.Status)
		assert.Equal(t, "destination down", last.Reason)
	})
}

func TestTwoAddresses_whatOneHasCountsAsDelivered(t *testing.T) { // R24
	synctest.Test(t, func(t *testing.T) {
		n, mail := twoMailboxes(t, func(address string) error {
			if address == "second" {
				return errors.New("try later")
			}
			return nil
		})
		defer running(t, n)()
		send(t, n, note("half"))
		time.Sleep(time.Second)
		page, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
		require.NoError(t, err)
		_, err = n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, UpTo: page.Head})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		assert.Equal(t, map[string]int{"first": 1, "second": 1}, calledFor(mail))
		assert.Equal(t, notify.StatusDelivered, records(t, n)[0].Status)
	})
}

func TestDigest_thatOneAddressHasIsNotRepeatedToIt(t *testing.T) { // R7, R24
	for _, tt := range []struct {
		name     string
		attempts int // of them all end before the next cut, or not
	}{
		{"given up", 2}, {"still being tried when the next cut comes", 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mail := &outlet{name: notify.Email, answer: func(_ context.Context, d notify.Delivery) error {
					if d.Address.Value == "second" {
						return errors.New("try later")
					}
					return nil
				}}
				n := center(t, mail, func(o *notify.Options) {
					o.Directory = notify.People{ada: {Addresses: []notify.Address{
						{Channel: notify.Email, Value: "first"}, {Channel: notify.Email, Value: "second"},
					}}}
					o.Retry = notify.Backoff{Cap: time.Hour, Attempts: tt.attempts, MaxAge: 100 * time.Hour}
				})
				save(t, n, daily)
				defer running(t, n)()
				for day := range 3 {
					send(t, n, note("day "+string(rune('1'+day))))
					time.Sleep(24 * time.Hour)
				}
				got := make(map[string]int)
				for i, d := range mail.deliveries() {
					if d.Address.Value != "first" {
						continue
					}
					for _, item := range mail.letters()[i].Items {
						got[item.Notification.Title]++
					}
				}
				assert.Equal(t, map[string]int{"day 1": 1, "day 2": 1, "day 3": 1}, got)
			})
		})
	}
}
