package mobile

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bellwether-go/notify"
)

// Channel pushes to phones and tablets. Its methods may be called from several
// goroutines.
type Channel struct {
	o        Options
	projects map[string]*project // by id
	teams    map[string]*team    // by topic
	devices  map[string]Device   // by their Meta in canonical form
}

var (
	_ notify.Channel        = (*Channel)(nil)
	_ notify.AddressChecker = (*Channel)(nil)
	_ notify.Badger         = (*Channel)(nil)
	_ notify.Router         = (*Channel)(nil)
)

// New returns a channel. It checks the options and the keys, connects to nothing
// and starts nothing. The error is a [notify.InvalidError] that names the option.
func New(o Options) (*Channel, error) {
	o, err := o.settle()
	if err != nil {
		return nil, fmt.Errorf("notify/mobile: %w", err)
	}
	c := &Channel{o: o, projects: make(map[string]*project), teams: make(map[string]*team)}
	for i, f := range o.Firebase {
		if err := c.addProject(fmt.Sprintf("Firebase[%d]", i), f); err != nil {
			return nil, fmt.Errorf("notify/mobile: %w", err)
		}
	}
	for i, a := range o.Apple {
		if err := c.addTeam(fmt.Sprintf("Apple[%d]", i), a); err != nil {
			return nil, fmt.Errorf("notify/mobile: %w", err)
		}
	}
	c.devices = c.canonical()
	// The keys are where they are needed; nothing that is printed holds them.
	c.o.Firebase, c.o.Apple = nil, nil
	return c, nil
}

// Name implements [notify.Channel]: it is [notify.Mobile].
func (c *Channel) Name() string { return notify.Mobile }

// WantsUnread implements [notify.Badger]: the number on the app's icon.
func (c *Channel) WantsUnread() bool { return true }

// Destination implements [notify.Router]: each Firebase project, and each app
// and environment at Apple, fails, pauses and recovers by itself.
func (c *Channel) Destination(a notify.Address) string {
	device, err := c.device(a)
	switch {
	case err != nil:
		return ""
	case device.Platform == FCM:
		return "fcm/" + device.App
	}
	return "apns/" + device.App + "/" + string(device.environment())
}

// Deliver implements [notify.Channel]. It returns nil once the service has
// accepted the push. Every other outcome is a [notify.DeliveryError], whose text
// carries the service's code but neither the token nor a secret.
func (c *Channel) Deliver(ctx context.Context, d notify.Delivery) error {
	device, err := c.device(d.Address)
	if err != nil {
		return &notify.DeliveryError{Class: notify.Permanent, Err: err}
	}
	now := time.Now()
	p := c.push(d, now)
	if !p.expires.After(now) {
		return &notify.DeliveryError{Class: notify.Permanent, Err: errExpired}
	}
	token := d.Address.Value
	if device.Platform == FCM {
		return c.projects[device.App].deliver(ctx, token, p)
	}
	return c.teams[device.App].deliver(ctx, device, token, p)
}

// Close ends the connections that wait for another push. The channel stays
// usable.
func (c *Channel) Close() error {
	for _, p := range c.projects {
		p.CloseIdle()
	}
	for _, t := range c.teams {
		t.CloseIdle()
	}
	return nil
}

// LogValue implements [slog.LogValuer] without keys.
func (c *Channel) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String implements [fmt.Stringer] without keys.
func (c *Channel) String() string {
	return fmt.Sprintf("mobile.Channel{Firebase:%d Topics:%d}", len(c.projects), len(c.teams))
}

// GoString implements [fmt.GoStringer] without keys.
func (c *Channel) GoString() string { return c.String() }
