package mobile

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
)

// Platform is the service that a token belongs to. An app on an Apple device
// that uses the Firebase SDK has a token of FCM.
type Platform string

// The platforms.
const (
	FCM  Platform = "fcm"
	APNs Platform = "apns"
)

// Environment is the part of the Apple Push Notification service that gave a
// token: apps built for development get theirs from the sandbox.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Sandbox    Environment = "sandbox"
)

// Device is the Meta of an address whose Value is the token that the app got
// from its platform.
type Device struct {
	Platform Platform `json:"platform"`

	// App is the Firebase project id, or the bundle id of the app at Apple. It
	// may be empty where the channel knows only one.
	App string `json:"app,omitempty"`

	// Environment is for APNs only. Empty is not known: production is asked
	// first, and the sandbox if production does not know the token.
	Environment Environment `json:"environment,omitempty"`
}

func (d Device) environment() Environment {
	if d.Environment == Sandbox {
		return Sandbox
	}
	return Production
}

// The lengths of tokens. Apple and Google call them opaque and of any length;
// these are wide bounds around what they give out.
const (
	minFCM, maxFCM   = 20, 1024
	minAPNs, maxAPNs = 64, 200 // hexadecimal digits
)

// CheckAddress implements [notify.AddressChecker]: the token must have the shape
// of its platform, and the Meta a [Device] whose app the channel knows. Digits
// of an APNs token become lower case, an App that was left out is filled in,
// and what else the Meta holds is dropped.
func (c *Channel) CheckAddress(a notify.Address) (notify.Address, error) {
	device, err := c.device(a)
	if err != nil {
		return notify.Address{}, err
	}
	a.Channel = notify.Mobile
	if device.Platform == APNs {
		a.Value = strings.ToLower(a.Value)
	}
	a.Meta, err = json.Marshal(device)
	return a, err
}

// device reads the Meta of an address and checks both.
func (c *Channel) device(a notify.Address) (Device, error) {
	if a.Channel != "" && a.Channel != notify.Mobile {
		return Device{}, invalid("Address.Channel", "must be %q", notify.Mobile)
	}
	d, known := c.devices[string(a.Meta)]
	if !known {
		if err := json.Unmarshal(a.Meta, &d); err != nil {
			return Device{}, invalid("Address.Meta", "must be a JSON object with platform, app and environment")
		}
	}
	switch d.Platform {
	case FCM:
		if len(a.Value) < minFCM || len(a.Value) > maxFCM || strings.Trim(a.Value, tokenCharacters) != "" {
			return Device{}, invalid("Address.Value", "is no token of Firebase Cloud Messaging")
		}
		if d.Environment != "" {
			return Device{}, invalid("Address.Meta.environment", "is for %q only", APNs)
		}
		d.App = orOnly(d.App, c.projects)
		if c.projects[d.App] == nil {
			return Device{}, invalid("Address.Meta.app", "is no Firebase project of this channel")
		}
	case APNs:
		if len(a.Value) < minAPNs || len(a.Value) > maxAPNs || len(a.Value)%2 != 0 || strings.Trim(a.Value, "0123456789abcdefABCDEF") != "" {
			return Device{}, invalid("Address.Value", "is no device token of Apple in hexadecimal digits")
		}
		if d.Environment != "" && d.Environment != Production && d.Environment != Sandbox {
			return Device{}, invalid("Address.Meta.environment", "must be %q or %q", Production, Sandbox)
		}
		d.App = orOnly(d.App, c.teams)
		if c.teams[d.App] == nil {
			return Device{}, invalid("Address.Meta.app", "is no app of this channel")
		}
	default:
		return Device{}, invalid("Address.Meta.platform", "must be %q or %q", FCM, APNs)
	}
	return d, nil
}

// canonical lists the Meta that CheckAddress makes, which most addresses have:
// it need not be parsed for each push.
func (c *Channel) canonical() map[string]Device {
	var all []Device
	for app := range c.projects {
		all = append(all, Device{Platform: FCM, App: app})
	}
	for app := range c.teams {
		for _, environment := range []Environment{"", Production, Sandbox} {
			all = append(all, Device{Platform: APNs, App: app, Environment: environment})
		}
	}
	known := make(map[string]Device, len(all))
	for _, d := range all {
		if meta, err := json.Marshal(d); err == nil {
			known[string(meta)] = d
		}
	}
	return known
}

const tokenCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:."

// orOnly fills in an app that was left out, where there is no choice.
func orOnly[V any](app string, known map[string]V) string {
	if app == "" && len(known) == 1 {
		return slices.Collect(maps.Keys(known))[0]
	}
	return app
}
