package notifyhttp

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/bellwether-go/notify"
)

// itemJSON is an item as the API shows it. Clients ignore fields that they do
// not know.
type itemJSON struct {
	ID           notify.ID       `json:"id"`
	Provider     providerJSON    `json:"provider"`
	Title        string          `json:"title"`
	Body         string          `json:"body"`
	Rows         []notify.Row    `json:"rows"`
	Icon         string          `json:"icon_url"`
	Link         string          `json:"link"`
	Actions      []actionJSON    `json:"actions"`
	Priority     string          `json:"priority"`
	Silent       bool            `json:"silent"`
	CreatedAt    instant         `json:"created_at"`
	OccurredAt   instant         `json:"occurred_at"`
	SeenAt       instant         `json:"seen_at"`
	ReadAt       instant         `json:"read_at"`
	ArchivedAt   instant         `json:"archived_at"`
	SnoozedUntil instant         `json:"snoozed_until"`
	ExpiresAt    instant         `json:"expires_at"`
	Repeats      int             `json:"repeat_count"`
	Data         json.RawMessage `json:"data"`
}

type providerJSON struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Icon  string `json:"icon_url"`
}

type actionJSON struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Href  string `json:"href"`
}

var priorities = map[notify.Priority]string{notify.Low: "low", notify.Normal: "normal", notify.High: "high"}

// catalog is the providers of a recipient by their ids, also the former ones.
type catalog map[string]notify.Provider

func (c *call) catalog() (catalog, error) {
	providers, err := c.n.Providers(c.ctx(), c.recipient)
	if err != nil {
		return nil, err
	}
	known := make(catalog, len(providers))
	for _, p := range providers {
		for _, alias := range p.Aliases {
			known[alias] = p
		}
	}
	for _, p := range providers {
		known[p.ID] = p
	}
	return known, nil
}

func (known catalog) provider(id string) providerJSON {
	p, ok := known[id]
	if !ok || p.Title == "" {
		p.Title = id
	}
	return providerJSON{Key: id, Title: p.Title, Icon: p.Icon}
}

func (known catalog) item(it notify.Item) itemJSON {
	return itemOf(&it, known.provider(it.Notification.Provider))
}

func itemOf(it *notify.Item, provider providerJSON) itemJSON {
	note := &it.Notification
	shown := itemJSON{
		ID: it.ID, Provider: provider,
		Title: note.Title, Body: note.Body, Rows: note.Rows, Icon: note.Icon, Link: note.URL,
		Actions: make([]actionJSON, 0, len(note.Actions)), Priority: priorities[note.Priority], Silent: note.Silent,
		CreatedAt: instant(it.Filed), OccurredAt: instant(note.OccurredAt), SeenAt: instant(it.Seen), ReadAt: instant(it.Read),
		ArchivedAt: instant(it.Archived), SnoozedUntil: instant(it.Snoozed), ExpiresAt: instant(note.ExpiresAt),
		Repeats: it.Repeats, Data: note.Data,
	}
	if shown.Rows == nil {
		shown.Rows = []notify.Row{}
	}
	if len(shown.Data) == 0 {
		shown.Data = json.RawMessage("null")
	}
	for _, a := range note.Actions {
		shown.Actions = append(shown.Actions, actionJSON{Key: a.Key, Title: a.Title, Href: a.URL})
	}
	return shown
}

// itemText is the JSON of an item.
func itemText(it *notify.Item, provider providerJSON) []byte {
	shown := itemOf(it, provider)
	text, err := json.Marshal(shown)
	if err != nil { // of Data only, which was checked when it was sent
		shown.Data = json.RawMessage("null")
		text, _ = json.Marshal(shown)
	}
	return text
}

// listItems is GET api/v1/notifications.
func (c *call) listItems() error {
	parameters, err := c.query("limit", "cursor", "state", "provider")
	if err != nil {
		return err
	}
	q := notify.Query{Cursor: parameters.Get("cursor"), Provider: parameters.Get("provider")}
	if text := parameters.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > 100 {
			return queryProblem("limit", "invalid", "a number from 1 to 100")
		}
	}
	switch state := parameters.Get("state"); state {
	case "", "inbox":
		q.State = notify.StateInbox
	case "unread", "archived", "snoozed", "all":
		q.State = notify.State(state)
	default:
		return queryProblem("state", "invalid", "one of inbox, unread, archived, snoozed and all")
	}
	page, err := c.inbox().Page(c.ctx(), q)
	if err != nil {
		return inQuery(err)
	}
	known, err := c.catalog()
	if err != nil {
		return err
	}
	document := struct {
		Items  []itemJSON    `json:"items"`
		Next   string        `json:"next_cursor"`
		Head   string        `json:"head_cursor"`
		Counts notify.Counts `json:"counts"`
	}{Items: make([]itemJSON, 0, len(page.Items)), Next: page.Next, Head: page.Head, Counts: page.Counts}
	for _, it := range page.Items {
		document.Items = append(document.Items, known.item(it))
	}
	return c.replyFresh("", document)
}

// inQuery makes a bad parameter of what the center says of a field.
func inQuery(err error) error {
	if bad, ok := invalidOf(err); ok {
		pointer := pointerOf(bad.Field)
		return queryProblem(pointer[1:], "invalid", bad.Reason)
	}
	return err
}

