package channeltest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

// refusing refuses what a channel finds impossible.
func refusing(class notify.Class, impossible func(d notify.Delivery) bool) alter {
	return onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		if impossible(d) {
			return &notify.DeliveryError{Class: class, Err: errors.New("impossible")}
		}
		return next(ctx, d)
	})
}

// saying sends another text.
func saying(text func(d notify.Delivery) string) alter {
	return func(b *bench) {
		b.deliver = func(ctx context.Context, d notify.Delivery) error { return b.send(ctx, d, text(d)) }
	}
}

// raw sends a text without making it UTF-8.
func (b *bench) raw(ctx context.Context, d notify.Delivery, text string) error {
	return outcome(b.peer.take(ctx, channeltest.Message{To: d.Address.Value, Identity: d.Identity(), Text: text, Bytes: []byte(text)}))
}

// brokenTexts break what a message says and how attempts are recognised.
var brokenTexts = []broken{
	{"says nothing", saying(func(notify.Delivery) string { return "" }), []string{
		"deliver/the message arrives once and before the call returns", "deliver/a notification with nothing but a title",
	}},
	{"needs a body", refusing(notify.Permanent, func(d notify.Delivery) bool { return d.Item.Notification.Body == "" }), []string{"deliver/a notification with nothing but a title"}},
	{"has a limit of its own", refusing(notify.Permanent, func(d notify.Delivery) bool { return len(d.Item.Notification.Body) > 4096 }), []string{"deliver/the largest notification"}},
	{"cuts runes in two", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, next delivering) error {
		text := written(d.Item.Notification)
		for size := 499; size > 490 && len(text) > 499; size-- {
			if !utf8.ValidString(text[:size]) {
				return b.raw(ctx, d, text[:size])
			}
		}
		return next(ctx, d)
	}), []string{"deliver/the largest notification"}},
	{"believes in zones", refusing(notify.Permanent, func(d notify.Delivery) bool { return strings.HasPrefix(d.Contact.TimeZone, "..") }), []string{"deliver/values that nobody foresaw"}},
	{"lets a text begin another message", func(b *bench) {
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, next delivering) error {
			first, second, two := strings.Cut(d.Item.Notification.Title, "\r\n.\r\n")
			d.Item.Notification.Title = first
			err := next(ctx, d)
			if two && err == nil {
				d.Item.Notification.Title = second
				err = next(ctx, d)
			}
			return err
		})(b)
	}, []string{"hostile/no text leaves its place"}},
	{"stops the account for a bad text", refusing(notify.Misconfigured, func(d notify.Delivery) bool { return strings.Contains(d.Item.Notification.Title, "\x00") }), []string{"hostile/no text leaves its place"}},
	{"passes on what is no UTF-8", onDeliver(func(b *bench, ctx context.Context, d notify.Delivery, _ delivering) error {
		return b.raw(ctx, d, written(d.Item.Notification))
	}), []string{"hostile/no text leaves its place"}},
	{"stops the account for a bad address", func(b *bench) {
		next := b.check
		onDeliver(func(_ *bench, ctx context.Context, d notify.Delivery, deliver delivering) error {
			if _, err := next(d.Address); err != nil {
				return &notify.DeliveryError{Class: notify.Misconfigured, Err: err}
			}
			return deliver(ctx, d)
		})(b)
	}, []string{"hostile/no address leaves its place"}},
	{"repeats a bad address", func(b *bench) {
		next := b.check
		b.check = func(a notify.Address) (notify.Address, error) {
			if _, err := next(a); err != nil {
				return a, &notify.InvalidError{Field: "Address", Reason: a.Value}
			}
			return a, nil
		}
	}, []string{"hostile/no address leaves its place", "hostile/a checker refuses or settles an address"}},
	{"never settles an address", func(b *bench) {
		b.check = func(a notify.Address) (notify.Address, error) {
			a.Value += "!"
			return a, nil
		}
	}, []string{"hostile/a checker refuses or settles an address", "address/one that serves is taken and stays as it is"}},
	{"refuses an address without saying so", func(b *bench) {
		b.check = func(a notify.Address) (notify.Address, error) { return a, errors.New("no") }
	}, []string{"hostile/a checker refuses or settles an address", "address/one that serves is taken and stays as it is"}},

	{"counts attempts in the identity", identified(func(d notify.Delivery) string { return fmt.Sprint(d.Identity(), d.Attempt) }), []string{
		"identity/is the same for every attempt", "identity/is the same after a lost answer",
	}},
	{"counts attempts in the text", saying(func(d notify.Delivery) string { return fmt.Sprint(written(d.Item.Notification), d.Attempt) }), []string{"identity/is the same for every attempt"}},
	{"has one identity for all", identified(func(notify.Delivery) string { return "message" }), []string{
		"identity/differs from delivery to delivery", "identity/differs from address to address", "concurrency/many calls at once keep apart",
	}},
	{"has one identity for all addresses", identified(func(d notify.Delivery) string { return string(d.ID) }), []string{"identity/differs from address to address"}},
	{"names a digest by its items", onDigest(func(b *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, _ digesting) error {
		text := summed(d, letter)
		return outcome(b.peer.take(ctx, channeltest.Message{To: d.Address.Value, Identity: fmt.Sprint(letter.Total), Text: text, Bytes: []byte(text)}))
	}), []string{"identity/of a digest stays while it shrinks"}},

	{"fails at a short digest", onDigest(func(_ *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		_ = letter.Items[4]
		return next(ctx, d, letter)
	}), []string{"digest/arrives once, whatever it shows"}},
	{"counts what it shows", onDigest(func(_ *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		letter.Total = len(letter.Items)
		return next(ctx, d, letter)
	}), []string{"digest/says the true total"}},
	{"leaves the rest unreachable", onDigest(func(_ *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		d.Links.Inbox = ""
		return next(ctx, d, letter)
	}), []string{"digest/leads to the rest"}},
	{"stops the account for a bad item", onDigest(func(_ *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		for _, item := range letter.Items {
			if strings.ContainsRune(item.Notification.Title, 0) {
				return &notify.DeliveryError{Class: notify.Misconfigured, Err: errors.New("a NUL")}
			}
		}
		return next(ctx, d, letter)
	}), []string{"digest/of hostile items"}},
	{"needs a zone", onDigest(func(_ *bench, ctx context.Context, d notify.Delivery, letter notify.Digest, next digesting) error {
		_ = letter.To.In(letter.Zone)
		return next(ctx, d, letter)
	}), []string{"digest/without links, contact and zone"}},
}

// identified gives messages another identity.
func identified(by func(d notify.Delivery) string) alter {
	return func(b *bench) {
		b.deliver = func(ctx context.Context, d notify.Delivery) error {
			text := written(d.Item.Notification)
			return outcome(b.peer.take(ctx, channeltest.Message{To: d.Address.Value, Identity: by(d), Text: text, Bytes: []byte(text)}))
		}
	}
}
