package browser

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/egress"
)

const (
	publicBytes = 65 // an uncompressed point of P-256
	authBytes   = 16
)

// meta is what an address keeps besides the URL: the keys that messages are
// encrypted for, and which pair of the host the browser was given. Its form is
// fixed, because the same keys must be the same bytes.
type meta struct {
	P256dh string `json:"p256dh"`
	Auth   string `json:"auth"`
	VAPID  string `json:"vapid,omitempty"`
}

// Subscription makes an address of what a page gets from the browser:
// JSON.stringify of a PushSubscription. A page that adds the member
// applicationServerKey, the base64url of the key in the subscription's options,
// lets a pair that was replaced be recognised. The address is checked when it is
// registered; the error is a [notify.InvalidError].
func Subscription(text []byte) (notify.Address, error) {
	var s struct {
		Endpoint             string `json:"endpoint"`
		ApplicationServerKey string `json:"applicationServerKey"`
		Keys                 meta   `json:"keys"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return notify.Address{}, invalid("Address", "is not the JSON of a subscription")
	}
	s.Keys.VAPID = ""
	if s.ApplicationServerKey != "" {
		public, err := decode(s.ApplicationServerKey)
		if err != nil {
			return notify.Address{}, invalid("Address.applicationServerKey", "is no base64")
		}
		s.Keys.VAPID = keyID(base64.RawURLEncoding.EncodeToString(public))
	}
	m, err := json.Marshal(s.Keys)
	if err != nil {
		return notify.Address{}, invalid("Address.keys", "are no text")
	}
	return notify.Address{Channel: notify.Browser, Value: s.Endpoint, Meta: m}, nil
}

// CheckAddress implements [notify.AddressChecker]. Value is the URL of a
// subscription and Meta an object with the members p256dh and auth, in any form
// of base64, and vapid, the [Keys.ID] of the pair that the subscription was made
// with. Without it that is the present pair. What it returns has one form, so
// that the same subscription is the same bytes.
func (c *Channel) CheckAddress(a notify.Address) (notify.Address, error) {
	to, err := c.read(a)
	if err != nil {
		return notify.Address{}, err
	}
	text, err := json.Marshal(to.meta)
	if err != nil {
		return notify.Address{}, invalid("Address.Meta", "is no text")
	}
	return notify.Address{Channel: notify.Browser, Value: to.endpoint, Meta: text}, nil
}

// target is an address, taken apart.
type target struct {
	endpoint string
	meta
}

// host is that of the push service. The URL has the one form of those that were
// checked.
func (t target) host() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(t.endpoint, "https://"), "/")
	return host
}

// target reads the address of a delivery. One that was registered has been
// checked, and it costs a tenth of a push to do that again: of it only what may
// have changed since is looked at. The URL is guarded when it is asked.
func (c *Channel) target(d notify.Delivery) (target, error) {
	if d.Registered.IsZero() {
		return c.read(d.Address)
	}
	m, ok := settled(d.Address.Meta)
	if !ok {
		return c.read(d.Address)
	}
	to := target{d.Address.Value, m}
	return to, c.takes(to)
}

// settled reads the one form that CheckAddress gives, which is half of what a
// parser of JSON would take.
func settled(text []byte) (m meta, ok bool) {
	rest := string(text)
	for _, part := range []struct {
		before string
		value  *string
	}{{`{"p256dh":"`, &m.P256dh}, {`","auth":"`, &m.Auth}, {`","vapid":"`, &m.VAPID}} {
		if rest, ok = strings.CutPrefix(rest, part.before); !ok {
			return meta{}, false
		}
		end := strings.IndexAny(rest, `"\`)
		if end < 0 {
			return meta{}, false
		}
		*part.value, rest = rest[:end], rest[end:]
	}
	return m, rest == `"}`
}

// takes tells whether a target is one that the options allow.
func (c *Channel) takes(to target) error {
	if len(c.services) > 0 && !c.serves(to.host()) {
		return invalid("Address.Value", "is not of a push service that is served")
	}
	if _, known := c.keys[to.VAPID]; !known {
		return invalid("Address.Meta.vapid", "names no pair of keys that is in use: subscribe anew")
	}
	return nil
}

// read checks an address and takes it apart.
func (c *Channel) read(a notify.Address) (target, error) {
	if a.Channel != "" && a.Channel != notify.Browser {
		return target{}, invalid("Address.Channel", "must be %q", notify.Browser)
	}
	endpoint, err := c.client.Check("Address.Value", a.Value)
	if err != nil {
		return target{}, err
	}
	var m meta
	if len(a.Meta) > maxMeta || json.Unmarshal(a.Meta, &m) != nil {
		return target{}, invalid("Address.Meta", "is not the JSON of keys")
	}
	public, err := decode(m.P256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(public) // takes uncompressed points only
	}
	if err != nil {
		return target{}, invalid("Address.Meta.p256dh", "is not the %d bytes of a point of P-256", publicBytes)
	}
	auth, err := decode(m.Auth)
	if err != nil || len(auth) != authBytes {
		return target{}, invalid("Address.Meta.auth", "has not %d bytes", authBytes)
	}
	if m.VAPID == "" {
		m.VAPID = c.current
	}
	m.P256dh, m.Auth = base64.RawURLEncoding.EncodeToString(public), base64.RawURLEncoding.EncodeToString(auth)
	to := target{endpoint, m}
	return to, c.takes(to)
}

// maxMeta is far more than the keys take.
const maxMeta = 2_048

// serves tells whether subscriptions of a host are taken.
func (c *Channel) serves(host string) bool {
	return slices.ContainsFunc(c.services, func(service string) bool {
		return host == service || strings.HasSuffix(host, "."+service)
	})
}

// Stale reports whether a subscription was made with another pair than the
// present one. The page should unsubscribe and subscribe anew. Until then the
// subscription works if its pair is among [Options].Previous, and else not.
func (c *Channel) Stale(a notify.Address) bool {
	var m meta
	return json.Unmarshal(a.Meta, &m) != nil || m.VAPID != "" && m.VAPID != c.current
}

// Destination implements [notify.Router]: it is the host of the push service.
func (c *Channel) Destination(a notify.Address) string { return egress.Host(a.Value) }
