package notifyhttp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reply answers with a JSON document that must not be kept by anybody else.
func (c *call) reply(status int, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("notifyhttp: marshal: %w", err)
	}
	return c.writeJSON(status, body)
}

// writeJSON answers with what is for one person only.
func (c *call) writeJSON(status int, body []byte) error {
	c.w.Header().Set("Vary", "Cookie, Authorization")
	return c.write(status, "application/json", "private, no-cache", body)
}

// replyFresh is reply for a GET, with an ETag: whoever has the document already
// gets 304. The tag begins with version, if there is one, by which a later write
// says what it is based on.
func (c *call) replyFresh(version string, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("notifyhttp: marshal: %w", err)
	}
	sum := sha256.Sum256(body)
	tag := `"` + version + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	c.w.Header().Set("ETag", tag)
	if matches(c.r.Header.Get("If-None-Match"), tag) {
		c.w.Header().Set("Cache-Control", "private, no-cache")
		c.w.Header().Set("Vary", "Cookie, Authorization")
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.writeJSON(http.StatusOK, body)
}

func (c *call) write(status int, contentType, cache string, body []byte) error {
	header := c.w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", cache)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // whoever asked may have gone
	}
	return nil
}

// matches compares an If-None-Match weakly, as RFC 9110 has it.
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == tag || candidate == "*" {
			return true
		}
	}
	return false
}

// instant is a time in RFC 3339, UTC, with milliseconds; the zero time is null.
type instant time.Time

// MarshalJSON implements [json.Marshaler].
func (i instant) MarshalJSON() ([]byte, error) {
	if time.Time(i).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(i).UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (i *instant) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*i = instant{}
		return nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return &notAnInstant{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return &notAnInstant{}
	}
	*i = instant(t)
	return nil
}

type notAnInstant struct{}

func (*notAnInstant) Error() string { return "not a time in RFC 3339" }
