package email

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
)

const maxLink = 2048 // bytes, as for every URL of a notification

// link is something to click on.
type link struct{ Title, URL string }

// checkLink returns an absolute link in ASCII, or "" for none.
func checkLink(field, raw string) (string, error) {
	switch {
	case raw == "":
		return "", nil
	case len(raw) > maxLink:
		return "", invalid(field, "is longer than %d bytes", maxLink)
	case badText(raw), strings.ContainsFunc(raw, isControl):
		return "", invalid(field, "has a control character")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", invalid(field, "is no URL")
	}
	switch u.Scheme {
	case "http", "https":
		if u.Hostname() == "" {
			return "", invalid(field, "has no host")
		}
		if u.User != nil {
			return "", invalid(field, "carries a user name")
		}
		if host := u.Hostname(); !plainASCII(host) {
			ascii := asciiDomain(host)
			if checkDomain(ascii) != nil {
				return "", invalid(field, "host must be a host name")
			}
			u.Host = strings.Replace(u.Host, host, ascii, 1)
		}
	case "mailto":
		to, err := url.PathUnescape(u.Opaque)
		if err != nil {
			return "", invalid(field, "is no URL")
		}
		if _, err := mail.ParseAddressList(to); err != nil {
			return "", invalid(field, "is no mailto address")
		}
	default:
		return "", invalid(field, "must be an absolute http, https or mailto URL")
	}
	return escapeLink(u.String()), nil
}

// escapeLink percent-encodes what may not stand in a URL as such, so that it
// ends nowhere but at its end: not in a header, not in running text.
func escapeLink(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
