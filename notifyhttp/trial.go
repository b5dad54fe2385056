package notifyhttp

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
)

// trialInterval is how often somebody may send a test.
const trialInterval = 10 * time.Second

// sendTest is POST api/v1/preferences/test: a real notification to oneself, so
// that what arrives, or does not, is the truth. If the channel would not get it,
// the answer says by which rule.
func (c *call) sendTest() error {
	var body struct {
		Channel  string `json:"channel"`
		Provider string `json:"provider"` // "" is the first one
		Title    string `json:"title"`    // in the language of the page
		Text     string `json:"body"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.Provider == "" {
		settings, err := c.n.Settings(c.ctx(), c.recipient)
		if err != nil {
			return err
		}
		if len(settings.Providers) == 0 {
			return problemOf(http.StatusConflict, "no-provider", "There is no provider that could send.")
		}
		body.Provider = settings.Providers[0].Provider.ID
	}
	if body.Title == "" {
		body.Title = "Test notification"
	}
	note := notify.Notification{Provider: body.Provider, To: []notify.Recipient{c.recipient}, Title: body.Title, Body: body.Text}
	decisions, err := c.n.Explain(c.ctx(), note, c.recipient)
	if bad, ok := invalidOf(err); ok && bad.Field == "Provider" {
		return invalidField("/provider", "invalid", bad.Reason)
	}
	if err != nil {
		return err
	}
	for _, d := range decisions {
		if d.Channel != body.Channel {
			continue
		}
		if d.Mode == notify.Off {
			p := problemOf(http.StatusConflict, "channel-off", "The channel would not get it: "+d.Rule+".")
			p.Errors = []FieldError{{Pointer: "/channel", Code: "off", Detail: d.Rule}}
			return p
		}
		if wait := c.trials.take(c.recipient, time.Now()); wait > 0 {
			p := problemOf(http.StatusTooManyRequests, "too-many-requests", "One test in ten seconds.")
			p.retryAfter = wait
			return p
		}
		receipts, err := c.n.Send(c.ctx(), note)
		if err != nil {
			return err
		}
		return c.reply(http.StatusAccepted, struct {
			ID   notify.ID   `json:"id"`
			Mode notify.Mode `json:"mode"`
		}{receipts[0].ID, d.Mode})
	}
	return invalidField("/channel", "invalid", "no such channel")
}

// trials remembers who sent a test lately.
type trials struct {
	mu   sync.Mutex
	last map[notify.Recipient]time.Time
}

func newTrials() *trials { return &trials{last: make(map[notify.Recipient]time.Time)} }

const maxTrials = 10_000

// take says how long to wait, or takes the turn.
func (t *trials) take(r notify.Recipient, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := t.last[r].Add(trialInterval).Sub(now); wait > 0 {
		return wait
	}
	if len(t.last) >= maxTrials {
		for other, at := range t.last {
			if now.Sub(at) >= trialInterval {
				delete(t.last, other)
			}
		}
		if len(t.last) >= maxTrials {
			return trialInterval
		}
	}
	t.last[r] = now
	return 0
}

// explain is GET api/v1/explain: what would become of a notification of a
// provider for oneself, and why.
func (c *call) explain() error {
	parameters, err := c.query("provider")
	if err != nil {
		return err
	}
	note := notify.Notification{Provider: parameters.Get("provider"), Title: "-"}
	decisions, err := c.n.Explain(c.ctx(), note, c.recipient)
	if err != nil {
		return inQuery(err)
	}
	type decisionJSON struct {
		Channel string      `json:"channel"`
		Mode    notify.Mode `json:"mode"`
		Rule    string      `json:"rule"`
	}
	document := struct {
		Decisions []decisionJSON `json:"decisions"`
	}{Decisions: make([]decisionJSON, 0, len(decisions))}
	for _, d := range decisions {
		document.Decisions = append(document.Decisions, decisionJSON(d))
	}
	return c.replyFresh("", document)
}

func isNotFound(err error) bool { return errors.Is(err, notify.ErrNotFound) }
