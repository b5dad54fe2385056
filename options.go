package notify

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"time"
)

// Options configure a [Notifier]. Nil works, and the zero value of each field
// is a documented default.
type Options struct {
	// Channels are the ways out besides the interface, which is always there.
	Channels []Channel
	// Providers are the sources of notifications. Nil accepts any well-formed
	// id and offers no provider on the settings page.
	Providers Catalog
	// Directory tells names, locales, zones and addresses. Nil knows nobody:
	// only registered addresses are reached.
	Directory Directory
	// Audiences can be sent to by name.
	Audiences map[string]Audience
	// Defaults is the mode per channel of those who have chosen nothing and
	// whose provider has no default; a channel that is missing is Immediate.
	Defaults map[string]Mode
	// Resolver decides who gets what where; nil is StandardResolver.
	Resolver Resolver
	// Schedule tells the cuts of daily digests; nil is DailyAt("18:00").
	Schedule Schedule
	// Location is the zone of recipients of whom no other is known; nil is UTC.
	Location *time.Location
	// BaseURL makes relative links absolute. Without it they are refused.
	BaseURL string
	// Links are the host's pages. A DigestChannel needs Links.Inbox.
	Links Links
	// Retry tells when a failed delivery is tried again; nil is Backoff{}.
	Retry RetryPolicy
	// Bus carries live hints between processes; nil stays within this one.
	Bus Bus

	Workers      int // attempts at a time, per channel; 16
	InlineFanOut int // up to so many recipients are filed by Send itself; 100
	DigestLimit  int // items shown in a digest; 5
	CountLimit   int // counts are exact up to it; 10,000

	PollInterval    time.Duration // how often due work is looked for when no hint comes; 1 s
	Lease           time.Duration // after so long without a sign of life others take the work over; 30 s
	AttemptTimeout  time.Duration // for one call of a channel; 1 min
	ShutdownTimeout time.Duration // for attempts under way when Run's context ends; 10 s

	// Logger gets what needs attention; nil logs nothing.
	Logger *slog.Logger
	// Observe is told everything that happens. It is called synchronously
	// and concurrently and must not block.
	Observe func(context.Context, Event)
}

// Links are the host's pages for a recipient, as absolute URLs.
type Links struct {
	Inbox       func(Recipient) string
	Settings    func(Recipient) string
	Unsubscribe func(Recipient) string
}

func (l Links) of(r Recipient) DeliveryLinks {
	call := func(f func(Recipient) string) string {
		if f == nil {
			return ""
		}
		return f(r)
	}
	return DeliveryLinks{Inbox: call(l.Inbox), Settings: call(l.Settings), Unsubscribe: call(l.Unsubscribe)}
}

