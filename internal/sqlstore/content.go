package sqlstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

// content is what of a notification no query asks for, kept as one document.
// Data stands beside it, because JSON would not keep it byte for byte.
type content struct {
	Title       string          `json:"title,omitempty"`
	Body        string          `json:"body,omitempty"`
	Rows        []notify.Row    `json:"rows,omitempty"`
	URL         string          `json:"url,omitempty"`
	Icon        string          `json:"icon,omitempty"`
	Actions     []notify.Action `json:"actions,omitempty"`
	CollapseKey string          `json:"collapse,omitempty"`
	ActorTenant string          `json:"actor_tenant,omitempty"`
	Actor       string          `json:"actor,omitempty"`
	Priority    notify.Priority `json:"priority,omitempty"`
	Silent      bool            `json:"silent,omitempty"`
	Transient   bool            `json:"transient,omitempty"`
	OccurredAt  time.Time       `json:"occurred,omitzero"`
	NotBefore   time.Time       `json:"not_before,omitzero"`
	ExpiresAt   time.Time       `json:"expires,omitzero"`
}

// pack makes the two columns of a notification.
func pack(n notify.Notification) (document string, data any, err error) {
	text, err := json.Marshal(content{
		Title: n.Title, Body: n.Body, Rows: n.Rows, URL: n.URL, Icon: n.Icon, Actions: n.Actions,
		CollapseKey: n.CollapseKey, ActorTenant: n.Actor.Tenant, Actor: n.Actor.ID,
		Priority: n.Priority, Silent: n.Silent, Transient: n.Transient,
		OccurredAt: stored(n.OccurredAt), NotBefore: stored(n.NotBefore), ExpiresAt: stored(n.ExpiresAt),
	})
	if err != nil {
		return "", nil, fmt.Errorf("content: %w", err)
	}
	if n.Data != nil {
		data = string(n.Data)
	}
	return string(text), data, nil
}

// packed is the columns in which a notification reads back.
type packed struct {
	tenant, provider, document string
	dedup, entity, data        sql.NullString
}

// packedColumns selects what packed.scan takes, of the notification n.
const packedColumns = `n.tenant, n.provider, n.dedup, n.entity, n.content, n.data`

func (p *packed) scan() []any {
	return []any{&p.tenant, &p.provider, &p.dedup, &p.entity, &p.document, &p.data}
}

// unpack makes the notification, without To and Audience.
func (p *packed) unpack() (notify.Notification, error) {
	var c content
	if err := json.Unmarshal([]byte(p.document), &c); err != nil {
		return notify.Notification{}, fmt.Errorf("stored content: %w", err)
	}
	n := notify.Notification{
		Tenant: p.tenant, Provider: p.provider,
		Title: c.Title, Body: c.Body, Rows: c.Rows, URL: c.URL, Icon: c.Icon, Actions: c.Actions,
		Key: p.dedup.String, CollapseKey: c.CollapseKey, Entity: p.entity.String,
		Actor:    notify.Recipient{Tenant: c.ActorTenant, ID: c.Actor},
		Priority: c.Priority, Silent: c.Silent, Transient: c.Transient,
		OccurredAt: c.OccurredAt, NotBefore: c.NotBefore, ExpiresAt: c.ExpiresAt,
	}
	if p.data.Valid {
		n.Data = json.RawMessage(p.data.String)
	}
	return n, nil
}

// orNull is text, or NULL when it is empty.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
