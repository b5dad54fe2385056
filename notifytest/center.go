package notifytest

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/store/memory"
)

// Options are what a [Center] is made of. Nil and the zero value work.
type Options struct {
	// Options are the host's own, as for [notify.New]. Without Channels there is
	// a recorder for each of email, mobile and browser; without a Directory
	// everybody is known and has an address on every channel; without
	// Links.Inbox there is one for digests to lead to. PollInterval is ten
	// seconds, so that a day is over soon.
	notify.Options

	// Start is what time it is at first. The zero value is midnight of
	// 1 January 2000, UTC, when bubbles begin. In a bubble it cannot be earlier.
	Start time.Time

	// Open opens the store of the center, with its clock. Nil is a new one in
	// memory. A store that needs a database is for tests outside of bubbles.
	Open func(now func() time.Time) (notify.Store, error)
}

// Center is a notification center in a test. Use its Notifier as the program
// does; the other methods move time and look at what came of it. They first do
// what is due. Where they do not find what they require, the test ends.
type Center struct {
	*notify.Notifier
	Store notify.Store

	t        testing.TB
	clock    *clock // nil in a bubble, whose time it is
	channels []notify.Channel
}

// New returns a center that ends with the test. In a testing/synctest bubble it
// is running; elsewhere work is done whenever a method of the Center is called.
func New(t testing.TB, o *Options) *Center {
	t.Helper()
	opts := *cmp.Or(o, &Options{})
	if opts.Channels == nil {
		for _, name := range []string{notify.Email, notify.Mobile, notify.Browser} {
			opts.Channels = append(opts.Channels, &channeltest.Recorder{As: name})
		}
	}
	if opts.Directory == nil {
		opts.Directory = everybody{opts.Channels}
	}
	if opts.Links.Inbox == nil {
		opts.Links.Inbox = func(notify.Recipient) string { return "https://app.example/inbox" }
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	if opts.PollInterval == 0 {
		opts.PollInterval = 10 * time.Second // a virtual day has 8,640 of them
	}
	c := &Center{t: t, channels: slices.Clone(opts.Channels)}
	c.start(opts.Start)
	c.open(opts)
	return c
}

// open makes the store and the notifier, and runs it in a bubble.
func (c *Center) open(o Options) {
	c.t.Helper()
	if o.Open == nil {
		o.Open = func(now func() time.Time) (notify.Store, error) { return memory.New(&memory.Options{Now: now}), nil }
	}
	var err error
	if c.Store, err = o.Open(c.Now); err != nil {
		c.t.Fatalf("notifytest: Options.Open: %v", err)
	}
	opts := o.Options
	if c.Notifier, err = notify.New(c.Store, &opts); err != nil {
		c.t.Fatalf("notifytest: %v", err)
	}
	if c.clock != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	synctest.Wait()
	c.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			c.t.Errorf("notifytest: Run: %v", err)
		}
	})
}

// context is of the calls of a test, also of those that it leaves to its cleanup,
// when the test's own has ended.
func (c *Center) context() context.Context { return context.WithoutCancel(c.t.Context()) }

// Recorder returns the recorder of a channel.
func (c *Center) Recorder(channel string) *channeltest.Recorder {
	c.t.Helper()
	for _, ch := range c.channels {
		if r, ok := ch.(*channeltest.Recorder); ok && r.Name() == channel {
			return r
		}
	}
	c.t.Fatalf("notifytest: no recorder %q is among the channels", channel)
	return nil
}

// recorders are all of them.
func (c *Center) recorders() []*channeltest.Recorder {
	var all []*channeltest.Recorder
	for _, ch := range c.channels {
		if r, ok := ch.(*channeltest.Recorder); ok {
			all = append(all, r)
		}
	}
	return all
}

// everybody is a directory in which everyone has an address on every channel.
type everybody struct{ channels []notify.Channel }

// Contacts implements [notify.Directory].
func (e everybody) Contacts(_ context.Context, recipients []notify.Recipient) (map[notify.Recipient]notify.Contact, error) {
	known := make(map[notify.Recipient]notify.Contact, len(recipients))
	for _, r := range recipients {
		c := notify.Contact{Name: r.ID}
		for _, ch := range e.channels {
			c.Addresses = append(c.Addresses, notify.Address{Channel: ch.Name(), Value: r.ID + "@" + cmp.Or(r.Tenant, "host") + ".example"})
		}
		known[r] = c
	}
	return known, nil
}
