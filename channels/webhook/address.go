package webhook

import (
	"encoding/json"
	"log/slog"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/internal/egress"
)

// Endpoint is the Meta of an address: the secrets of its receiver, the newest
// first. With two of them both sign, so that the receiver can change over at
// any time in between:
//
//  1. register the URL with the new secret before the old one,
//  2. let the receiver verify by the new one,
//  3. register the URL with the new one only.
type Endpoint struct {
	Secrets []string `json:"secrets"`
}

// maxSecrets is how many sign at a time.
const maxSecrets = 3

// String implements [fmt.Stringer] without the secrets.
func (e Endpoint) String() string { return "webhook.Endpoint{}" }

// GoString implements [fmt.GoStringer] without the secrets.
func (e Endpoint) GoString() string { return e.String() }

// LogValue implements [slog.LogValuer] without the secrets.
func (e Endpoint) LogValue() slog.Value { return slog.StringValue(e.String()) }

// CheckAddress implements [notify.AddressChecker]: the URL must be https at a
// public host, and the Meta an [Endpoint] with one to three secrets. What else
// the Meta holds is dropped.
func (c *Channel) CheckAddress(a notify.Address) (notify.Address, error) {
	url, keys, err := c.endpoint(a)
	if err != nil {
		return notify.Address{}, err
	}
	var e Endpoint
	for _, key := range keys {
		e.Secrets = append(e.Secrets, key.text())
	}
	a.Channel, a.Value = notify.Webhook, url
	a.Meta, err = json.Marshal(e)
	return a, err
}

// endpoint reads an address and checks both parts of it.
func (c *Channel) endpoint(a notify.Address) (url string, keys []secret, err error) {
	if a.Channel != "" && a.Channel != notify.Webhook {
		return "", nil, invalid("Address.Channel", "must be %q", notify.Webhook)
	}
	if url, err = c.client.Check("Address.Value", a.Value); err != nil {
		return "", nil, err
	}
	var e Endpoint
	if err := json.Unmarshal(a.Meta, &e); err != nil {
		return "", nil, invalid("Address.Meta", "must be a JSON object with secrets")
	}
	if len(e.Secrets) < 1 || len(e.Secrets) > maxSecrets {
		return "", nil, invalid("Address.Meta.secrets", "must be one to %d", maxSecrets)
	}
	for _, text := range e.Secrets {
		key, err := parseSecret(text)
		if err != nil {
			return "", nil, invalid("Address.Meta.secrets", "%v", err)
		}
		keys = append(keys, key)
	}
	return url, keys, nil
}

// Destination implements [notify.Router]: it is the host of the URL.
func (c *Channel) Destination(a notify.Address) string { return egress.Host(a.Value) }