// configure validates opts and fills in the defaults.
func (n *Notifier) configure(opts Options) error {
	n.providers, n.directory, n.resolver = opts.Providers, opts.Directory, opts.Resolver
	n.schedule, n.location, n.retry, n.bus = opts.Schedule, opts.Location, opts.Retry, opts.Bus
	n.links, n.log, n.observe = opts.Links, opts.Logger, opts.Observe
	n.audiences = maps.Clone(opts.Audiences)
	if n.directory == nil {
		n.directory = People{}
	}
	if n.resolver == nil {
		n.resolver = StandardResolver{}
	}
	if n.schedule == nil {
		n.schedule = DailyAt("18:00")
	}
	if daily, ok := n.schedule.(DailyAt); ok {
		if _, _, err := daily.clock(); err != nil {
			return invalid("Options.Schedule", "DailyAt(%q) is no time of day", string(daily))
		}
	}
	if n.location == nil {
		n.location = time.UTC
	}
	if n.retry == nil {
		n.retry = Backoff{}
	}
	if n.bus == nil {
		n.bus = newLocalBus()
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	if err := n.configureNumbers(opts); err != nil {
		return err
	}
	for name, a := range opts.Audiences {
		if err := checkIdentifier(fmt.Sprintf("Options.Audiences[%s]", name), name, true); err != nil {
			return err
		}
		if a == nil {
			return invalid(fmt.Sprintf("Options.Audiences[%s]", name), "nil")
		}
	}
	if opts.BaseURL != "" {
		if err := checkURL("Options.BaseURL", opts.BaseURL, nil, "http", "https"); err != nil {
			return err
		}
		n.baseURL, _ = url.Parse(opts.BaseURL) // checked above
	}
	if err := checkProviders(opts.Providers); err != nil {
		return err
	}
	return n.configureChannels(opts)
}

func (n *Notifier) configureNumbers(opts Options) error {
	for _, f := range []struct {
		name            string
		value, fallback int
		into            *int
	}{
		{"Workers", opts.Workers, 16, &n.workers},
		{"InlineFanOut", opts.InlineFanOut, 100, &n.inlineFanOut},
		{"DigestLimit", opts.DigestLimit, 5, &n.digestLimit},
		{"CountLimit", opts.CountLimit, 10_000, &n.countLimit},
	} {
		if f.value < 0 {
			return invalid("Options."+f.name, "negative")
		}
		*f.into = orDefault(f.value, f.fallback)
	}
	for _, f := range []struct {
		name            string
		value, fallback time.Duration
		into            *time.Duration
	}{
		{"PollInterval", opts.PollInterval, time.Second, &n.pollInterval},
		{"Lease", opts.Lease, 30 * time.Second, &n.lease},
		{"AttemptTimeout", opts.AttemptTimeout, time.Minute, &n.attemptTimeout},
		{"ShutdownTimeout", opts.ShutdownTimeout, 10 * time.Second, &n.shutdownTimeout},
	} {
		if f.value < 0 {
			return invalid("Options."+f.name, "negative")
		}
		*f.into = orDefault(f.value, f.fallback)
	}
	if n.lease < time.Second {
		return invalid("Options.Lease", "shorter than a second: it could not be renewed in time")
	}
	return nil
}

func (n *Notifier) configureChannels(opts Options) error {
	n.channels = make(map[string]Channel, len(opts.Channels))
	for i, c := range opts.Channels {
		field := fmt.Sprintf("Options.Channels[%d]", i)
		if c == nil {
			return invalid(field, "nil")
		}
		name := c.Name()
		if err := checkIdentifier(field, name, true); err != nil {
			return err
		}
		if name == Interface {
			return invalid(field, "the interface is always there and cannot be registered")
		}
		if n.channels[name] != nil {
			return invalid(field, "a second channel named %q", name)
		}
		_, digest := c.(DigestChannel)
		if digest && opts.Links.Inbox == nil {
			return invalid("Options.Links.Inbox", "missing: the digests of channel %q link to the inbox", name)
		}
		n.channels[name] = c
		n.channelInfos = append(n.channelInfos, ChannelInfo{Name: name, Registered: true, Digest: digest, Default: Immediate})
	}
	for name, mode := range opts.Defaults {
		field := fmt.Sprintf("Options.Defaults[%s]", name)
		i := slices.IndexFunc(n.channelInfos, func(c ChannelInfo) bool { return c.Name == name })
		if i < 0 {
			return invalid(field, "no such channel is registered")
		}
		if mode != Default && !mode.decides() {
			return invalid(field, "%q is no mode", string(mode))
		}
		if mode != Default {
			n.channelInfos[i].Default = mode
		}
	}
	return nil
}

// checkProviders validates a static catalog; a dynamic one is trusted to be
// asked later.
func checkProviders(c Catalog) error {
	static, ok := c.(Providers)
	if !ok {
		return nil
	}
	known := make(map[string]bool, len(static))
	for i, p := range static {
		field := fmt.Sprintf("Options.Providers[%d]", i)
		for _, id := range append([]string{p.ID}, p.Aliases...) {
			if err := checkIdentifier(field+".ID", id, true); err != nil {
				return err
			}
			if known[id] {
				return invalid(field+".ID", "%q is used twice", id)
			}
			known[id] = true
		}
		for channel, mode := range p.Defaults {
			if mode != Default && !mode.decides() {
				return invalid(fmt.Sprintf("%s.Defaults[%s]", field, channel), "%q is no mode", string(mode))
			}
		}
		for channel, wait := range p.Wait {
			if wait < 0 {
				return invalid(fmt.Sprintf("%s.Wait[%s]", field, channel), "negative")
			}
		}
	}
	return nil
}
