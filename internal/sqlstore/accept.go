package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bellwether-go/notify"
)

const (
	insertNotifications = `INSERT INTO {notification} (id, tenant, provider, dedup, fingerprint, entity, accepted, withdrawn, expires, content, data, audience, recipients)
SELECT id, tenant, provider, dedup, fingerprint, entity, accepted, 0, expires, content, data, audience, recipients
FROM {rows id:id tenant:text provider:text dedup:text fingerprint:text entity:text accepted:int expires:int content:long data:long audience:text recipients:long} WHERE 1 = 1 {nothing notification id}`

	selectKeys = `SELECT n.tenant, n.provider, n.dedup, n.id, n.fingerprint, n.withdrawn
FROM {rows tenant:text provider:text dedup:text} JOIN {notification} n ON n.tenant = r.tenant AND n.provider = r.provider AND n.dedup = r.dedup`
)

// Accept implements [notify.Acceptor].
func (s *Store) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	if s.d.AcceptAtOnce == "" || !isSimple(batch) {
		return s.acceptInSteps(ctx, batch)
	}
	var receipts []notify.Receipt
	var left []int
	err := s.read(ctx, "accept", func(ctx context.Context, on querier) (err error) {
		receipts, left, err = s.acceptAtOnce(ctx, on, batch)
		return err
	})
	if err != nil || len(left) == 0 {
		return receipts, err
	}
	// The others have been answered for, so that these, which write nothing as
	// long as their keys are taken, can be looked at by themselves.
	taken := make([]notify.Acceptance, len(left))
	for i, place := range left {
		taken[i] = batch[place]
	}
	again, err := s.acceptInSteps(ctx, taken)
	if err != nil {
		return nil, err
	}
	for i, place := range left {
		receipts[place] = again[i]
	}
	return receipts, nil
}

// acceptInSteps stores a batch by a statement for each table.
func (s *Store) acceptInSteps(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	var receipts []notify.Receipt
	err := s.write(ctx, "accept", func(ctx context.Context, t *tx) (err error) {
		receipts, err = t.accept(ctx, batch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return receipts, nil
}

// accept stores the notifications, then files those that are new.
func (t *tx) accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	rows := make(rowset, 0, len(batch))
	for _, a := range batch {
		row, err := notificationRow(a, t.now)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	inserted, err := t.exec(ctx, insertNotifications, rows)
	if err != nil {
		return nil, err
	}
	receipts := make([]notify.Receipt, len(batch))
	var firsts map[dedupKey]first
	if inserted < int64(len(batch)) || t.s.d.Inexact {
		if firsts, err = t.firsts(ctx, batch); err != nil {
			return nil, err
		}
	}
	var tasks []taskRow
	var filings []filing
	fresh := make([]*filed, len(batch)) // without those that a task files
	for i, a := range batch {
		n := a.Notification
		receipts[i].ID = a.ID
		if f, ok := firsts[dedupKey{n.Tenant, n.Provider, n.Key}]; ok && f.id != a.ID {
			receipts[i] = f.receipt(a.Fingerprint)
			continue
		}
		if a.Task != nil {
			tasks = append(tasks, newTask(*a.Task, notify.Recipient{Tenant: n.Tenant}, a.ID, n.Provider, 0, t.now))
		}
		of := &filed{id: a.ID, provider: n.Provider, collapse: n.CollapseKey, accepted: t.now}
		if a.Task == nil {
			fresh[i] = of
		}
		for j := range a.Filings {
			filings = append(filings, filing{of, &a.Filings[j]})
		}
	}
	if err := t.file(ctx, filings, tasks, true); err != nil {
		return nil, err
	}
	for i, of := range fresh {
		if of != nil {
			receipts[i].Filed = of.at(len(batch[i].Filings), t.now)
		}
	}
	return receipts, nil
}

// notificationRow is a row of insertNotifications.
func notificationRow(a notify.Acceptance, now int64) ([]any, error) {
	n := a.Notification
	document, data, err := pack(n)
	if err != nil {
		return nil, err
	}
	var recipients any
	if a.Task != nil && len(n.To) > 0 {
		if recipients, err = packRecipients(n.To); err != nil {
			return nil, err
		}
	}
	var audience any
	if a.Task != nil {
		audience = orNull(n.Audience)
	}
	fingerprint := "" // it is compared with that of others with the key
	if n.Key != "" {
		fingerprint = a.Fingerprint
	}
	return []any{
		a.ID, n.Tenant, n.Provider, orNull(n.Key), fingerprint, orNull(n.Entity),
		now, micros(n.ExpiresAt), document, data, audience, recipients,
	}, nil
}

// packRecipients keeps the ids only: all are of the notification's tenant.
func packRecipients(to []notify.Recipient) (string, error) {
	ids := make([]string, len(to))
	for i, r := range to {
		ids[i] = r.ID
	}
	text, err := json.Marshal(ids)
	return string(text), err
}

func unpackRecipients(tenant, text string) ([]notify.Recipient, error) {
	var ids []string
	if err := json.Unmarshal([]byte(text), &ids); err != nil {
		return nil, fmt.Errorf("stored recipients: %w", err)
	}
	to := make([]notify.Recipient, len(ids))
	for i, id := range ids {
		to[i] = notify.Recipient{Tenant: tenant, ID: id}
	}
	return to, nil
}

// dedupKey is what a key is unique within.
type dedupKey struct{ tenant, provider, key string }

// first is the notification that took a key.
type first struct {
	id          notify.ID
	fingerprint string
	withdrawn   bool
}

// receipt answers whoever comes later with the same key.
func (f first) receipt(fingerprint string) notify.Receipt {
	if f.fingerprint != fingerprint {
		return notify.Receipt{Err: fmt.Errorf("%w: the key was used before with other content", notify.ErrConflict)}
	}
	return notify.Receipt{ID: f.id, Replayed: true, Withdrawn: f.withdrawn}
}

// firsts reads who holds the keys of the batch.
func (t *tx) firsts(ctx context.Context, batch []notify.Acceptance) (map[dedupKey]first, error) {
	var rows rowset
	for _, a := range batch {
		if n := a.Notification; n.Key != "" {
			rows = append(rows, []any{n.Tenant, n.Provider, n.Key})
		}
	}
	found := make(map[dedupKey]first, len(rows))
	if len(rows) == 0 {
		return found, nil
	}
	err := t.query(ctx, selectKeys, func(r row) error {
		var k dedupKey
		var f first
		var withdrawn int64
		if err := r.Scan(&k.tenant, &k.provider, &k.key, scanID(&f.id), &f.fingerprint, &withdrawn); err != nil {
			return err
		}
		f.withdrawn = withdrawn != 0
		found[k] = f
		return nil
	}, rows)
	return found, err
}
