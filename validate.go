package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The documented limits, in bytes or pieces.
const (
	maxIdentifier = 190
	maxTitle      = 500
	maxBody       = 16_384
	maxRows       = 20
	maxRowText    = 1_000
	maxActions    = 5
	maxData       = 65_536
	maxURL        = 2_048
	maxTo         = 10_000
)

// normalize validates a notification and brings it into the one form in which
// it is stored and compared: tenant filled in, To sorted and free of
// duplicates, times in UTC with microseconds.
func normalize(n Notification, base *url.URL) (Notification, error) {
	steps := []func(*Notification, *url.URL) error{
		checkReceivers, checkTexts, checkLinks, checkKeys, checkTimes, checkKindOfSend,
	}
	for _, step := range steps {
		if err := step(&n, base); err != nil {
			return n, err
		}
	}
	return n, nil
}

func checkReceivers(n *Notification, _ *url.URL) error {
	if err := checkIdentifier("Provider", n.Provider, true); err != nil {
		return err
	}
	switch {
	case len(n.To) == 0 && n.Audience == "":
		return invalid("To", "no recipient: set To or Audience")
	case len(n.To) > 0 && n.Audience != "":
		return invalid("Audience", "set To or Audience, not both")
	case len(n.To) > maxTo:
		return invalid("To", "%d recipients, at most %d: use an Audience", len(n.To), maxTo)
	}
	if n.Tenant == "" && len(n.To) > 0 {
		n.Tenant = n.To[0].Tenant
	}
	if err := checkIdentifier("Tenant", n.Tenant, false); err != nil {
		return err
	}
	for i, r := range n.To {
		if r.Tenant != n.Tenant {
			return invalid(fmt.Sprintf("To[%d].Tenant", i), "recipients of several tenants")
		}
		if checkIdentifier("ID", r.ID, true) != nil { // the name is only worth making when it is needed
			return checkIdentifier(fmt.Sprintf("To[%d].ID", i), r.ID, true)
		}
	}
	// What is delivered from memory must not change with what the caller keeps.
	n.To, n.Rows, n.Actions, n.Data = slices.Clone(n.To), slices.Clone(n.Rows), slices.Clone(n.Actions), slices.Clone(n.Data)
	slices.SortFunc(n.To, func(a, b Recipient) int { return strings.Compare(a.ID, b.ID) }) // of one tenant
	n.To = slices.Compact(n.To)
	if n.Actor.ID != "" && n.Actor.Tenant == "" {
		n.Actor.Tenant = n.Tenant
	}
	return checkActor(n.Actor)
}

func checkActor(actor Recipient) error {
	if actor.ID == "" && actor.Tenant != "" {
		return invalid("Actor.ID", "missing")
	}
	if err := checkIdentifier("Actor.Tenant", actor.Tenant, false); err != nil {
		return err
	}
	return checkIdentifier("Actor.ID", actor.ID, false)
}

func checkTexts(n *Notification, _ *url.URL) error {
	if strings.TrimSpace(n.Title) == "" {
		return invalid("Title", "empty")
	}
	if err := checkText("Title", n.Title, maxTitle, ""); err != nil {
		return err
	}
	if err := checkText("Body", n.Body, maxBody, "\n\r\t"); err != nil {
		return err
	}
	if len(n.Rows) > maxRows {
		return invalid("Rows", "%d rows, at most %d", len(n.Rows), maxRows)
	}
	for i, row := range n.Rows {
		if err := checkText(fmt.Sprintf("Rows[%d].Label", i), row.Label, maxRowText, ""); err != nil {
			return err
		}
		if err := checkText(fmt.Sprintf("Rows[%d].Text", i), row.Text, maxRowText, ""); err != nil {
			return err
		}
	}
	if len(n.Data) == 0 {
		n.Data = nil
		return nil
	}
	if len(n.Data) > maxData {
		return invalid("Data", "%d bytes, at most %d", len(n.Data), maxData)
	}
	if !json.Valid(n.Data) {
		return invalid("Data", "not JSON")
	}
	if !utf8.Valid(n.Data) || slices.Contains(n.Data, 0) {
		return invalid("Data", "not UTF-8 without NUL")
	}
	return nil
}

