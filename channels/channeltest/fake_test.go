package channeltest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

// password is what the fake channel must not tell.
const password = "open-sesame"

// bench is where a channel gets broken: a channel that is not, made of
// functions that can be replaced, and its peer.
type bench struct {
	name        func() string
	deliver     func(ctx context.Context, d notify.Delivery) error
	digest      func(ctx context.Context, d notify.Delivery, letter notify.Digest) error
	check       func(a notify.Address) (notify.Address, error)
	addressless func() bool
	unread      func() bool
	destination func(a notify.Address) string
	print       func() string

	peer *peer
	h    channeltest.Harness
	over chan struct{} // closed when the harness is
}

// alter breaks a channel.
type alter func(b *bench)

var (
	_ notify.DigestChannel  = (*bench)(nil)
	_ notify.AddressChecker = (*bench)(nil)
	_ notify.Addressless    = (*bench)(nil)
	_ notify.Badger         = (*bench)(nil)
	_ notify.Router         = (*bench)(nil)
)

func (b *bench) Name() string                                         { return b.name() }
func (b *bench) Deliver(ctx context.Context, d notify.Delivery) error { return b.deliver(ctx, d) }
func (b *bench) DeliverDigest(ctx context.Context, d notify.Delivery, letter notify.Digest) error {
	return b.digest(ctx, d, letter)
}
func (b *bench) CheckAddress(a notify.Address) (notify.Address, error) { return b.check(a) }
func (b *bench) Addressless() bool                                     { return b.addressless() }
func (b *bench) WantsUnread() bool                                     { return b.unread() }
func (b *bench) Destination(a notify.Address) string                   { return b.destination(a) }
func (b *bench) String() string                                        { return b.print() }
func (b *bench) GoString() string                                      { return b.print() }
func (b *bench) LogValue() slog.Value                                  { return slog.StringValue(b.print()) }

// newBench is a channel that keeps its contract.
func newBench() *bench {
	b := &bench{peer: &peer{}, over: make(chan struct{})}
	b.name = func() string { return "pigeon" }
	b.deliver = func(ctx context.Context, d notify.Delivery) error {
		return b.send(ctx, d, written(d.Item.Notification))
	}
	b.digest = func(ctx context.Context, d notify.Delivery, letter notify.Digest) error {
		return b.send(ctx, d, summed(d, letter))
	}
	b.check = func(a notify.Address) (notify.Address, error) {
		if !strings.HasSuffix(a.Value, "@loft") || strings.ContainsFunc(a.Value, unicode.IsControl) || len(a.Value) > 100 {
			return a, &notify.InvalidError{Field: "Address.Value", Reason: "not a loft"}
		}
		a.Meta = nil
		return a, nil
	}
	b.addressless = func() bool { return false }
	b.unread = func() bool { return true }
	b.destination = func(notify.Address) string { return "loft" }
	b.print = func() string { return "pigeon" }
	b.h = channeltest.Harness{
		Channel: b,
		Addresses: []notify.Address{
			{Channel: "pigeon", Value: "alice@loft", Meta: json.RawMessage(`{"ring":1}`)},
			{Channel: "pigeon", Value: "bob@loft"},
		},
		Behave: b.peer.behave, Received: b.peer.all, Secrets: []string{password},
		Close: func() { close(b.over) },
	}
	return b
}

// open makes a harness of a channel that is broken by alter.
func open(alter alter) func() (channeltest.Harness, error) {
	return func() (channeltest.Harness, error) {
		b := newBench()
		if alter != nil {
			alter(b)
		}
		return b.h, nil
	}
}

// send gives the text to the peer.
func (b *bench) send(ctx context.Context, d notify.Delivery, text string) error {
	if _, err := b.check(d.Address); err != nil {
		return &notify.DeliveryError{Class: notify.Permanent, Err: err}
	}
	text = strings.ToValidUTF8(text, "?")
	m := channeltest.Message{To: d.Address.Value, Identity: d.Identity(), Text: text, Bytes: []byte(text)}
	return outcome(b.peer.take(ctx, m))
}

// outcome is what a healthy channel makes of an answer.
func outcome(answer channeltest.Behavior, err error) error {
	if err != nil {
		return &notify.DeliveryError{Class: notify.Unknown, Err: errors.New("cut short")}
	}
	failure := &notify.DeliveryError{Err: fmt.Errorf("the loft answers %q", string(answer))}
	switch answer {
	case channeltest.Accept, channeltest.Ramble:
		return nil
	case channeltest.RetryAfter:
		failure.RetryAfter = channeltest.Wait
	case channeltest.Permanent:
		failure.Class = notify.Permanent
	case channeltest.Gone:
		failure.Class = notify.Gone
	case channeltest.Misconfigured:
		failure.Class = notify.Misconfigured
	case channeltest.Drop:
		failure.Class = notify.Unknown
	}
	return failure
}

func written(n notify.Notification) string { return n.Title + "\n" + n.Body }

func summed(d notify.Delivery, letter notify.Digest) string {
	text := fmt.Sprintf("%d unread\n", letter.Total)
	for _, item := range letter.Items {
		text += item.Notification.Title + "\n"
	}
	return text + d.Links.Inbox
}

// peer keeps what it takes in.
type peer struct {
	mu       sync.Mutex
	behavior channeltest.Behavior
	received []channeltest.Message
}

func (p *peer) behave(b channeltest.Behavior) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behavior = b
	return nil
}

func (p *peer) all() []channeltest.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.received)
}

func (p *peer) add(m channeltest.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.received = append(p.received, m)
}

func (p *peer) now() channeltest.Behavior {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behavior
}

// take answers a message with what the peer does, or with the error of ctx.
func (p *peer) take(ctx context.Context, m channeltest.Message) (channeltest.Behavior, error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	b := p.now()
	switch b {
	case channeltest.Accept, channeltest.Drop, channeltest.Hang, channeltest.Ramble:
		p.add(m)
	}
	switch b {
	case channeltest.Hang, channeltest.Silent, channeltest.Flood:
		<-ctx.Done()
		return "", ctx.Err()
	}
	return b, nil
}
