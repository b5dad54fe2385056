package storetest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// The people of the checks.
var (
	alice = notify.Recipient{Tenant: "acme", ID: "alice"}
	bob   = notify.Recipient{Tenant: "acme", ID: "bob"}
	carol = notify.Recipient{Tenant: "acme", ID: "carol"}
)

// invoice is a notification with nothing but what is required.
var invoice = notify.Notification{Tenant: "acme", Provider: "billing", Title: "Invoice 17"}

// lease is long enough for a check, whatever clock the store has.
const lease = time.Hour

// to is a filing for r.
func to(r notify.Recipient, tasks ...notify.NewTask) notify.Filing {
	return notify.Filing{Recipient: r, Tasks: tasks}
}

// delivery is a delivery task that is due at once.
func (s *scene) delivery(channel string) notify.NewTask {
	return notify.NewTask{ID: s.id(), Kind: notify.KindDelivery, Channel: channel, Lane: notify.LaneNormal, Bucket: 7}
}

// acceptance makes n ready to be stored, with To taken from the filings.
func (s *scene) acceptance(n notify.Notification, filings ...notify.Filing) notify.Acceptance {
	n.To = nil
	for _, f := range filings {
		n.To = append(n.To, f.Recipient)
	}
	slices.SortFunc(n.To, compareRecipients)
	return notify.Acceptance{ID: s.id(), Notification: n, Fingerprint: fingerprint(n), Filings: filings}
}

// fanOut makes n ready to be stored with a fan-out task to recipients.
func (s *scene) fanOut(n notify.Notification, recipients ...notify.Recipient) notify.Acceptance {
	n.To = slices.SortedFunc(slices.Values(recipients), compareRecipients)
	return notify.Acceptance{
		ID: s.id(), Notification: n, Fingerprint: fingerprint(n),
		Task: &notify.NewTask{ID: s.id(), Kind: notify.KindFanOut, Channel: n.Audience, Lane: notify.LaneNormal, NotBefore: n.NotBefore},
	}
}

// compareRecipients orders recipients by tenant and id.
func compareRecipients(a, b notify.Recipient) int {
	if c := strings.Compare(a.Tenant, b.Tenant); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// fingerprint tells contents apart.
func fingerprint(n notify.Notification) string {
	data := n.Data
	n.Data = nil // may be any bytes
	text, err := json.Marshal(n)
	if err != nil {
		panic(failed{err})
	}
	sum := sha256.Sum256(append(text, data...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
