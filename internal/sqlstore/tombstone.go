package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/bellwether-go/notify"
)

const selectTombstones = `SELECT hash FROM {tombstone} WHERE hash IN (SELECT id FROM {rows id:text})`

// tombstone names a recipient without telling who it is.
func tombstone(r notify.Recipient) string {
	sum := sha256.Sum256([]byte("recipient\x00" + r.Tenant + "\x00" + r.ID))
	return hex.EncodeToString(sum[:])
}

// erased tells which of the recipients have a tombstone.
func (t *tx) erased(ctx context.Context, recipients []notify.Recipient) (map[notify.Recipient]bool, error) {
	hashes := make(map[string]notify.Recipient, len(recipients))
	var asked []string
	for _, r := range recipients {
		hash := tombstone(r)
		if _, ok := hashes[hash]; !ok {
			hashes[hash] = r
			asked = append(asked, hash)
		}
	}
	text := selectTombstones
	if !t.readOnly && t.s.d.Present != "" {
		text = t.s.d.Present
	}
	var found map[notify.Recipient]bool
	err := t.query(ctx, text, func(rows row) error {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return err
		}
		if found == nil {
			found = map[notify.Recipient]bool{}
		}
		found[hashes[hash]] = true
		return nil
	}, strs(asked))
	return found, err
}

// admit returns ErrNotFound if the recipient was erased.
func (t *tx) admit(ctx context.Context, r notify.Recipient) error {
	erased, err := t.erased(ctx, []notify.Recipient{r})
	if err == nil && erased[r] {
		return notify.ErrNotFound
	}
	return err
}

// withoutErased drops the filings for recipients who were erased.
func (t *tx) withoutErased(ctx context.Context, filings []filing) ([]filing, error) {
	if len(filings) == 0 {
		return nil, nil
	}
	recipients := make([]notify.Recipient, len(filings))
	for i, f := range filings {
		recipients[i] = f.Recipient
	}
	erased, err := t.erased(ctx, recipients)
	if err != nil || len(erased) == 0 {
		return filings, err
	}
	return slices.DeleteFunc(filings, func(f filing) bool { return erased[f.Recipient] }), nil
}
