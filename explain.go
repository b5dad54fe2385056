package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Explain tells what would become of a notification for a recipient, and by
// which rule, without sending it. To may be empty. Channels that the provider
// names but nobody registered are explained too.
func (n *Notifier) Explain(ctx context.Context, note Notification, r Recipient) ([]Decision, error) {
	if err := checkRecipient(r); err != nil {
		return nil, err
	}
	note.To, note.Audience = []Recipient{r}, ""
	if note.Tenant == "" {
		note.Tenant = r.Tenant
	}
	note, err := normalize(note, n.baseURL)
	if err != nil {
		return nil, err
	}
	f := n.newFiler()
	if err := f.learn(ctx, []Recipient{r}); err != nil {
		return nil, err
	}
	provider, known, err := f.provider(ctx, r, note.Provider)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, unknownProvider(note.Provider)
	}
	decisions := n.decide(note, provider, f.profiles[r], r)
	var unknown []string
	for channel := range provider.Defaults {
		unknown = append(unknown, channel)
	}
	unknown = append(unknown, provider.Forced...)
	slices.Sort(unknown)
	for _, channel := range slices.Compact(unknown) {
		if channel != Interface && n.channels[channel] == nil {
			decisions = append(decisions, Decision{channel, Off, RuleUnknownChannel})
		}
	}
	return decisions, nil
}

// PreviewDigest returns the digest as it would be if its window closed now, of
// the e-mail channel or else of the first one that has digests.
func (n *Notifier) PreviewDigest(ctx context.Context, r Recipient) (Digest, error) {
	if err := checkRecipient(r); err != nil {
		return Digest{}, err
	}
	channel := n.digestChannel()
	if channel == "" {
		return Digest{}, fmt.Errorf("notify: preview: no channel has digests: %w", errors.ErrUnsupported)
	}
	f := n.newFiler()
	if err := f.learn(ctx, []Recipient{r}); err != nil {
		return Digest{}, err
	}
	now, err := n.store.Now(ctx)
	if err != nil {
		return Digest{}, fmt.Errorf("notify: clock: %w", err)
	}
	profile := f.profiles[r]
	entries, err := n.store.DigestEntries(ctx, Task{Kind: KindDigest, Recipient: r, Channel: channel})
	if err != nil {
		return Digest{}, fmt.Errorf("notify: preview: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e DigestEntry) bool {
		return optedOut(profile, e.Provider, channel, e.PreferencesVersion)
	})
	from := findPlan(profile.Plans, channel).LastCut
	digest := Digest{}
	if len(entries) > 0 {
		if digest, err = n.letter(ctx, r, entries); err != nil {
			return Digest{}, err
		}
		if oldest := entries[len(entries)-1].Filed; from.IsZero() || now.Sub(from) > digestLookBack {
			from = oldest
		}
	}
	digest.From, digest.To, digest.Zone = from, now, f.zone(ctx, r, profile.Preferences)
	return digest, nil
}

func (n *Notifier) digestChannel() string {
	first := ""
	for _, c := range n.channelInfos {
		if c.Digest && c.Name == Email {
			return Email
		}
		if c.Digest && first == "" {
			first = c.Name
		}
	}
	return first
}
