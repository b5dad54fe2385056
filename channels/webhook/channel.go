package webhook

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/egress"
	"github.com/bellwether-go/notify/internal/peer"
)

// Channel posts to URLs. Its methods may be called from several goroutines.
type Channel struct {
	client    *egress.Client
	userAgent string
}

var (
	_ notify.Channel        = (*Channel)(nil)
	_ notify.AddressChecker = (*Channel)(nil)
	_ notify.Router         = (*Channel)(nil)
)

// New returns a channel. It checks the options, connects to nothing and starts
// nothing. The error is a [notify.InvalidError] that names the option.
func New(o Options) (*Channel, error) {
	o, err := o.settle()
	if err != nil {
		return nil, fmt.Errorf("notify/webhook: %w", err)
	}
	client, err := egress.New(egress.Options{Timeout: o.Timeout, Allow: o.Allow, RootCAs: o.RootCAs})
	if err != nil {
		return nil, fmt.Errorf("notify/webhook: %w", err)
	}
	return &Channel{client: client, userAgent: o.UserAgent}, nil
}

// Name implements [notify.Channel]: it is [notify.Webhook].
func (c *Channel) Name() string { return notify.Webhook }

// Deliver implements [notify.Channel]. It returns nil once the receiver has
// answered with a status of 200 to 299. Every other outcome is a
// [notify.DeliveryError], whose text carries the status and nothing else of the
// answer.
func (c *Channel) Deliver(ctx context.Context, d notify.Delivery) error {
	url, keys, err := c.endpoint(d.Address)
	if err != nil {
		return permanent(err)
	}
	event, err := body(d)
	if err != nil {
		return permanent(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(event))
	if err != nil {
		return permanent(errURL) // the text of err has the URL
	}
	id, timestamp := d.Identity(), stamp(time.Now())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", c.userAgent)
	request.Header.Set(HeaderID, id)
	request.Header.Set(HeaderTimestamp, timestamp)
	request.Header.Set(HeaderSignature, signature(keys, id, timestamp, event))
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	return judge(response.StatusCode, peer.RetryAfter(response.Header, time.Now()))
}

// Close ends the connections that wait for another event. The channel stays
// usable.
func (c *Channel) Close() error {
	c.client.CloseIdle()
	return nil
}

// LogValue implements [slog.LogValuer].
func (c *Channel) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String implements [fmt.Stringer].
func (c *Channel) String() string { return "webhook.Channel{}" }

// GoString implements [fmt.GoStringer].
func (c *Channel) GoString() string { return c.String() }