// getItem is GET api/v1/notifications/{id}.
func (c *call) getItem() error {
	if _, err := c.query(); err != nil {
		return err
	}
	it, err := c.inbox().Get(c.ctx(), notify.ID(c.parts[0]))
	if err != nil {
		return err
	}
	known, err := c.catalog()
	if err != nil {
		return err
	}
	return c.replyFresh("", known.item(it))
}

// patchItem is PATCH api/v1/notifications/{id}. The whole patch is checked
// before any of it is applied, and can be repeated.
func (c *call) patchItem() error {
	var patch struct {
		Read     *bool    `json:"read"`
		Seen     *bool    `json:"seen"`
		Archived *bool    `json:"archived"`
		Snoozed  optional `json:"snoozed_until"`
	}
	if err := c.decode(&patch, "application/merge-patch+json"); err != nil {
		return err
	}
	var ops []notify.Mark
	add := func(is *bool, yes, no notify.Op) {
		if is != nil && *is {
			ops = append(ops, notify.Mark{Op: yes})
		} else if is != nil {
			ops = append(ops, notify.Mark{Op: no})
		}
	}
	if patch.Seen != nil && !*patch.Seen {
		return invalidField("/seen", "invalid", "what was seen cannot be unseen")
	}
	if patch.Snoozed.given {
		// First of all: it is the only one of which the center can refuse a value.
		ops = append(ops, notify.Mark{Op: notify.OpSnooze, Until: patch.Snoozed.at})
	}
	add(patch.Seen, notify.OpSeen, "")
	add(patch.Read, notify.OpRead, notify.OpUnread)
	add(patch.Archived, notify.OpArchive, notify.OpUnarchive)
	if len(ops) == 0 {
		return problemOf(http.StatusUnprocessableEntity, "invalid", "The patch changes nothing.")
	}
	id := notify.ID(c.parts[0])
	var marked notify.Marked
	for _, op := range ops {
		op.IDs = []notify.ID{id}
		var err error
		if marked, err = c.inbox().Mark(c.ctx(), op); err != nil {
			return err
		}
	}
	it, err := c.inbox().Get(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.replyItem(it, marked.Counts, "")
}

// optional is an instant that may be left out, which is not the same as null.
type optional struct {
	given bool
	at    time.Time
}

// UnmarshalJSON implements [json.Unmarshaler].
func (o *optional) UnmarshalJSON(text []byte) error {
	o.given = true
	return (*instant)(&o.at).UnmarshalJSON(text)
}

func (c *call) replyItem(it notify.Item, counts notify.Counts, href string) error {
	known, err := c.catalog()
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, struct {
		Item   itemJSON      `json:"item"`
		Counts notify.Counts `json:"counts"`
		Href   string        `json:"href,omitempty"`
	}{known.item(it), counts, href})
}

// pressAction is POST api/v1/notifications/{id}/actions/{key}: the item was
// acted upon, so it is read. Where the button leads is in the answer.
func (c *call) pressAction() error {
	id := notify.ID(c.parts[0])
	it, err := c.inbox().Get(c.ctx(), id)
	if err != nil {
		return err
	}
	for _, action := range it.Notification.Actions {
		if action.Key != c.parts[1] {
			continue
		}
		marked, err := c.inbox().Mark(c.ctx(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
		if err != nil {
			return err
		}
		if it, err = c.inbox().Get(c.ctx(), id); err != nil {
			return err
		}
		return c.replyItem(it, marked.Counts, action.URL)
	}
	return notFound
}

// markItems is POST api/v1/notifications/bulk.
func (c *call) markItems() error {
	var bulk struct {
		Op       string      `json:"op"`
		IDs      []notify.ID `json:"ids"`
		UpTo     string      `json:"up_to"`
		Provider string      `json:"provider"`
		Until    instant     `json:"snoozed_until"`
	}
	if err := c.decode(&bulk); err != nil {
		return err
	}
	mark := notify.Mark{Op: notify.Op(bulk.Op), IDs: bulk.IDs, UpTo: bulk.UpTo, Provider: bulk.Provider, Until: time.Time(bulk.Until)}
	if len(mark.IDs) > 0 && mark.Provider != "" {
		return invalidField("/provider", "invalid", "only together with up_to")
	}
	marked, err := c.inbox().Mark(c.ctx(), mark)
	if bad, ok := invalidOf(err); ok && bad.Field == "Provider" {
		return invalidField("/provider", "invalid", bad.Reason)
	}
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, struct {
		Affected int           `json:"affected"`
		Counts   notify.Counts `json:"counts"`
	}{marked.Changed, marked.Counts})
}

// pollInterval is how often a client without a stream should ask, in seconds.
const pollInterval = "60"

// getCounts is GET api/v1/counts.
func (c *call) getCounts() error {
	if _, err := c.query(); err != nil {
		return err
	}
	counts, err := c.inbox().Counts(c.ctx())
	if err != nil {
		return err
	}
	c.w.Header().Set("X-Poll-Interval", pollInterval)
	return c.replyFresh("", counts)
}
