package email

import (
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"

	"github.com/bellwether-go/notify"
)

// The limits of RFC 5321, in bytes.
const (
	maxAddress = 254
	maxLocal   = 64
	maxDomain  = 253
	maxLabel   = 63
)

// CheckAddress implements [notify.AddressChecker]. It takes bare addresses
// only, without a display name, and writes the domain in lower case and in its
// ASCII form: "bücher.example" becomes "xn--bcher-kva.example" (RFC 5891). The
// local part must be ASCII, since relays and mailboxes that take anything else
// (SMTPUTF8) are rare.
func (c *Channel) CheckAddress(a notify.Address) (notify.Address, error) {
	if a.Channel != "" && a.Channel != notify.Email {
		return notify.Address{}, invalid("Address.Channel", "must be %q", notify.Email)
	}
	value, err := normalAddress("Address.Value", strings.Trim(a.Value, " "))
	if err != nil {
		return notify.Address{}, err
	}
	a.Channel, a.Value = notify.Email, value
	return a, nil
}

// normalAddress checks an addr-spec. It must be safe to write between the
// angle brackets of an SMTP command as it is, so that what the relay reads is
// what was checked: no quotes, no comments, no address literals, ASCII only.
func normalAddress(field, address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	switch {
	case address == "":
		return "", invalid(field, "is empty")
	case len(address) > maxAddress:
		return "", invalid(field, "is longer than %d bytes", maxAddress)
	case at < 0:
		return "", invalid(field, "has no @")
	}
	local, domain := address[:at], asciiDomain(address[at+1:])
	if local == "" || len(local) > maxLocal {
		return "", invalid(field, "local part must have 1 to %d bytes", maxLocal)
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.IndexFunc(atom, notAtom) >= 0 {
			return "", invalid(field, "local part must be plain ASCII that needs no quotes; SMTPUTF8 is not used")
		}
	}
	if err := checkDomain(domain); err != nil {
		return "", invalid(field, "domain %v", err)
	}
	return local + "@" + domain, nil
}

// notAtom tells the characters that RFC 5322 has no place for in an atom.
func notAtom(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// asciiDomain writes a domain in lower case and ASCII. One that cannot be
// written so stays as it is, for checkDomain to refuse.
func asciiDomain(domain string) string {
	if ascii := strings.ToLower(domain); plainASCII(ascii) {
		return ascii
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		return ascii
	}
	return domain
}

var errNotHostName = errors.New("must be a host name")

func checkDomain(domain string) error {
	if domain == "" || len(domain) > maxDomain {
		return errNotHostName
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return errNotHostName
		}
		for _, r := range label {
			if r != '-' && (notAtom(r) || strings.ContainsRune("!#$%&'*+/=?^_`{|}~", r)) {
				return errNotHostName
			}
		}
	}
	return nil
}

// parseMailbox reads an address of the host's own, with or without a name.
func parseMailbox(field, value string) (mail.Address, error) {
	if strings.ContainsFunc(value, isControl) {
		return mail.Address{}, invalid(field, "has a control character")
	}
	a, err := mail.ParseAddress(value)
	if err != nil {
		return mail.Address{}, invalid(field, "is no mail address")
	}
	if a.Address, err = normalAddress(field, a.Address); err != nil {
		return mail.Address{}, err
	}
	if badText(a.Name) {
		return mail.Address{}, invalid(field, "name has a NUL or is not UTF-8")
	}
	a.Name = shorten(oneLine(a.Name), maxName)
	return *a, nil
}
