package egress

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxURL   = 2_048
	maxHost  = 253
	maxLabel = 63
)

// inside are the names of RFC 6761, RFC 8375 and common use that never lead to
// the public internet, with all below them.
var inside = []string{"localhost", "local", "internal", "intranet", "lan", "corp", "home", "home.arpa", "invalid", "test", "onion"}

// Check returns a URL in the form in which it is stored: https, host in lower
// case, no port if it is 443. The error is a [notify.InvalidError] for the
// field, and says which rule was broken but quotes nothing.
func (c *Client) Check(field, raw string) (string, error) {
	switch {
	case raw == "":
		return "", invalid(field, "is empty")
	case len(raw) > maxURL:
		return "", invalid(field, "is longer than %d bytes", maxURL)
	case strings.ContainsFunc(raw, notURL):
		return "", invalid(field, "has a character that must be escaped in a URL")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", invalid(field, "is not a URL")
	}
	if u.Port() == strconv.Itoa(port) {
		u.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	}
	u.Host = strings.ToLower(u.Host)
	if reason := c.reason(u); reason != "" {
		return "", invalid(field, "%s", reason)
	}
	return u.String(), nil
}

// notURL tells characters that no parser may be left to interpret.
func notURL(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\\"<>^`{|}", r)
}

// admit is Check for a URL that is about to be asked.
func (c *Client) admit(u *url.URL) error {
	if u == nil {
		return invalid("URL", "is missing")
	}
	if reason := c.reason(u); reason != "" {
		return invalid("URL", "%s", reason)
	}
	return nil
}

// reason tells why a URL is refused; "" means that nothing in its text speaks
// against it.
func (c *Client) reason(u *url.URL) string {
	host := u.Hostname()
	switch {
	case u.Scheme != "https":
		return "must begin with https://"
	case u.User != nil:
		return "carries a user name"
	case u.Fragment != "" || u.RawFragment != "":
		return "has a fragment"
	case host == "" || u.Opaque != "":
		return "names no host"
	}
	number, other := u.Port(), false
	if number != "" {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || n == 0 {
			return "has a port that does not exist"
		}
		other = n != port
	}
	if strings.HasSuffix(u.Host, ":") {
		return "has a colon without a port"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return c.reasonOfIP(ip, other)
	}
	return c.reasonOfName(strings.ToLower(host), other)
}

func (c *Client) reasonOfIP(ip netip.Addr, otherPort bool) string {
	switch {
	case ip.Zone() != "":
		return "names an interface of this machine"
	case c.excepted(ip):
		return ""
	case c.guard.SafeAddr(ip) != nil:
		return "is not an address of the public internet"
	case otherPort:
		return "has another port than 443"
	}
	return ""
}

func (c *Client) reasonOfName(host string, otherPort bool) string {
	labels, last := 0, ""
	for label := range strings.SplitSeq(host, ".") {
		if notLabel(label) {
			return "names a host that is not in its ASCII form"
		}
		labels, last = labels+1, label
	}
	if len(host) > maxHost {
		return "names a host that is not in its ASCII form"
	}
	// Resolvers read these as IPv4 addresses: 2130706433, 0x7f.1, 0177.0.0.1.
	if last[0] >= '0' && last[0] <= '9' {
		return "has a host that ends in a number"
	}
	if len(c.allow) > 0 {
		return "" // the dialer decides
	}
	switch {
	case otherPort:
		return "has another port than 443"
	case labels == 1 || slices.ContainsFunc(inside, func(zone string) bool {
		above, within := strings.CutSuffix(host, zone)
		return within && strings.HasSuffix(above, ".")
	}):
		return "names a host that is not on the public internet"
	}
	return ""
}

func notLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return true
	}
	return strings.ContainsFunc(label, func(r rune) bool {
		lower, digit := r >= 'a' && r <= 'z', r >= '0' && r <= '9'
		return !lower && !digit && r != '-' && r != '_'
	})
}

// Host returns the host of a URL, with its port if it has one; "" if it is not
// a URL. It names a destination for [notify.Router].
func Host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
