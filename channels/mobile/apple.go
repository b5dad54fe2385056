package mobile

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

const (
	appleEndpoint = "https://api.push.apple.com"
	appleSandbox  = "https://api.sandbox.push.apple.com"
)

// team is a team at Apple: its key, and connections that no other team uses, as
// Apple binds a connection to the team of the first token that it sees there.
type team struct {
	door
	tokens *providerTokens
	urls   map[Environment]string
	proof  map[place]*evidence
}

// place is where a token is valid.
type place struct {
	topic       string
	environment Environment
}

func (c *Channel) addTeam(field string, a Apple) error {
	for name, id := range map[string]string{"Team": a.Team, "KeyID": a.KeyID} {
		if len(id) != 10 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			return invalid(field+"."+name, "must be ten capital letters and digits")
		}
	}
	key, err := parseAppleKey(field+".Key", a.Key)
	if err != nil {
		return err
	}
	way, err := c.newDoor()
	if err != nil {
		return err
	}
	t := &team{
		door:   way,
		tokens: &providerTokens{team: a.Team, keyID: a.KeyID, key: key},
		urls:   make(map[Environment]string),
		proof:  make(map[place]*evidence),
	}
	if t.urls[Production], err = checkEndpoint(way, field+".Endpoint", a.Endpoint, appleEndpoint); err != nil {
		return err
	}
	if t.urls[Sandbox], err = checkEndpoint(way, field+".Sandbox", a.Sandbox, appleSandbox); err != nil {
		return err
	}
	if len(a.Topics) == 0 {
		return invalid(field+".Topics", "are missing")
	}
	for _, topic := range a.Topics {
		switch {
		case topic == "" || len(topic) > 255 || strings.Trim(topic, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.") != "":
			return invalid(field+".Topics", "must be bundle ids")
		case c.teams[topic] != nil:
			return invalid(field+".Topics", "name an app that is there twice")
		}
		c.teams[topic] = t
		t.proof[place{topic, Production}], t.proof[place{topic, Sandbox}] = new(evidence), new(evidence)
	}
	return nil
}

// deliver sends one push. If the environment of the token is not known, the
// sandbox is asked for what production does not know.
func (t *team) deliver(ctx context.Context, device Device, token string, m push) error {
	payload, err := m.fit(push.apple, 0)
	if err != nil {
		return permanent(err)
	}
	a, err := t.send(ctx, device, token, payload, m)
	if err != nil {
		return err
	}
	if device.Environment == "" && a.code == "BadDeviceToken" {
		other := device
		other.Environment = Sandbox
		switch b, err := t.send(ctx, other, token, payload, m); {
		case err != nil:
			return undecided(a, err)
		case b.status == http.StatusOK:
			device, a = other, b
		case b.code != "BadDeviceToken":
			return undecided(a, t.judge(b, other, token, m))
		}
	}
	if a.status == http.StatusOK {
		t.proof[place{device.App, device.environment()}].accepted(token)
		return nil
	}
	return t.judge(a, device, token, m)
}

// undecided is for a token that production does not know, after the sandbox said
// something else than that. What production said is no proof then, and what the
// sandbox suffers from is no fault of production, for which the destination
// stands: the delivery waits, or it is given up.
func undecided(production answer, sandbox error) error {
	f, ok := errors.AsType[*notify.DeliveryError](sandbox)
	switch {
	case ok && f.Class == notify.Gone:
		return f
	case ok && (f.Class == notify.Temporary || f.Class == notify.Unknown):
		f.Overloaded, f.Reached = false, true
		return f
	}
	return permanent(&failure{APNs, production.status, production.code})
}

// send has the push accepted or refused, if there is a way: what a connection
// that died swallowed goes out again under the same id, and a provider token
// that Apple takes for old is replaced once.
func (t *team) send(ctx context.Context, device Device, token string, payload []byte, m push) (answer, error) {
	resent, renewed := false, false
	for {
		bearer, err := t.tokens.current(time.Now())
		if err != nil {
			return answer{}, &notify.DeliveryError{Class: notify.Misconfigured, Err: err}
		}
		begun := time.Now()
		a, err := t.post(ctx, device, token, bearer, payload, m)
		switch {
		case err != nil && !resent && t.again(ctx, begun):
			resent = true
			continue
		case err == nil && a.code == "ExpiredProviderToken" && !renewed && t.tokens.renew(bearer, time.Now()):
			renewed = true
			continue
		}
		return a, err
	}
}

func (t *team) post(ctx context.Context, device Device, token, bearer string, payload []byte, m push) (answer, error) {
	url := t.urls[device.environment()] + "/3/device/" + strings.ToLower(token)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return answer{}, permanent(err)
	}
	// In canonical form already: Set would spend time on it.
	request.Header = http.Header{
		"Authorization":    {"bearer " + bearer},
		"Content-Type":     {"application/json"},
		"Apns-Id":          {m.id},
		"Apns-Topic":       {device.App},
		"Apns-Push-Type":   {"alert"},
		"Apns-Priority":    {m.applePriority()},
		"Apns-Expiration":  {strconv.FormatInt(m.expires.Unix(), 10)},
		"Apns-Collapse-Id": {m.tag},
	}
	return t.ask(request, readApple)
}

// checkEndpoint returns the URL of a service without a slash at its end.
func checkEndpoint(way door, field, given, usual string) (string, error) {
	if given == "" {
		return usual, nil
	}
	url, err := way.Check(field, given)
	return strings.TrimSuffix(url, "/"), err
}
