package notifyhttp

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/bellwether-go/notify"
)

// preferencesJSON is the settings of a recipient as a page shows them: what was
// chosen, what holds, why, and what is locked. The order of the providers is the
// recipient's.
type preferencesJSON struct {
	Version   int64                 `json:"version"`
	Enabled   bool                  `json:"enabled"` // the master switch
	Digest    digestJSON            `json:"digest"`
	Channels  []channelJSON         `json:"channels"`
	Providers []providerChoicesJSON `json:"providers"`
}

type digestJSON struct {
	At       string `json:"at"`        // what was chosen; "" follows the default
	TimeZone string `json:"time_zone"` // what was chosen; "" follows the directory
	HoldsAt  string `json:"holds_at"`
	HoldsIn  string `json:"holds_in"`
}

type channelJSON struct {
	Key        string      `json:"key"`
	Choice     notify.Mode `json:"choice"` // for all providers; "" follows their defaults
	Daily      bool        `json:"daily"`  // offers the mode
	Locked     bool        `json:"locked"`
	Reachable  bool        `json:"reachable"`
	NextDigest instant     `json:"next_digest"`
}

type providerChoicesJSON struct {
	Key         string              `json:"key"`
	Title       string              `json:"title"`
	Description string              `json:"description"`
	Icon        string              `json:"icon_url"`
	Channels    map[string]cellJSON `json:"channels"`

	aliases []string
}

type cellJSON struct {
	Choice notify.Mode `json:"choice"` // "" follows the defaults
	Mode   notify.Mode `json:"mode"`   // what holds
	On     bool        `json:"on"`
	// What holds once the master switch is on.
	Unmuted notify.Mode `json:"unmuted"`
	Rule    string      `json:"rule"`
	Locked  bool        `json:"locked"`
}

// document reads the settings and the version they have.
func (c *call) document() (preferencesJSON, notify.Preferences, error) {
	// In this order: a save in between makes the version too old, which is
	// found out, and not too new.
	chosen, err := c.n.Preferences(c.ctx(), c.recipient)
	if err != nil {
		return preferencesJSON{}, chosen, err
	}
	settings, err := c.n.Settings(c.ctx(), c.recipient)
	if err != nil {
		return preferencesJSON{}, chosen, err
	}
	d := preferencesJSON{
		Version: chosen.Version, Enabled: !settings.Muted,
		Digest:    digestJSON{At: chosen.DigestAt, TimeZone: chosen.TimeZone, HoldsAt: settings.DigestAt, HoldsIn: settings.TimeZone},
		Channels:  []channelJSON{{Key: notify.Interface, Locked: true, Reachable: true}},
		Providers: make([]providerChoicesJSON, 0, len(settings.Providers)),
	}
	for _, channel := range settings.Channels {
		d.Channels = append(d.Channels, channelJSON{
			Key: channel.Name, Choice: channel.Choice, Daily: channel.Digest,
			Reachable: channel.Reachable, NextDigest: instant(channel.NextDigest),
		})
	}
	for _, row := range settings.Providers {
		p := providerChoicesJSON{
			Key: row.Provider.ID, Title: cmp.Or(row.Provider.Title, row.Provider.ID),
			Description: row.Provider.Description, Icon: row.Provider.Icon,
			Channels: make(map[string]cellJSON, len(row.Cells)), aliases: row.Provider.Aliases,
		}
		for _, cell := range row.Cells {
			p.Channels[cell.Channel] = cellJSON{
				Choice: cell.Choice, Mode: cell.Mode, On: cell.Mode != notify.Off, Unmuted: cell.Unmuted, Rule: cell.Rule, Locked: cell.Locked,
			}
		}
		d.Providers = append(d.Providers, p)
	}
	return d, chosen, nil
}

// versionTag begins the ETag of a version; the rest tells whether anything else
// in the document has changed.
func versionTag(version int64) string { return strconv.FormatInt(version, 10) + "." }

// getPreferences is GET api/v1/preferences.
func (c *call) getPreferences() error {
	if _, err := c.query(); err != nil {
		return err
	}
	return c.replyPreferences()
}

func (c *call) replyPreferences() error {
	document, _, err := c.document()
	if err != nil {
		return err
	}
	return c.replyFresh(versionTag(document.Version), document)
}

// choicesJSON is what a Save sends. What is left out stays as it is; a provider
// that is left out keeps its choices and its place.
type choicesJSON struct {
	Enabled *bool `json:"enabled"`
	Digest  *struct {
		At       *string `json:"at"`
		TimeZone *string `json:"time_zone"`
	} `json:"digest"`
	Channels  map[string]notify.Mode `json:"channels"` // "" takes a choice back
	Providers []struct {
		Key      string                 `json:"key"`
		Channels map[string]notify.Mode `json:"channels"`
	} `json:"providers"`
}

// putPreferences is PUT api/v1/preferences: the Save of a form, which must say
// by If-Match which version it shows.
func (c *call) putPreferences() error {
	if c.r.Header.Get("If-Match") == "" {
		return problemOf(http.StatusPreconditionRequired, "precondition-required", "Send the ETag of the document as If-Match.")
	}
	return c.savePreferences()
}

// patchPreferences is PATCH api/v1/preferences, for pages that save each switch
// by itself. The body is the same; If-Match is optional, and without it a save
// that meets another one is repeated.
func (c *call) patchPreferences() error { return c.savePreferences("application/merge-patch+json") }

const saveAttempts = 5

