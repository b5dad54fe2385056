package notify

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// fingerprint digests the content of a normalized notification: all fields, so
// that a key that comes again tells a replay from a conflict. Every part is
// preceded by its length, so that no two contents give the same bytes.
func fingerprint(n Notification) string {
	w := make(fingerprinter, 0, 512+len(n.Body)+len(n.Data))
	w = w.text(n.Tenant, n.Provider, n.Audience, n.Title, n.Body, n.URL, n.Icon, string(n.Data),
		n.Key, n.CollapseKey, n.Entity, n.Actor.Tenant, n.Actor.ID)
	w = w.number(int64(n.Priority), flag(n.Silent), flag(n.Transient))
	w = w.instant(n.OccurredAt, n.NotBefore, n.ExpiresAt)
	w = w.number(int64(len(n.To)))
	for _, r := range n.To {
		w = w.text(r.ID)
	}
	w = w.number(int64(len(n.Rows)))
	for _, row := range n.Rows {
		w = w.text(row.Label, row.Text)
	}
	w = w.number(int64(len(n.Actions)))
	for _, a := range n.Actions {
		w = w.text(a.Key, a.Title, a.URL)
	}
	sum := sha256.Sum256(w)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// fingerprinter is what is to be digested, in one piece: a hash that is fed
// part by part makes each part escape to the heap.
type fingerprinter []byte

func (w fingerprinter) number(values ...int64) fingerprinter {
	for _, v := range values {
		w = binary.BigEndian.AppendUint64(w, uint64(v))
	}
	return w
}

func (w fingerprinter) text(values ...string) fingerprinter {
	for _, v := range values {
		w = append(w.number(int64(len(v))), v...)
	}
	return w
}

func (w fingerprinter) instant(values ...time.Time) fingerprinter {
	for _, v := range values {
		if v.IsZero() {
			w = w.number(0, 0)
			continue
		}
		w = w.number(1, v.UnixMicro())
	}
	return w
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
