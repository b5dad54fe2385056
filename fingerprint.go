package notify

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"time"
)

// fingerprint digests the content of a normalized notification: all fields, so
// that a key that comes again tells a replay from a conflict. Every part is
// preceded by its length, so that no two contents give the same bytes.
func fingerprint(n Notification) string {
	w := fingerprinter{sha256.New()}
	w.text(n.Tenant, n.Provider, n.Audience, n.Title, n.Body, n.URL, n.Icon, string(n.Data),
		n.Key, n.CollapseKey, n.Entity, n.Actor.Tenant, n.Actor.ID)
	w.number(int64(n.Priority), flag(n.Silent), flag(n.Transient))
	w.instant(n.OccurredAt, n.NotBefore, n.ExpiresAt)
	w.number(int64(len(n.To)))
	for _, r := range n.To {
		w.text(r.ID)
	}
	w.number(int64(len(n.Rows)))
	for _, row := range n.Rows {
		w.text(row.Label, row.Text)
	}
	w.number(int64(len(n.Actions)))
	for _, a := range n.Actions {
		w.text(a.Key, a.Title, a.URL)
	}
	return base64.RawURLEncoding.EncodeToString(w.Sum(nil))
}

type fingerprinter struct{ hash.Hash }

func (w fingerprinter) number(values ...int64) {
	var b [8]byte
	for _, v := range values {
		binary.BigEndian.PutUint64(b[:], uint64(v))
		_, _ = w.Write(b[:]) // a hash never fails
	}
}

func (w fingerprinter) text(values ...string) {
	for _, v := range values {
		w.number(int64(len(v)))
		_, _ = w.Write([]byte(v))
	}
}

func (w fingerprinter) instant(values ...time.Time) {
	for _, v := range values {
		if v.IsZero() {
			w.number(0, 0)
			continue
		}
		w.number(1, v.UnixMicro())
	}
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