func (c *call) savePreferences(mediaTypes ...string) error {
	var choices choicesJSON
	if err := c.decode(&choices, mediaTypes...); err != nil {
		return err
	}
	condition := c.r.Header.Get("If-Match")
	for attempt := 1; ; attempt++ {
		document, chosen, err := c.document()
		if err != nil {
			return err
		}
		if condition != "" && !versionMatches(condition, document.Version) {
			return c.stale()
		}
		chosen = clonePreferences(chosen)
		if err := choices.apply(&chosen, document); err != nil {
			return err
		}
		_, err = c.n.SavePreferences(c.ctx(), c.recipient, chosen)
		switch {
		case err == nil:
			c.r.Header.Del("If-None-Match")
			return c.replyPreferences()
		case errors.Is(err, notify.ErrConflict) && condition != "":
			return c.stale()
		case !errors.Is(err, notify.ErrConflict) || attempt == saveAttempts:
			return choices.locate(err)
		}
	}
}

// stale is 412 with the document as it is now, so that a form can show both.
func (c *call) stale() error {
	document, _, err := c.document()
	if err != nil {
		return err
	}
	p := problemOf(http.StatusPreconditionFailed, "stale-version", "The preferences were saved by somebody else meanwhile.")
	p.Current = document
	return p
}

// versionMatches compares an If-Match with a version: by the part of the tag
// that names it. What else the document shows may change under the form.
func versionMatches(condition string, version int64) bool {
	for tag := range strings.SplitSeq(condition, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.HasPrefix(tag, `"`+versionTag(version)) {
			return true
		}
	}
	return false
}

func clonePreferences(p notify.Preferences) notify.Preferences {
	p.Order = slices.Clone(p.Order)
	p.Channels = maps.Clone(p.Channels)
	choices := make(map[string]map[string]notify.Mode, len(p.Choices))
	for provider, cells := range p.Choices {
		choices[provider] = maps.Clone(cells)
	}
	p.Choices = choices
	return p
}

// apply puts the choices into the preferences. A locked cell may be sent as it
// is, since a form sends all it shows, but not changed.
func (choices *choicesJSON) apply(p *notify.Preferences, shown preferencesJSON) error {
	if choices.Enabled != nil {
		p.Muted = !*choices.Enabled
	}
	if d := choices.Digest; d != nil {
		if d.At != nil {
			p.DigestAt = *d.At
		}
		if d.TimeZone != nil {
			p.TimeZone = *d.TimeZone
		}
	}
	for channel, mode := range choices.Channels {
		if channel == notify.Interface {
			if mode == notify.Default || mode == notify.Immediate {
				continue
			}
			return invalidField("/channels/interface", "locked", "the interface is always on")
		}
		if p.Channels == nil {
			p.Channels = make(map[string]notify.Mode)
		}
		set(p.Channels, channel, mode)
	}
	if choices.Providers == nil {
		return nil
	}
	var named []string
	for i, row := range choices.Providers {
		pointer := fmt.Sprintf("/providers/%d/key", i)
		if slices.Contains(named, row.Key) {
			return invalidField(pointer, "duplicate", "the provider is there twice")
		}
		if !slices.Contains(shown.keys(), row.Key) {
			return invalidField(pointer, "invalid", "no such provider")
		}
		named = append(named, row.Key)
		for channel, mode := range row.Channels {
			if err := choose(p, shown, row.Key, channel, mode); err != nil {
				return invalidField(cellPointer(i, channel), err.Code, err.Detail)
			}
		}
	}
	if order := reorder(shown.keys(), named); !slices.Equal(order, shown.keys()) {
		p.Order = order
	}
	return nil
}

func (d preferencesJSON) keys() []string {
	keys := make([]string, 0, len(d.Providers))
	for _, p := range d.Providers {
		keys = append(keys, p.Key)
	}
	return keys
}

// reorder gives the places of those that are named to them in the new order;
// the others keep theirs.
func reorder(keys, named []string) []string {
	order := slices.Clone(keys)
	next := 0
	for i, key := range keys {
		if slices.Contains(named, key) {
			order[i] = named[next]
			next++
		}
	}
	return order
}

func choose(p *notify.Preferences, shown preferencesJSON, provider, channel string, mode notify.Mode) *FieldError {
	for _, row := range shown.Providers {
		if row.Key != provider {
			continue
		}
		if cell := row.Channels[channel]; cell.Locked {
			if mode == cell.Choice || mode == notify.Default || mode == cell.Mode {
				return nil
			}
			return &FieldError{Code: "locked", Detail: "the channel is locked: " + cell.Rule}
		}
		for _, alias := range row.aliases {
			delete(p.Choices[alias], channel) // it would count again
		}
	}
	if p.Choices[provider] == nil {
		p.Choices[provider] = make(map[string]notify.Mode)
	}
	set(p.Choices[provider], channel, mode)
	return nil
}

func set(cells map[string]notify.Mode, channel string, mode notify.Mode) {
	if mode == notify.Default {
		delete(cells, channel)
		return
	}
	cells[channel] = mode
}

func cellPointer(provider int, channel string) string {
	return fmt.Sprintf("/providers/%d/channels/%s", provider, escapePointer(shorten(channel, 100)))
}

// locate tells where in the body the field is that the center refused.
func (choices *choicesJSON) locate(err error) error {
	bad, ok := invalidOf(err)
	if !ok {
		return err
	}
	name, rest, indexed := strings.Cut(bad.Field, "[")
	path := strings.Split(strings.TrimSuffix(rest, "]"), "][")
	pointer := pointerOf(bad.Field)
	switch {
	case indexed && name == "Channels":
		pointer = "/channels/" + escapePointer(shorten(path[0], 100))
	case indexed && name == "Choices" && len(path) == 2:
		for i, row := range choices.Providers {
			if row.Key == path[0] {
				pointer = cellPointer(i, path[1])
			}
		}
	}
	return invalidField(pointer, "invalid", bad.Reason)
}
