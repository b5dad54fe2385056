package pgxnotify

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/bellwether-go/notify"
)

// A hint is the payload of a NOTIFY: whose it is, and hashes of recipients of
// which something has changed. With ! a hash means more than a new item; * is
// everybody. It tells nothing to those who may listen and not read.
//
//	9f86d081884c7d65 d2a84f4b8b650937 !ef2d127de37b942b
const (
	everybody = "*"

	// most is how many recipients a hint names. PostgreSQL takes payloads below
	// 8,000 bytes.
	most = 400
)

// newOrigin names a bus, so that it knows its own hints.
func newOrigin() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// hash stands for a recipient. Two that share one are told of each other's
// changes, and find nothing.
func hash(r notify.Recipient) string {
	sum := sha256.Sum256([]byte(r.Tenant + "\x00" + r.ID))
	return hex.EncodeToString(sum[:8])
}

// payload makes one hint of all signals that are no pop-ups; "" for none.
func payload(origin string, signals []notify.Signal) string {
	var named []string
	for _, s := range signals {
		switch {
		case s.Transient != nil:
		case s.Changed:
			named = append(named, "!"+hash(s.Recipient))
		default:
			named = append(named, hash(s.Recipient))
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	switch {
	case len(named) == 0:
		return ""
	case len(named) > most:
		named = []string{everybody}
	}
	return origin + " " + strings.Join(named, " ")
}

// news is what a hint says.
type news struct {
	hash    string // "" is everybody
	changed bool
}

// parse reads a hint of another bus. Whatever else is sent on the channel is
// nothing.
func parse(origin, payload string) []news {
	words := strings.Fields(payload)
	if len(words) < 2 || len(words) > most+1 || words[0] == origin {
		return nil
	}
	var all []news
	for _, word := range words[1:] {
		if word == everybody {
			return []news{{changed: true}}
		}
		name, changed := strings.CutPrefix(word, "!")
		if name == "" {
			return nil
		}
		all = append(all, news{hash: name, changed: changed})
	}
	return all
}
