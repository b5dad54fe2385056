package webhook

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/bellwether-go/notify"
)

// Event is the body of a request. Fields are only ever added; one that is
// renamed or means something else comes with another Type.
type Event struct {
	Type      string    `json:"type"`      // "notification"
	Timestamp time.Time `json:"timestamp"` // when it was filed; the same for every attempt
	Data      Data      `json:"data"`
}

// TypeNotification is the Type of the only kind of event.
const TypeNotification = "notification"

// Data is the notification as its recipient has it.
type Data struct {
	ItemID         string          `json:"item_id"` // what the inbox is asked for
	NotificationID string          `json:"notification_id"`
	Tenant         string          `json:"tenant,omitempty"`
	Recipient      string          `json:"recipient"`
	Provider       string          `json:"provider"`
	Priority       string          `json:"priority"` // "low", "normal" or "high"
	Title          string          `json:"title"`
	Body           string          `json:"body,omitempty"`
	Rows           []notify.Row    `json:"rows,omitempty"`
	URL            string          `json:"url,omitempty"`
	Icon           string          `json:"icon,omitempty"`
	Actions        []notify.Action `json:"actions,omitempty"`
	Data           json.RawMessage `json:"data,omitempty"` // of the sender, as it is
	Entity         string          `json:"entity,omitempty"`
	CollapseKey    string          `json:"collapse_key,omitempty"`
	Repeats        int             `json:"repeats,omitempty"` // how many were collapsed into it
	OccurredAt     *time.Time      `json:"occurred_at,omitempty"`
	ExpiresAt      *time.Time      `json:"expires_at,omitempty"`
}

func body(d notify.Delivery) ([]byte, error) {
	n := d.Item.Notification
	e := Event{
		Type:      TypeNotification,
		Timestamp: d.Item.Filed.UTC(),
		Data: Data{
			ItemID:         string(d.Item.ID),
			NotificationID: string(d.Item.NotificationID),
			Tenant:         d.Recipient.Tenant,
			Recipient:      d.Recipient.ID,
			Provider:       n.Provider,
			Priority:       priority(n.Priority),
			Title:          n.Title,
			Body:           n.Body,
			Rows:           n.Rows,
			URL:            n.URL,
			Icon:           n.Icon,
			Actions:        n.Actions,
			Data:           n.Data,
			Entity:         n.Entity,
			CollapseKey:    n.CollapseKey,
			Repeats:        d.Item.Repeats,
			OccurredAt:     moment(n.OccurredAt),
			ExpiresAt:      moment(n.ExpiresAt),
		},
	}
	if !json.Valid(n.Data) {
		e.Data.Data = nil // the core refuses it; only who calls the channel by hand gets here
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func priority(p notify.Priority) string {
	switch {
	case p < notify.Normal:
		return "low"
	case p > notify.Normal:
		return "high"
	}
	return "normal"
}

// moment leaves a zero instant out.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
