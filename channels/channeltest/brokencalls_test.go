package channeltest_test

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

// onDeliver changes what Deliver does, with the healthy one at hand.
func onDeliver(do func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error) alter {
	return func(b *bench) {
		next := b.deliver
		b.deliver = func(ctx context.Context, d notify.Delivery) error { return do(b, ctx, d, next) }
	}
}

type delivering = func(ctx context.Context, d notify.Delivery) error

// onDigest changes what DeliverDigest does.
func onDigest(do func(b *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error) alter {
	return func(b *bench) {
		next := b.digest
		b.digest = func(ctx context.Context, d notify.Delivery, letter notify.Digest) error {
			return do(b, ctx, d, letter, next)
		}
	}
}

type digesting = func(ctx context.Context, d notify.Delivery, letter notify.Digest) error

// brokenCalls break what holds for calls, whatever they say.
var brokenCalls = []broken{
	{"sends later", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		go func() {
			<-b.over
			_ = next(ctx, d)
		}()
		return nil
	}), []string{"deliver/the message arrives once and before the call returns", "concurrency/no goroutine is left behind"}},
	{"sends twice", onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		_ = next(ctx, d)
		return next(ctx, d)
	}), []string{"deliver/the message arrives once and before the call returns", "deliver/a call sends at most one message"}},
	{"tries again by itself", onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		if err := next(ctx, d); err == nil {
			return nil
		}
		return next(ctx, d)
	}), []string{"deliver/a call sends at most one message"}},
	{"never leaves its first address", func(b *bench) {
		var first notify.Address
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			if first.Value == "" {
				first = d.Address
			}
			d.Address = first
			return next(ctx, d)
		})(b)
	}, []string{"deliver/goes to the address that it is for"}},
	{"takes a zero delivery to heart", onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		_ = d.Item.Notification.Title[0]
		return next(ctx, d)
	}), []string{"deliver/a zero delivery does no harm"}},
	{"gives up after a failure", func(b *bench) {
		var failed error
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			if failed == nil {
				failed = next(ctx, d)
			}
			return failed
		})(b)
	}, []string{"deliver/goes on after every failure"}},
	{"changes its name with use", func(b *bench) {
		used := false
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			used = true
			return next(ctx, d)
		})(b)
		b.name = func() string {
			if used {
				return "used pigeon"
			}
			return "pigeon"
		}
	}, []string{"name/stays the same"}},
	{"has the name of the inbox", func(b *bench) { b.name = func() string { return notify.Interface } }, []string{"name/is one that can be registered"}},
	{"has no name", func(b *bench) { b.name = func() string { return "" } }, []string{"name/is one that can be registered"}},
	{"has a name of two lines", func(b *bench) { b.name = func() string { return "pigeon\npost" } }, []string{"name/is one that can be registered"}},

	{"edits what it is given", onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		d.Item.Notification.Rows[0].Text = strings.ToUpper(d.Item.Notification.Rows[0].Text)
		return next(ctx, d)
	}), []string{"given/a delivery is not changed"}},
	{"puts a digest into another order", onDigest(func(_ *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		letter.Items[0], letter.Items[1] = letter.Items[1], letter.Items[0]
		return next(ctx, d, letter)
	}), []string{"given/a digest is not changed", "digest/shows the newest first"}},
	{"keeps what it is given", func(b *bench) {
		var kept []byte
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			if kept == nil {
				kept = d.Item.Notification.Data
			}
			d.Item.Notification.Body = string(kept)
			return next(ctx, d)
		})(b)
	}, []string{"given/nothing is kept"}},

	{"does not look at its context", onDeliver(func(b *bench, _ context.Context, d notify.Delivery, next delivering) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { <-b.over; cancel() }()
		return next(ctx, d)
	}), []string{"context/one that has ended sends nothing", "context/a deadline ends a call", "context/a cancellation ends a call"}},
	{"looks at deadlines only", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		deadline, _ := ctx.Deadline()
		apart, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
		defer cancel()
		go func() { <-b.over; cancel() }()
		return next(apart, d)
	}), []string{"context/one that has ended sends nothing", "context/a cancellation ends a call"}},
	{"listens to the end", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		err := next(ctx, d)
		if b.peer.now() == channeltest.Ramble {
			<-b.over
		}
		return err
	}), []string{"context/ends an acceptance without end"}},
	{"takes a long acceptance for a refusal", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		err := next(ctx, d)
		if b.peer.now() == channeltest.Ramble {
			return &notify.DeliveryError{Class: notify.Permanent, Err: errors.New("too long an answer")}
		}
		return err
	}), []string{"context/ends an acceptance without end"}},
	{"sends digests without a context", onDigest(func(b *bench, _ context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { <-b.over; cancel() }()
		return next(ctx, d, letter)
	}), []string{"context/ends the call of a digest"}},

	{"mixes up who calls at once", func(b *bench) {
		var mu sync.Mutex
		var last notify.Delivery
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			mu.Lock()
			last = d
			mu.Unlock()
			wait(ctx)
			mu.Lock()
			d = last
			mu.Unlock()
			return next(ctx, d)
		})(b)
	}, []string{"concurrency/many calls at once keep apart"}},
	{"sends one after the other", func(b *bench) {
		turn := make(chan struct{}, 1)
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			select {
			case turn <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-turn }()
			return next(ctx, d)
		})(b)
	}, []string{"concurrency/one that hangs holds up no other"}},
	{"leaves a goroutine behind", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		go func() { <-b.over }()
		return next(ctx, d)
	}), []string{"concurrency/no goroutine is left behind"}},
	{"leaves a goroutine behind when it is cut", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		err := next(ctx, d)
		if err != nil {
			go func() { <-b.over }()
		}
		return err
	}), []string{"concurrency/no goroutine is left behind"}},
}

// wait lets the others come in: the clock of a bubble moves on only when nobody
// else can.
func wait(ctx context.Context) { _ = channeltest.Delay(1, nil)(ctx, channeltest.Call{}) }
