package channeltest_test

import (
	"context"
	"errors"
	"strings"

	"github.com/bellwether-go/notify"
)

// mistaking makes every failure one of that class, or none at all.
func mistaking(edit func(f *notify.DeliveryError) error) alter {
	return func(b *bench) {
		next, nextDigest := b.deliver, b.digest
		b.deliver = func(ctx context.Context, d notify.Delivery) error { return edited(next(ctx, d), edit) }
		b.digest = func(ctx context.Context, d notify.Delivery, letter notify.Digest) error {
			return edited(nextDigest(ctx, d, letter), edit)
		}
	}
}

func edited(err error, edit func(f *notify.DeliveryError) error) error {
	if failure, ok := errors.AsType[*notify.DeliveryError](err); ok {
		return edit(failure)
	}
	return err
}

// classed takes every failure for one of a class.
func classed(class notify.Class) alter {
	return mistaking(func(f *notify.DeliveryError) error {
		f.Class = class
		return f
	})
}

// worded gives every failure other words.
func worded(words func(f *notify.DeliveryError) string) alter {
	return mistaking(func(f *notify.DeliveryError) error {
		f.Err = errors.New(words(f))
		return f
	})
}

// brokenAnswers break what is made of the peer's answers.
var brokenAnswers = []broken{
	{"takes everything for temporary", classed(notify.Temporary), []string{
		"classes/a refusal for good is permanent", "classes/a dead address is gone", "classes/a refused account is misconfigured", "classes/a missing answer is unknown", "classes/hold for digests",
	}},
	{"takes everything for permanent", classed(notify.Permanent), []string{
		"classes/a refusal for now is temporary", "classes/silence, a reset and garbage prove nothing", "classes/a flood of words is temporary",
		"classes/a wish to be left alone is passed on", "context/a deadline ends a call", "context/a cancellation ends a call", "context/ends the call of a digest",
	}},
	{"takes everything for proof", classed(notify.Gone), []string{"classes/silence, a reset and garbage prove nothing"}},
	{"takes every failure for success", mistaking(func(*notify.DeliveryError) error { return nil }), []string{
		"classes/a refusal for now is temporary", "context/one that has ended sends nothing", "errors/say what happened in a line",
	}},
	{"keeps wishes to itself", mistaking(func(f *notify.DeliveryError) error {
		f.RetryAfter = 0
		return f
	}), []string{"classes/a wish to be left alone is passed on"}},
	{"waits for ever", mistaking(func(f *notify.DeliveryError) error {
		f.RetryAfter *= 1000
		return f
	}), []string{"classes/a wish to be left alone is passed on"}},
	{"sorts no digests", onDigest(func(_ *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		if next(ctx, d, letter) != nil {
			return errors.New("failed")
		}
		return nil
	}), []string{"classes/hold for digests"}},
	{"is at a loss for words", mistaking(func(*notify.DeliveryError) error { return errors.New(" ") }), []string{"errors/say what happened in a line"}},
	{"fails without a cause", mistaking(func(f *notify.DeliveryError) error {
		f.Err = nil
		return f
	}), []string{"errors/say what happened in a line"}},
	{"repeats all that the peer says", worded(func(*notify.DeliveryError) string { return strings.Repeat("no ", 100_000) }), []string{"errors/say what happened in a line"}},
	{"repeats what the peer says line by line", worded(func(*notify.DeliveryError) string { return "550\r\nno" }), []string{"errors/say what happened in a line"}},
	{"repeats bytes", worded(func(*notify.DeliveryError) string { return "\xff" }), []string{"errors/say what happened in a line"}},
	{"has a class of its own", classed("tired"), []string{"errors/say what happened in a line"}},
	{"tells its password", worded(func(*notify.DeliveryError) string { return "535 not " + password }), []string{"errors/tell no secret and no address"}},
	{"tells the address", onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		return edited(next(ctx, d), func(f *notify.DeliveryError) error {
			f.Err = errors.New("550 no " + d.Address.Value)
			return f
		})
	}), []string{"errors/tell no secret and no address"}},
	{"tells how to unsubscribe", onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		return edited(next(ctx, d), func(f *notify.DeliveryError) error {
			f.Err = errors.New("not sent: " + d.Links.Unsubscribe)
			return f
		})
	}), []string{"errors/tell no secret and no address"}},
	{"prints its password", func(b *bench) { b.print = func() string { return "pigeon " + password } }, []string{"errors/the channel keeps its secrets when it is printed"}},
}

// brokenUpgrades break what a channel offers besides.
var brokenUpgrades = []broken{
	{"moves addresses to another channel", func(b *bench) {
		next := b.check
		b.check = func(a notify.Address) (notify.Address, error) {
			a, err := next(a)
			a.Channel = "raven"
			return a, err
		}
	}, []string{"address/one that serves is taken and stays as it is"}},
	{"edits what it checks", func(b *bench) {
		next := b.check
		b.check = func(a notify.Address) (notify.Address, error) {
			if len(a.Meta) > 0 {
				a.Meta[0] = '['
			}
			return next(a)
		}
	}, []string{"address/what is checked is not changed"}},
	{"finds out that it needs no address", func(b *bench) {
		known := false
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			known = true
			return next(ctx, d)
		})(b)
		b.addressless = func() bool { return known }
	}, []string{"addressless/stays so and needs none"}},
	{"finds out that it has no badge", func(b *bench) {
		known := false
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			known = true
			return next(ctx, d)
		})(b)
		b.unread = func() bool { return !known }
	}, []string{"badger/stays one and takes every number"}},
	{"has two digits for a badge", refusing(notify.Permanent, func(d notify.Delivery) bool { return d.Unread > 99 }), []string{"badger/stays one and takes every number", "deliver/the largest notification"}},
	{"goes another way each time", func(b *bench) {
		b.destination = func(notify.Address) string { return string(rune('a' + len(b.peer.all()))) }
	}, []string{"router/one address, one destination"}},
	{"has a destination for each address", func(b *bench) {
		b.destination = func(a notify.Address) string { return "to " + a.Value }
	}, []string{"router/a destination tells no address"}},
	{"has its password in the destination", func(b *bench) {
		b.destination = func(notify.Address) string { return "pigeon:" + password + "@loft" }
	}, []string{"router/a destination tells no address"}},
}
