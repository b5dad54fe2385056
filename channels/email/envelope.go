package email

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/mail"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// envelope is what the header is written from.
type envelope struct {
	identity    string
	to          mail.Address
	date        time.Time
	subject     string
	list        string // what List-Id and Feedback-ID say it is about
	language    string
	thread      string // id of a letter that never was, which those of one thread answer; "" for none
	unsubscribe string
}

func (c *Channel) envelope(d notify.Delivery, l *locale, unsubscribe string) (envelope, error) {
	a, err := c.CheckAddress(d.Address)
	if err != nil {
		return envelope{}, err
	}
	if badText(d.Contact.Name) {
		return envelope{}, invalid("Contact.Name", "has a NUL or is not UTF-8")
	}
	return envelope{
		identity:    d.Identity(),
		to:          mail.Address{Name: shorten(oneLine(d.Contact.Name), maxName), Address: a.Value},
		language:    l.tag,
		unsubscribe: unsubscribe,
	}, nil
}

// unsubscribe is the checked link that ends such letters: of the provider, or
// of the digest if it is "".
func (c *Channel) unsubscribe(d notify.Delivery, provider string) (string, error) {
	if c.o.Unsubscribe == nil {
		return checkLink("Links.Unsubscribe", d.Links.Unsubscribe)
	}
	return checkLink("Unsubscribe", c.o.Unsubscribe(d.Recipient, provider))
}

// header writes the fields, always in this order.
func (c *Channel) header(e envelope) []byte {
	var h header
	h.Grow(1 << 10)
	h.add("Date", e.date.UTC().Format(time.RFC1123Z))
	h.add("From", c.o.fromWords...)
	if c.o.replyTo.Address != "" {
		h.add("Reply-To", c.o.replyToWords...)
	}
	h.add("To", mailboxWords(e.to)...)
	h.add("Subject", textWords(e.subject)...)
	h.add("Message-ID", "<notify."+e.identity+"@"+c.o.Domain+">")
	if e.thread != "" {
		root := "<notify.thread." + e.thread + "@" + c.o.Domain + ">"
		h.add("In-Reply-To", root)
		h.add("References", root)
	}
	h.add("Auto-Submitted", "auto-generated")
	h.add("X-Auto-Response-Suppress", "All")
	h.add("List-Id", "<"+e.list+".notify."+c.o.Domain+">")
	// A link cannot be folded: one that is too long for a line stays in the
	// footer. One click is for https alone (RFC 8058).
	if e.unsubscribe != "" && len(e.unsubscribe) < hardLine-len("List-Unsubscribe: <>") {
		h.add("List-Unsubscribe", "<"+e.unsubscribe+">")
		if strings.HasPrefix(e.unsubscribe, "https://") {
			h.add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
		}
	}
	if c.o.FeedbackID != "" {
		h.add("Feedback-ID", e.list+":"+e.language+":notify:"+c.o.FeedbackID)
	}
	h.add("Content-Language", e.language)
	return h.Bytes()
}

// threadOf is the same for all letters to one recipient about one thing: the
// entity, or else what collapses. It tells nobody which.
func threadOf(r notify.Recipient, n notify.Notification) string {
	kind, name := "entity", n.Entity
	if name == "" {
		kind, name = "collapse", n.CollapseKey
	}
	if name == "" {
		return ""
	}
	hash := sha256.New()
	for _, s := range []string{r.Tenant, r.ID, n.Provider, kind, name} {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		hash.Write([]byte(s))
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// listLabel makes a provider id a label of List-Id, by which people filter.
func listLabel(provider string) string {
	label := strings.Map(func(r rune) rune {
		if r < 0x80 && checkDomain(string(r)) == nil {
			return r
		}
		return '-'
	}, strings.ToLower(provider))
	label = strings.Trim(label[:min(len(label), maxLabel)], "-")
	if label == "" {
		return "provider"
	}
	return label
}
