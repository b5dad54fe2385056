package notify

import (
	"encoding/json"
	"time"
)

// ID identifies a notification, an item, a delivery or a registration. It is a
// UUID version 7 (RFC 9562) in its canonical text form of 36 bytes.
type ID string

// Recipient is someone who can be notified. Both fields are the host's own
// identifiers, compared byte by byte. An empty Tenant is a single-tenant host.
type Recipient struct {
	Tenant string
	ID     string
}

// User returns the recipient with that id in a single-tenant host.
func User(id string) Recipient { return Recipient{ID: id} }

// Priority says how urgent a notification is. The zero value is [Normal].
type Priority int

// The priorities. High ones are delivered before others and are never held up
// by Low ones, however many of those wait.
const (
	Low    Priority = -1
	Normal Priority = 0
	High   Priority = 1
)

// Row is one line of detail under the body: "Amount", "12.00 EUR".
type Row struct {
	Label string `json:"label,omitempty"`
	Text  string `json:"text"`
}

// Action is a button. Key identifies it within its notification.
type Action struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Notification is the single format in which everything is sent, whatever the
// channels it will leave by. Provider, Title and a receiver (To or Audience)
// are required; all the rest may stay zero.
//
// Limits, the same on every store: tenant, recipient, provider, key, entity and
// collapse key 190 bytes; Title 500 bytes; Body 16,384 bytes; 20 rows and 5
// actions; Data 65,536 bytes; URLs 2,048 bytes; 10,000 recipients in To. All
// text is UTF-8 without NUL.
type Notification struct {
	Tenant   string      // of every recipient; "" takes that of To
	Provider string      // the registered source
	To       []Recipient // who receives it: To or Audience, not both
	Audience string      // name of one of [Options].Audiences

	Title   string
	Body    string
	Rows    []Row
	URL     string // http, https or mailto; relative ones need [Options].BaseURL
	Icon    string // URL of an image
	Actions []Action
	Data    json.RawMessage // any JSON, kept byte for byte

	Key         string    // idempotency key, unique per tenant and provider for the life of the row
	CollapseKey string    // an unread item with the same one is replaced and moves up
	Entity      string    // what it is about, so that it can be withdrawn: "task/17"
	Actor       Recipient // who caused it: gets the item but no other delivery
	Priority    Priority

	Silent    bool // an item without pop-up and without any other channel
	Transient bool // a pop-up only: never stored, counted or sent elsewhere

	OccurredAt time.Time // when it happened, for display only; zero is the time of filing
	NotBefore  time.Time // do not file before; can be withdrawn until then
	ExpiresAt  time.Time // ends deliveries and digest membership; the item stays
}

// Receipt tells what became of one notification of a Send.
type Receipt struct {
	ID        ID        // of the notification; for a replay, of the first one
	Filed     time.Time // when it came into all the inboxes; zero where that is left to a task, and for a replay
	Replayed  bool      // the same key and content had been accepted before
	Withdrawn bool      // and has been withdrawn since
	Err       error     // ErrConflict: the key was used before with other content
}

// Withdrawal names what to take back: every notification of the provider with
// that Key, or every one about that Entity. Exactly one of Key and Entity is
// set; with Entity an empty Provider means every provider of the tenant.
type Withdrawal struct {
	Tenant   string
	Provider string
	Key      string
	Entity   string
}
