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
	endpoint, m, err := c.read(a)
	if err != nil {
		return notify.Address{}, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return notify.Address{}, invalid("Address.Meta", "is no text")
	}
	return notify.Address{Channel: notify.Browser, Value: endpoint, Meta: text}, nil
}

// read checks an address and takes it apart.
func (c *Channel) read(a notify.Address) (endpoint string, m meta, err error) {
	if a.Channel != "" && a.Channel != notify.Browser {
		return "", meta{}, invalid("Address.Channel", "must be %q", notify.Browser)
	}
	if endpoint, err = c.client.Check("Address.Value", a.Value); err != nil {
		return "", meta{}, err
	}
	if !c.serves(egress.Host(endpoint)) {
		return "", meta{}, invalid("Address.Value", "is not of a push service that is served")
	}
	if len(a.Meta) > maxMeta || json.Unmarshal(a.Meta, &m) != nil {
		return "", meta{}, invalid("Address.Meta", "is not the JSON of keys")
	}
	public, err := decode(m.P256dh)
	if err != nil || len(public) != publicBytes {
		return "", meta{}, invalid("Address.Meta.p256dh", "has not the %d bytes of a public key", publicBytes)
	}
	if _, err := ecdh.P256().NewPublicKey(public); err != nil {
		return "", meta{}, invalid("Address.Meta.p256dh", "is not a point of P-256")
	}
	auth, err := decode(m.Auth)
	if err != nil || len(auth) != authBytes {
		return "", meta{}, invalid("Address.Meta.auth", "has not %d bytes", authBytes)
	}
	if m.VAPID == "" {
		m.VAPID = c.current
	}
	if _, known := c.keys[m.VAPID]; !known {
		return "", meta{}, invalid("Address.Meta.vapid", "names no pair of keys that is in use: subscribe anew")
	}
	m.P256dh, m.Auth = base64.RawURLEncoding.EncodeToString(public), base64.RawURLEncoding.EncodeToString(auth)
	return endpoint, m, nil
}

// maxMeta is far more than the keys take.
const maxMeta = 2_048

// serves tells whether subscriptions of a host are taken.
func (c *Channel) serves(host string) bool {
	return len(c.services) == 0 || slices.ContainsFunc(c.services, func(service string) bool {
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
