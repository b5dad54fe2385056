package notifyhttp

import (
	"encoding/json"
	"net/http"

	"github.com/bellwether-go/notify"
)

// registrationJSON is a registered address as its owner sees it: never the
// address itself, which would be enough to send to it.
type registrationJSON struct {
	ID          notify.ID `json:"id"`
	Name        string    `json:"device_name"`
	Locale      string    `json:"locale"`
	Registered  instant   `json:"registered_at"`
	LastSuccess instant   `json:"last_success_at"`
	LastErrorAt instant   `json:"last_error_at"`
	Failing     bool      `json:"failing"`
}

func showRegistration(reg notify.Registration) registrationJSON {
	return registrationJSON{
		ID: reg.ID, Name: reg.Name, Locale: reg.Locale, Registered: instant(reg.Registered),
		LastSuccess: instant(reg.LastSuccess), LastErrorAt: instant(reg.LastErrorAt),
		Failing: reg.LastErrorAt.After(reg.LastSuccess),
	}
}

// getPush is GET api/v1/push: what a page needs to subscribe.
func (c *call) getPush() error {
	if _, err := c.query(); err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		Key string `json:"vapid_public_key"` // "" is no push
	}{c.pushKey})
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, "application/json", "no-store", body)
}

func (c *call) listSubscriptions() error { return c.listRegistrations(notify.Browser) }
func (c *call) listDevices() error       { return c.listRegistrations(notify.Mobile) }

func (c *call) listRegistrations(channel string) error {
	if _, err := c.query(); err != nil {
		return err
	}
	registered, err := c.registered(channel)
	if err != nil {
		return err
	}
	document := struct {
		Items []registrationJSON `json:"items"`
	}{Items: make([]registrationJSON, 0, len(registered))}
	for _, reg := range registered {
		document.Items = append(document.Items, showRegistration(reg))
	}
	return c.replyFresh("", document)
}

func (c *call) registered(channel string) ([]notify.Registration, error) {
	all, err := c.n.Addresses(c.ctx(), c.recipient)
	if err != nil {
		return nil, err
	}
	var found []notify.Registration
	for _, reg := range all {
		if reg.Address.Channel == channel {
			found = append(found, reg)
		}
	}
	return found, nil
}

// putSubscription is PUT api/v1/push/subscriptions. The body is what
// PushSubscription.toJSON() returns, and a little about the device.
func (c *call) putSubscription() error {
	var body struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256dh string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
		Expiration any    `json:"expirationTime"` // of no use: a push service says so itself when it is over
		Replaces   string `json:"replaces"`       // endpoint of the subscription before
		Name       string `json:"device_name"`
		Locale     string `json:"locale"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	meta, err := json.Marshal(body.Keys)
	if err != nil {
		return err
	}
	return c.register(notify.Registration{
		Address: notify.Address{Channel: notify.Browser, Value: body.Endpoint, Meta: meta},
		Name:    body.Name, Locale: body.Locale,
	}, body.Replaces)
}

// putDevice is PUT api/v1/devices, for an app with a token of FCM or APNs.
func (c *call) putDevice() error {
	var body struct {
		Platform    string `json:"platform"`
		Token       string `json:"token"`
		App         string `json:"app_id"`
		Environment string `json:"environment"`
		Replaces    string `json:"replaces"` // token before
		Name        string `json:"device_name"`
		Locale      string `json:"locale"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	meta, err := json.Marshal(struct {
		Platform    string `json:"platform"`
		App         string `json:"app,omitempty"`
		Environment string `json:"environment,omitempty"`
	}{body.Platform, body.App, body.Environment})
	if err != nil {
		return err
	}
	return c.register(notify.Registration{
		Address: notify.Address{Channel: notify.Mobile, Value: body.Token, Meta: meta},
		Name:    body.Name, Locale: body.Locale,
	}, body.Replaces)
}

// register stores an address, then drops the one that it replaces.
func (c *call) register(reg notify.Registration, replaces string) error {
	before, err := c.registered(reg.Address.Channel)
	if err != nil {
		return err
	}
	stored, err := c.n.Register(c.ctx(), c.recipient, reg)
	if bad, ok := invalidOf(err); ok && reg.Address.Channel == notify.Mobile && bad.Field == "Address.Value" {
		return invalidField("/token", "invalid", bad.Reason)
	}
	if err != nil {
		return err
	}
	status := http.StatusCreated
	for _, old := range before {
		if old.ID == stored.ID {
			status = http.StatusOK
		} else if replaces != "" && old.Address.Value == replaces {
			if err := c.n.Unregister(c.ctx(), c.recipient, old.ID); err != nil && !isNotFound(err) {
				return err
			}
		}
	}
	return c.reply(status, showRegistration(stored))
}

func (c *call) deleteSubscription() error { return c.deleteRegistration(notify.Browser) }
func (c *call) deleteDevice() error       { return c.deleteRegistration(notify.Mobile) }

func (c *call) deleteRegistration(channel string) error {
	registered, err := c.registered(channel)
	if err != nil {
		return err
	}
	for _, reg := range registered {
		if reg.ID != notify.ID(c.parts[0]) {
			continue
		}
		if err := c.n.Unregister(c.ctx(), c.recipient, reg.ID); err != nil {
			return err
		}
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return notFound
}
