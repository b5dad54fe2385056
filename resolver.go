package notify

import "slices"

// Question is all that a [Resolver] may look at: one notification for one
// recipient.
type Question struct {
	Recipient   Recipient
	Erased      bool     // the recipient was erased
	Silent      bool     // the notification is silent
	Actor       bool     // the recipient caused it
	Provider    Provider // only the ID, if the catalog does not know it
	Preferences Preferences
	Channels    []ChannelInfo // the interface is not among them
}

// ChannelInfo is what a [Resolver] knows of a channel.
type ChannelInfo struct {
	Name       string
	Registered bool
	Digest     bool // offers Daily
	Default    Mode // of the host
}

// Decision is what becomes of a notification on one channel and which rule
// decided it.
type Decision struct {
	Channel string
	Mode    Mode // Off, Immediate or Daily
	Rule    string
}

// The rules of [StandardResolver] in their order; the first match decides.
const (
	RuleErased          = "erased"           // erased recipients get nothing at all
	RuleInterface       = "interface"        // always on
	RuleUnknownChannel  = "unknown channel"  // not registered here
	RuleSilent          = "silent"           // the notification asks for no other channel
	RuleActor           = "actor"            // caused by the recipient
	RuleForced          = "forced"           // by the provider
	RuleMuted           = "muted"            // the master switch is off
	RuleChoice          = "choice"           // the recipient's cell
	RuleChannel         = "channel"          // the recipient's default for the channel
	RuleProviderDefault = "provider default" // the provider's
	RuleDefault         = "default"          // the host's
	RuleOff             = "off"              // nothing else decided
)

// Resolver decides by which channels a notification goes to a recipient. It
// must be pure: the same question, the same answer; it is called concurrently.
// The decision on the interface is not its to make and is ignored.
type Resolver interface {
	Resolve(Question) []Decision
}

// StandardResolver is the Resolver that the documentation describes.
type StandardResolver struct{}

// Resolve implements [Resolver]: the interface first, then a decision for each
// channel of the question, in its order.
func (StandardResolver) Resolve(q Question) []Decision {
	decisions := make([]Decision, 0, 1+len(q.Channels))
	if q.Erased {
		decisions = append(decisions, Decision{Interface, Off, RuleErased})
	} else {
		decisions = append(decisions, Decision{Interface, Immediate, RuleInterface})
	}
	for i := range q.Channels {
		c := &q.Channels[i]
		if c.Name == Interface {
			continue
		}
		mode, rule := q.decide(c)
		if mode == Daily && !c.Digest {
			mode = Immediate
		}
		decisions = append(decisions, Decision{c.Name, mode, rule})
	}
	return decisions
}

func (q *Question) decide(c *ChannelInfo) (Mode, string) {
	switch {
	case q.Erased:
		return Off, RuleErased
	case !c.Registered:
		return Off, RuleUnknownChannel
	case q.Silent:
		return Off, RuleSilent
	case q.Actor:
		return Off, RuleActor
	case slices.Contains(q.Provider.Forced, c.Name):
		return Immediate, RuleForced
	case q.Preferences.Muted:
		return Off, RuleMuted
	}
	if m := q.Preferences.choice(q.Provider, c.Name); m.decides() {
		return m, RuleChoice
	}
	if m := q.Preferences.Channels[c.Name]; m.decides() {
		return m, RuleChannel
	}
	if m := q.Provider.Defaults[c.Name]; m.decides() {
		return m, RuleProviderDefault
	}
	if c.Default.decides() {
		return c.Default, RuleDefault
	}
	return Off, RuleOff
}

// decides is false for Default and for whatever a store may hold that is no
// mode: the resolver is total.
func (m Mode) decides() bool { return m == Off || m == Immediate || m == Daily }

// choice is the cell of a provider and channel, also if it was saved under a
// former id of the provider.
func (p *Preferences) choice(provider Provider, channel string) Mode {
	if m := p.Choices[provider.ID][channel]; m.decides() {
		return m
	}
	for _, alias := range provider.Aliases {
		if m := p.Choices[alias][channel]; m.decides() {
			return m
		}
	}
	return Default
}
