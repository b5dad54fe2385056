package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bellwether-go/notify"
)

const (
	// selectProfiles is one statement: it sees everything as it is at one
	// instant, and costs one round trip.
	selectProfiles = `SELECT r.tenant, r.recipient, CASE WHEN t.hash IS NULL THEN 0 ELSE 1 END, COALESCE(p.version, 0), COALESCE(p.document, ''), COALESCE(p.opt_outs, ''),
COALESCE(l.channel, ''), COALESCE(l.next_cut, 0), COALESCE(l.last_cut, 0)
FROM {rows tenant:text recipient:text hash:text} LEFT JOIN {tombstone} t ON t.hash = r.hash
LEFT JOIN {preference} p ON p.tenant = r.tenant AND p.recipient = r.recipient
LEFT JOIN {plan} l ON l.tenant = r.tenant AND l.recipient = r.recipient ORDER BY r.tenant, r.recipient, l.channel`

	// A first save replaces version 0, so that of two one finds it gone.
	insertPreferences = `INSERT INTO {preference} (tenant, recipient, version, document, opt_outs) VALUES (?, ?, 0, '{}', '[]') {nothing preference version}`
	updatePreferences = `UPDATE {preference} SET version = version + 1, document = ?, opt_outs = ? WHERE tenant = ? AND recipient = ? AND version = ?`
	movePlan          = `UPDATE {plan} SET next_cut = ? WHERE tenant = ? AND recipient = ? AND channel = ? AND next_cut <> 0`

	// lookup is how many recipients one query asks for.
	lookup = 500
)

// recipientRows is a rowset of tenant and recipient, without duplicates.
func recipientRows(recipients []notify.Recipient) rowset {
	seen := make(map[notify.Recipient]bool, len(recipients))
	var rows rowset
	for _, r := range recipients {
		if !seen[r] {
			seen[r] = true
			rows = append(rows, []any{r.Tenant, r.ID})
		}
	}
	return rows
}

// Profiles implements [notify.PreferenceStore].
func (s *Store) Profiles(ctx context.Context, recipients []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
	profiles := make(map[notify.Recipient]notify.Profile, len(recipients))
	for chunk := range slices.Chunk(recipients, lookup) {
		err := s.read(ctx, "profiles", func(ctx context.Context, q querier) error {
			return readProfiles(ctx, q, chunk, profiles)
		})
		if err != nil {
			return nil, err
		}
	}
	return profiles, nil
}

// readProfiles reads the profiles of recipients into a map.
func readProfiles(ctx context.Context, q querier, recipients []notify.Recipient, into map[notify.Recipient]notify.Profile) error {
	rows := recipientRows(recipients)
	for i, values := range rows {
		of := notify.Recipient{Tenant: values[0].(string), ID: values[1].(string)}
		rows[i] = append(values, tombstone(of))
		into[of] = notify.Profile{}
	}
	return q.query(ctx, selectProfiles, func(r row) error {
		var plan notify.Plan
		var erased, version, next, last int64
		var document, optOuts string
		err := r.Scan(&plan.Recipient.Tenant, &plan.Recipient.ID, &erased, &version, &document, &optOuts, &plan.Channel, &next, &last)
		if err != nil {
			return err
		}
		p := into[plan.Recipient]
		if p.Plans == nil { // the first of its rows: there is one for each plan
			p.Erased = erased != 0
			if err := unpackProfile(&p, version, document, optOuts); err != nil {
				return err
			}
		}
		if plan.Channel != "" {
			plan.NextCut, plan.LastCut = instant(next), instant(last)
			p.Plans = append(p.Plans, plan)
		}
		into[plan.Recipient] = p
		return nil
	}, rows)
}

// unpackProfile is the inverse of packProfile.
func unpackProfile(p *notify.Profile, version int64, document, optOuts string) error {
	if document != "" {
		if err := json.Unmarshal([]byte(document), &p.Preferences); err != nil {
			return fmt.Errorf("stored preferences: %w", err)
		}
	}
	if optOuts != "" {
		if err := json.Unmarshal([]byte(optOuts), &p.OptOuts); err != nil {
			return fmt.Errorf("stored opt-outs: %w", err)
		}
	}
	p.Preferences.Version = version
	return nil
}

// SaveProfile implements [notify.PreferenceStore]. For an erased recipient it
// returns ErrNotFound. A plan without a NextCut moves nothing.
func (s *Store) SaveProfile(ctx context.Context, r notify.Recipient, p notify.Profile) error {
	return s.write(ctx, "save profile", func(ctx context.Context, t *tx) error {
		if err := t.admit(ctx, r); err != nil {
			return err
		}
		document, optOuts, err := packProfile(p, t.now)
		if err != nil {
			return err
		}
		version := p.Preferences.Version
		if version == 0 {
			if _, err := t.exec(ctx, insertPreferences, r.Tenant, r.ID); err != nil {
				return err
			}
		}
		n, err := t.exec(ctx, updatePreferences, document, optOuts, r.Tenant, r.ID, version)
		if err != nil {
			return err
		}
		if n == 0 {
			return notify.ErrConflict
		}
		for _, plan := range p.Plans {
			if plan.NextCut.IsZero() {
				continue
			}
			if _, err := t.exec(ctx, movePlan, micros(plan.NextCut), r.Tenant, r.ID, plan.Channel); err != nil {
				return err
			}
		}
		return nil
	})
}

// packProfile makes the two documents; opt-outs that happen now are completed.
func packProfile(p notify.Profile, now int64) (document, optOuts string, err error) {
	completed := slices.Clone(p.OptOuts)
	for i := range completed {
		o := &completed[i]
		if o.At.IsZero() {
			o.At, o.Version = instant(now), p.Preferences.Version+1
		}
		o.At = stored(o.At)
	}
	text, err := json.Marshal(p.Preferences)
	if err != nil {
		return "", "", fmt.Errorf("preferences: %w", err)
	}
	list, err := json.Marshal(completed)
	if err != nil {
		return "", "", fmt.Errorf("opt-outs: %w", err)
	}
	return string(text), string(list), nil
}
