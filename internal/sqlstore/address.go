package sqlstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"

	"github.com/bellwether-go/notify"
)

const (
	addressColumns = `a.id, a.tenant, a.recipient, a.channel, a.value, a.meta, a.name, a.locale, a.registered, a.last_success, a.last_error, a.last_error_at`

	selectAddress    = `SELECT ` + addressColumns + ` FROM {address} a WHERE a.hash = ? {locked}`
	selectAddresses  = `SELECT ` + addressColumns + ` FROM {rows tenant:text recipient:text} JOIN {address} a ON a.tenant = r.tenant AND a.recipient = r.recipient ORDER BY a.registered, a.id`
	selectOthers     = `SELECT a.id FROM {address} a WHERE a.tenant = ? AND a.recipient = ? AND a.channel = ? ORDER BY a.registered, a.id {locked}`
	deleteAddresses  = `{delete address id:id}`
	deleteOwnAddress = `DELETE FROM {address} WHERE id = ? AND tenant = ? AND recipient = ?`
	insertAddress    = `INSERT INTO {address} (id, hash, tenant, recipient, channel, value, meta, name, locale, registered, last_success, last_error, last_error_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	addressSucceeded = `UPDATE {address} SET last_success = ? WHERE id = ? AND tenant = ? AND recipient = ?`
	addressFailed    = `UPDATE {address} SET last_error = ?, last_error_at = ? WHERE id = ? AND tenant = ? AND recipient = ?`
	addressGone      = `DELETE FROM {address} WHERE id = ? AND tenant = ? AND recipient = ? AND registered <= ?`
)

// addressHash is what an address is unique by, among all tenants.
func addressHash(a notify.Address) string {
	sum := sha256.Sum256([]byte(a.Channel + "\x00" + a.Value))
	return hex.EncodeToString(sum[:])
}

// scanAddress reads addressColumns, and what was selected after them.
func scanAddress(r row, more ...any) (notify.Registration, error) {
	var reg notify.Registration
	var meta sql.NullString
	var registered, success, failed int64
	err := r.Scan(append([]any{
		scanID(&reg.ID), &reg.Recipient.Tenant, &reg.Recipient.ID, &reg.Address.Channel, &reg.Address.Value, &meta,
		&reg.Name, &reg.Locale, &registered, &success, &reg.LastError, &failed,
	}, more...)...)
	if meta.Valid {
		reg.Address.Meta = []byte(meta.String)
	}
	reg.Registered, reg.LastSuccess, reg.LastErrorAt = instant(registered), instant(success), instant(failed)
	return reg, err
}

// Register implements [notify.AddressStore]. An address is looked for among
// those of all tenants. One that is rebound keeps its id and starts anew
// otherwise. For an erased recipient it returns ErrNotFound.
func (s *Store) Register(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error) {
	var result notify.Registration
	err := s.write(ctx, "register", func(ctx context.Context, t *tx) (err error) {
		if err = t.admit(ctx, reg.Recipient); err == nil {
			result, err = t.register(ctx, reg, limit)
		}
		return err
	})
	if err != nil {
		return notify.Registration{}, err
	}
	return result, nil
}

func (t *tx) register(ctx context.Context, reg notify.Registration, limit int) (notify.Registration, error) {
	fresh := notify.Registration{
		ID: reg.ID, Recipient: reg.Recipient, Address: reg.Address, Name: reg.Name, Locale: reg.Locale, Registered: instant(t.now),
	}
	fresh.Address.Meta = slices.Clone(reg.Address.Meta)
	var gone []notify.ID
	hash := addressHash(reg.Address)
	err := t.query(ctx, selectAddress, func(r row) error {
		known, err := scanAddress(r)
		if err != nil {
			return err
		}
		fresh.ID = known.ID
		gone = append(gone, known.ID)
		if known.Recipient == reg.Recipient {
			fresh.LastSuccess, fresh.LastError, fresh.LastErrorAt = known.LastSuccess, known.LastError, known.LastErrorAt
		} else if !bytes.Equal(known.Address.Meta, reg.Address.Meta) {
			return notify.ErrConflict
		}
		return nil
	}, hash)
	if err != nil {
		return fresh, err
	}
	if limit > 0 {
		others, err := t.others(ctx, fresh)
		if err != nil {
			return fresh, err
		}
		gone = append(gone, others[:max(len(others)-limit+1, 0)]...)
	}
	if len(gone) > 0 {
		if _, err := t.exec(ctx, deleteAddresses, idRows(gone)); err != nil {
			return fresh, err
		}
	}
	var meta any
	if fresh.Address.Meta != nil {
		meta = string(fresh.Address.Meta)
	}
	_, err = t.exec(ctx, insertAddress, fresh.ID, hash, fresh.Recipient.Tenant, fresh.Recipient.ID, fresh.Address.Channel, fresh.Address.Value,
		meta, fresh.Name, fresh.Locale, t.now, micros(fresh.LastSuccess), fresh.LastError, micros(fresh.LastErrorAt))
	return fresh, err
}

// others lists the recipient's other registrations on the channel, oldest first.
func (t *tx) others(ctx context.Context, reg notify.Registration) ([]notify.ID, error) {
	var ids []notify.ID
	err := t.query(ctx, selectOthers, func(r row) error {
		var id notify.ID
		err := r.Scan(scanID(&id))
		if id != reg.ID {
			ids = append(ids, id)
		}
		return err
	}, reg.Recipient.Tenant, reg.Recipient.ID, reg.Address.Channel)
	return ids, err
}

// Unregister implements [notify.AddressStore].
func (s *Store) Unregister(ctx context.Context, r notify.Recipient, id notify.ID) error {
	return s.write(ctx, "unregister", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, deleteOwnAddress, id, r.Tenant, r.ID)
		if err == nil && n == 0 {
			err = notify.ErrNotFound
		}
		return err
	})
}

// Addresses implements [notify.AddressStore]. Recipients without any are left
// out.
func (s *Store) Addresses(ctx context.Context, recipients []notify.Recipient) (map[notify.Recipient][]notify.Registration, error) {
	found := make(map[notify.Recipient][]notify.Registration)
	for chunk := range slices.Chunk(recipients, lookup) {
		var registrations []notify.Registration
		err := s.read(ctx, "addresses", func(ctx context.Context, q querier) (err error) {
			registrations, err = addresses(ctx, q, chunk)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, r := range chunk {
			delete(found, r) // named twice
		}
		for _, reg := range registrations {
			found[reg.Recipient] = append(found[reg.Recipient], reg)
		}
	}
	return found, nil
}

// addresses reads the registrations of recipients, oldest first.
func addresses(ctx context.Context, q querier, recipients []notify.Recipient) ([]notify.Registration, error) {
	var found []notify.Registration
	err := q.query(ctx, selectAddresses, func(r row) error {
		reg, err := scanAddress(r)
		found = append(found, reg)
		return err
	}, recipientRows(recipients))
	return found, err
}

// learn records what an attempt learnt about addresses of the recipient. One
// that has changed hands meanwhile is left alone.
func (t *tx) learn(ctx context.Context, r notify.Recipient, outcomes []notify.AddressOutcome) error {
	for _, o := range outcomes {
		var err error
		switch {
		case o.Gone:
			_, err = t.exec(ctx, addressGone, o.Registration, r.Tenant, r.ID, micros(o.Since))
		case o.Error == "":
			_, err = t.exec(ctx, addressSucceeded, t.now, o.Registration, r.Tenant, r.ID)
		default:
			_, err = t.exec(ctx, addressFailed, shortened(o.Error), t.now, o.Registration, r.Tenant, r.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
