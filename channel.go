package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The names of the well-known channels. Interface is the inbox: it is always
// there and cannot be registered, replaced or switched off.
const (
	Interface = "interface"
	Email     = "email"
	Mobile    = "mobile"
	Browser   = "browser"
	Webhook   = "webhook"
)

// Channel is a way out besides the interface. Hosts implement it for whatever
// they send by; see also [DigestChannel], [AddressChecker], [Addressless],
// [Badger] and [Router].
//
// Deliver is called once per address, from several goroutines at a time, with
// a context that ends at the attempt's deadline. It returns nil once the peer
// has accepted, and else an error: a [DeliveryError] says what follows from it,
// any other error counts as Temporary. At-least-once: after a crash or an
// unknown outcome the same delivery comes again with the same
// [Delivery.Identity], so that the peer can drop the duplicate.
type Channel interface {
	Name() string
	Deliver(ctx context.Context, d Delivery) error
}

// DigestChannel is a channel that also offers the mode [Daily]. In the Delivery
// of a digest the Item is zero.
type DigestChannel interface {
	Channel
	DeliverDigest(ctx context.Context, d Delivery, digest Digest) error
}

// AddressChecker validates and normalises an address before it is stored by
// [Notifier.Register]. The error should be an [InvalidError].
type AddressChecker interface {
	CheckAddress(Address) (Address, error)
}

// Addressless is a channel that needs no address, such as a log or a chat room
// that the host resolves by itself: it is called once with a zero Address.
type Addressless interface {
	Addressless() bool
}

// Badger is a channel that shows a badge: it gets [Delivery].Unread.
type Badger interface {
	WantsUnread() bool
}

// Router names the destination that an address leads to: the host of a push
// service, a relay. Destinations that fail are left alone one by one and taken
// up again slowly, and an account that is misconfigured pauses its destination
// only. A channel without it has one destination, itself, and that is never
// left alone for its failures. Names are shown in [Health] and in events, so
// they must not be addresses of people.
type Router interface {
	Destination(Address) string
}

// Address is where a channel reaches a recipient: a mailbox, a device token, a
// push subscription, a URL. Meta is the channel's own (keys of a subscription,
// platform of a device).
type Address struct {
	Channel string          `json:"channel"`
	Value   string          `json:"value"`
	Meta    json.RawMessage `json:"meta,omitempty"`
}

// Contact is what the host knows about a recipient.
type Contact struct {
	Name      string
	Locale    string // BCP 47, "pt-BR"; "" is the channel's default
	TimeZone  string // IANA name, "America/Sao_Paulo"; "" is [Options].Location
	Addresses []Address
}

// Directory is the host's answer to who a recipient is. It is asked in batches,
// from several goroutines, never inside a transaction. A recipient absent from
// the map is unknown, which is no error.
type Directory interface {
	Contacts(ctx context.Context, recipients []Recipient) (map[Recipient]Contact, error)
}

// People is the static Directory.
type People map[Recipient]Contact

// Contacts implements [Directory].
func (p People) Contacts(_ context.Context, recipients []Recipient) (map[Recipient]Contact, error) {
	known := make(map[Recipient]Contact, len(recipients))
	for _, r := range recipients {
		if c, ok := p[r]; ok {
			known[r] = c
		}
	}
	return known, nil
}

// Audience is a named set of recipients that the host enumerates: Members
// returns up to limit ids of the tenant that come strictly after the id after
// ("" starts), and none at the end. Any order will do that stays the same, such
// as that of a primary key, be it of numbers. A crash resumes after the last id
// that was filed.
type Audience interface {
	Members(ctx context.Context, tenant, after string, limit int) ([]string, error)
}

// Delivery is one notification, or one digest, on its way to one address of
// one recipient.
type Delivery struct {
	ID         ID  // stable over retries
	Attempt    int // 1 for the first
	Recipient  Recipient
	Contact    Contact
	Address    Address
	Registered time.Time // when the address was last registered; zero for one of the directory
	Item       Item      // zero for a digest
	Unread     int       // the recipient's unread items, for a [Badger]
	Links      DeliveryLinks
}

// DeliveryLinks are the host's pages for one recipient, from [Options].Links.
// A link that the host does not offer is empty.
type DeliveryLinks struct {
	Inbox       string
	Settings    string
	Unsubscribe string
}

// Class says what follows from a failed delivery. The zero value is Temporary.
type Class string

// The classes of a [DeliveryError].
const (
	Temporary     Class = ""              // try again later
	Permanent     Class = "permanent"     // this one will never be accepted
	Gone          Class = "gone"          // proof that the address is dead: it is removed or suppressed
	Misconfigured Class = "misconfigured" // the channel's own account: pause it, burn no attempt
	Unknown       Class = "unknown"       // it may have been accepted: try again with the same identity
)

// DeliveryError tells the engine what follows from a failure. Err must carry
// no secret and no address: its text is stored and shown.
type DeliveryError struct {
	Class      Class
	RetryAfter time.Duration // lower bound for the next attempt; 0 leaves it to the RetryPolicy
	// Overloaded says that the destination itself asked to be left alone (HTTP
	// 429 and 503, SMTP 421): RetryAfter, or 5 s if it is zero, holds for all
	// that goes there, and not for this delivery only. See [Router].
	Overloaded bool
	// Reached says that the destination works, and that only this address or
	// this message has to wait (HTTP 404 from one hook of a busy host, a full
	// mailbox): the failure does not count against the destination.
	Reached bool
	Err     error
}

// Error implements error.
func (e *DeliveryError) Error() string {
	class := e.Class
	if class == Temporary {
		class = "temporary"
	}
	return fmt.Sprintf("%s: %v", class, e.Err)
}

// Unwrap returns Err.
func (e *DeliveryError) Unwrap() error { return e.Err }

// classify reads an error of a channel: what is no DeliveryError, or of no known
// class, is Temporary.
func classify(err error) DeliveryError {
	failure, ok := errors.AsType[*DeliveryError](err)
	if !ok {
		return DeliveryError{Err: err}
	}
	answer := *failure
	answer.RetryAfter = max(answer.RetryAfter, 0)
	switch answer.Class {
	case Permanent, Gone, Misconfigured, Unknown:
	default:
		answer.Class = Temporary
	}
	return answer
}
