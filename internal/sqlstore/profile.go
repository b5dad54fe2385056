package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bellwether-go/notify"
)

const (
	selectPreferences = `SELECT p.tenant, p.recipient, p.version, p.document, p.opt_outs
FROM {rows tenant:text recipient:text} JOIN {preference} p ON p.tenant = r.tenant AND p.recipient = r.recipient`

	selectPlans = `SELECT p.tenant, p.recipient, p.channel, p.next_cut, p.last_cut
FROM {rows tenant:text recipient:text} JOIN {plan} p ON p.tenant = r.tenant AND p.recipient = r.recipient ORDER BY p.tenant, p.recipient, p.channel`

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
		err := s.snapshot(ctx, "profiles", func(ctx context.Context, t *tx) error {
			return t.profiles(ctx, chunk, profiles)
		})
		if err != nil {
			return nil, err
		}
	}
	return profiles, nil
}

// profiles reads the profiles of recipients into a map.
func (t *tx) profiles(ctx context.Context, recipients []notify.Recipient, into map[notify.Recipient]notify.Profile) error {
	erased, err := t.erased(ctx, recipients)
	if err != nil {
		return err
	}
	for _, r := range recipients {
		into[r] = notify.Profile{Erased: erased[r]}
	}
	rows := recipientRows(recipients)
	err = t.query(ctx, selectPreferences, func(r row) error {
		var of notify.Recipient
		var version int64
		var document, optOuts string
		if err := r.Scan(&of.Tenant, &of.ID, &version, &document, &optOuts); err != nil {
			return err
		}
		p := into[of]
		if err := json.Unmarshal([]byte(document), &p.Preferences); err != nil {
			return fmt.Errorf("stored preferences: %w", err)
		}
		if err := json.Unmarshal([]byte(optOuts), &p.OptOuts); err != nil {
			return fmt.Errorf("stored opt-outs: %w", err)
		}
		p.Preferences.Version = version
		into[of] = p
		return nil
	}, rows)
	if err != nil {
		return err
	}
	return t.query(ctx, selectPlans, func(r row) error {
		plan, err := scanPlan(r)
		p := into[plan.Recipient]
		p.Plans = append(p.Plans, plan)
		into[plan.Recipient] = p
		return err
	}, rows)
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
