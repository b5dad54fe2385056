package peer

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestWait is the longest that a peer can make us wait at a time.
const longestWait = 24 * time.Hour

// RetryAfter reads the field of that name (RFC 9110, section 10.2.3), which has
// seconds or a date. It is zero if the field is missing, malformed or past, and
// at most a day.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 32)
		if err != nil || seconds > uint64(longestWait/time.Second) {
			return longestWait
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), longestWait)
}
