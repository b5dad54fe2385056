package browser

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/egress"
)

// Channel pushes to browsers. Its methods may be called from several goroutines.
type Channel struct {
	client   *egress.Client
	subject  string
	keys     map[string]Keys // by ID
	current  string          // the ID of the present pair
	services []string
	ttl      time.Duration
	accounts accounts
}

var (
	_ notify.Channel        = (*Channel)(nil)
	_ notify.AddressChecker = (*Channel)(nil)
	_ notify.Badger         = (*Channel)(nil)
	_ notify.Router         = (*Channel)(nil)
)

// New returns a channel. It checks the options, connects to nothing and starts
// nothing. The error is a [notify.InvalidError] that names the option.
func New(o Options) (*Channel, error) {
	o, err := o.settle()
	if err != nil {
		return nil, fmt.Errorf("notify/browser: %w", err)
	}
	client, err := o.client()
	if err != nil {
		return nil, fmt.Errorf("notify/browser: %w", err)
	}
	c := &Channel{
		client: client, subject: o.Subject, services: o.Services, ttl: o.TTL,
		keys: map[string]Keys{o.Keys.ID(): o.Keys}, current: o.Keys.ID(),
	}
	for _, k := range o.Previous {
		c.keys[k.ID()] = k
	}
	return c, nil
}

// Name implements [notify.Channel]: it is [notify.Browser].
func (c *Channel) Name() string { return notify.Browser }

// WantsUnread implements [notify.Badger]: the badge of an app is its number of
// unread items.
func (c *Channel) WantsUnread() bool { return true }

// PublicKey is what a page gives the browser as applicationServerKey, in
// base64url.
func (c *Channel) PublicKey() string { return c.keys[c.current].Public }

// Deliver implements [notify.Channel]. It returns nil once the push service has
// taken the message. Every other outcome is a [notify.DeliveryError], whose text
// names neither the subscription nor what the service said.
func (c *Channel) Deliver(ctx context.Context, d notify.Delivery) error {
	to, err := c.target(d)
	if err != nil {
		return refused(err)
	}
	f, err := fit(d, records[0])
	if err != nil {
		return refused(err)
	}
	a, err := c.push(ctx, d, to, f)
	if err == nil && a.tooLarge() && f.record > records[len(records)-1] {
		// A service may take less than it should. Nothing was accepted, so this is
		// not a second message.
		if f, err = fit(d, nextSmaller(f.record)); err != nil {
			return refused(err)
		}
		a, err = c.push(ctx, d, to, f)
	}
	if err != nil {
		return unanswered(err)
	}
	return c.outcome(a, account{to.host(), to.VAPID})
}

// push makes one request.
func (c *Channel) push(ctx context.Context, d notify.Delivery, to target, f fitted) (answer, error) {
	pair := c.keys[to.VAPID]
	// The text has room to grow and is nobody else's: webpush-go writes behind
	// its end.
	response, err := webpush.SendNotificationWithContext(ctx, f.text,
		&webpush.Subscription{Endpoint: to.endpoint, Keys: webpush.Keys{P256dh: to.P256dh, Auth: to.Auth}},
		&webpush.Options{
			HTTPClient: c.client, RecordSize: uint32(f.record), Subscriber: c.subject,
			VAPIDPublicKey: pair.Public, VAPIDPrivateKey: pair.Private,
			Topic: f.topic, TTL: c.keep(d.Item.Notification.ExpiresAt), Urgency: urgency(d.Item.Notification.Priority),
		})
	if err != nil {
		return answer{}, err
	}
	return read(response), nil
}

// keep is for how many seconds the push service shall try. None means now or
// never.
func (c *Channel) keep(until time.Time) int {
	keep := c.ttl
	if !until.IsZero() {
		keep = min(keep, max(time.Until(until), 0))
	}
	return int(keep / time.Second)
}

func urgency(p notify.Priority) webpush.Urgency {
	switch {
	case p < notify.Normal:
		return webpush.UrgencyLow
	case p > notify.Normal:
		return webpush.UrgencyHigh
	}
	return webpush.UrgencyNormal
}

// Close ends the connections that wait for another message. The channel stays
// usable.
func (c *Channel) Close() error {
	c.client.CloseIdle()
	return nil
}

// LogValue implements [slog.LogValuer] without private keys.
func (c *Channel) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String implements [fmt.Stringer] without private keys.
func (c *Channel) String() string { return fmt.Sprintf("browser.Channel{%s}", c.PublicKey()) }

// GoString implements [fmt.GoStringer] without private keys.
func (c *Channel) GoString() string { return c.String() }
