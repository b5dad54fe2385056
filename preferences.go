package notify

import (
	"context"
	"time"
)

// Mode is when a channel delivers. The zero value follows the default.
type Mode string

// The modes. Daily needs a [DigestChannel]; on others it means Immediate.
const (
	Default   Mode = ""
	Off       Mode = "off"
	Immediate Mode = "immediate"
	Daily     Mode = "daily"
)

// Provider is a registered source of notifications: billing, chats, an
// integration.
type Provider struct {
	ID          string // stable; at most 190 bytes
	Title       string
	Description string
	Icon        string // URL

	// Defaults is the mode per channel of those who have chosen nothing.
	Defaults map[string]Mode
	// Forced channels always deliver at once, whatever the recipient chose.
	Forced []string
	// Wait holds a delivery back for so long, per channel, and drops it when
	// the item was read meanwhile.
	Wait map[string]time.Duration
	// Aliases are former ids: choices saved under them still count.
	Aliases []string
}

// Catalog tells which providers there are for a recipient, in their order of
// registration. It is asked from several goroutines, never inside a
// transaction.
type Catalog interface {
	Providers(ctx context.Context, r Recipient) ([]Provider, error)
}

// Providers is the static Catalog: every recipient can get all of them.
type Providers []Provider

// Providers implements [Catalog].
func (p Providers) Providers(context.Context, Recipient) ([]Provider, error) { return p, nil }

// Preferences is the recipient's own document. The zero value is that of
// somebody who has never chosen. There is no way to say "interface off".
type Preferences struct {
	Version  int64                      `json:"version"`             // of the stored document; 0 when nothing is stored
	Muted    bool                       `json:"muted,omitempty"`     // the master switch is off
	Order    []string                   `json:"order,omitempty"`     // provider ids; the others follow as registered
	Channels map[string]Mode            `json:"channels,omitempty"`  // per channel, for all providers
	Choices  map[string]map[string]Mode `json:"choices,omitempty"`   // provider → channel → mode: the cells
	DigestAt string                     `json:"digest_at,omitempty"` // "18:00", local time of the daily digest
	TimeZone string                     `json:"time_zone,omitempty"` // IANA name; "" follows the directory
}