func checkLinks(n *Notification, base *url.URL) error {
	if err := checkURL("URL", n.URL, base, "http", "https", "mailto"); err != nil {
		return err
	}
	if err := checkURL("Icon", n.Icon, base, "http", "https"); err != nil {
		return err
	}
	if len(n.Actions) > maxActions {
		return invalid("Actions", "%d actions, at most %d", len(n.Actions), maxActions)
	}
	var keys map[string]bool
	if len(n.Actions) > 0 {
		keys = make(map[string]bool, len(n.Actions))
	}
	for i, a := range n.Actions {
		field := fmt.Sprintf("Actions[%d]", i)
		if err := checkIdentifier(field+".Key", a.Key, true); err != nil {
			return err
		}
		if keys[a.Key] {
			return invalid(field+".Key", "used twice")
		}
		keys[a.Key] = true
		if strings.TrimSpace(a.Title) == "" {
			return invalid(field+".Title", "empty")
		}
		if err := checkText(field+".Title", a.Title, maxTitle, ""); err != nil {
			return err
		}
		if err := checkURL(field+".URL", a.URL, base, "http", "https", "mailto"); err != nil {
			return err
		}
	}
	return nil
}

func checkKeys(n *Notification, _ *url.URL) error {
	for _, f := range []struct{ name, value string }{
		{"Key", n.Key}, {"CollapseKey", n.CollapseKey}, {"Entity", n.Entity}, {"Audience", n.Audience},
	} {
		if err := checkIdentifier(f.name, f.value, false); err != nil {
			return err
		}
	}
	if n.Priority < Low || n.Priority > High {
		return invalid("Priority", "%d is none of Low, Normal and High", n.Priority)
	}
	return nil
}

func checkTimes(n *Notification, _ *url.URL) error {
	for _, f := range []struct {
		name  string
		value *time.Time
	}{{"OccurredAt", &n.OccurredAt}, {"NotBefore", &n.NotBefore}, {"ExpiresAt", &n.ExpiresAt}} {
		if f.value.IsZero() {
			*f.value = time.Time{}
			continue
		}
		if y := f.value.UTC().Year(); y < 1 || y > 9999 {
			return invalid(f.name, "outside of the years 1 to 9999")
		}
		*f.value = f.value.UTC().Truncate(time.Microsecond)
	}
	if !n.ExpiresAt.IsZero() && !n.NotBefore.Before(n.ExpiresAt) {
		return invalid("NotBefore", "not before ExpiresAt")
	}
	return nil
}

func checkKindOfSend(n *Notification, _ *url.URL) error {
	if !n.Transient {
		return nil
	}
	switch {
	case n.Audience != "":
		return invalid("Audience", "a transient notification needs To")
	case n.Key != "":
		return invalid("Key", "a transient notification is not stored and has no key")
	case !n.NotBefore.IsZero():
		return invalid("NotBefore", "a transient notification cannot wait")
	case n.Silent:
		return invalid("Silent", "a transient notification is nothing but its pop-up")
	}
	return nil
}

func compareRecipients(a, b Recipient) int {
	return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.ID, b.ID))
}

// checkRecipient is for recipients that come alone, as arguments.
func checkRecipient(r Recipient) error {
	if err := checkIdentifier("Recipient.Tenant", r.Tenant, false); err != nil {
		return err
	}
	return checkIdentifier("Recipient.ID", r.ID, true)
}

func checkIdentifier(field, value string, required bool) error {
	if value == "" {
		if required {
			return invalid(field, "missing")
		}
		return nil
	}
	return checkText(field, value, maxIdentifier, "")
}

func checkText(field, value string, limit int, allowedControls string) error {
	if len(value) > limit {
		return invalid(field, "%d bytes, at most %d", len(value), limit)
	}
	for i, r := range value {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(value[i:]); size <= 1 {
				return invalid(field, "not UTF-8")
			}
		}
		if unicode.IsControl(r) && !strings.ContainsRune(allowedControls, r) {
			return invalid(field, "control character %U", r)
		}
	}
	return nil
}

func checkURL(field, value string, base *url.URL, schemes ...string) error {
	if value == "" {
		return nil
	}
	if err := checkText(field, value, maxURL, ""); err != nil {
		return err
	}
	if strings.ContainsAny(value, " \\\"<>`") || strings.ContainsFunc(value, unicode.IsSpace) {
		return invalid(field, "a character that must be escaped in a URL")
	}
	u, err := url.Parse(value)
	if err != nil {
		return invalid(field, "not a URL")
	}
	if u.Scheme == "" && u.Host == "" {
		if base == nil {
			return invalid(field, "a relative URL without Options.BaseURL")
		}
		return nil
	}
	if !slices.Contains(schemes, strings.ToLower(u.Scheme)) {
		return invalid(field, "the scheme must be one of %s", strings.Join(schemes, ", "))
	}
	if u.User != nil {
		return invalid(field, "carries a user name")
	}
	if strings.EqualFold(u.Scheme, "mailto") {
		if u.Opaque == "" {
			return invalid(field, "names no mailbox")
		}
		return nil
	}
	if u.Hostname() == "" {
		return invalid(field, "names no host")
	}
	return nil
}
