package mobile

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bellwether-go/notify/internal/egress"
	"github.com/bellwether-go/notify/internal/peer"
)

// answer is what a service said.
type answer struct {
	status int
	code   string    // the service's own, such as UNREGISTERED; "" if it gave none
	since  time.Time // when the token died, as far as Apple knows
	token  bool      // Firebase finds fault with the token
	bad    bool      // or with something besides it
	after  time.Duration
}

// door is the way to a service.
type door struct {
	*egress.Client
	timeout time.Duration
}

func (c *Channel) newDoor() (door, error) {
	client, err := egress.New(egress.Options{Timeout: c.o.Timeout, Allow: c.o.Allow, RootCAs: c.o.RootCAs})
	return door{client, c.o.Timeout}, err
}

// again tells whether there is time to send once more what got no answer. A
// connection that died shows within 15 s; a service that is slow does not get the same
// push twice.
func (d door) again(ctx context.Context, begun time.Time) bool {
	return ctx.Err() == nil && time.Since(begun) < d.timeout*2/3
}

// ask sends a request and reads the answer. The error is a
// [notify.DeliveryError].
func (d door) ask(request *http.Request, read func([]byte, *answer)) (answer, error) {
	response, err := d.Do(request)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, after: peer.RetryAfter(response.Header, time.Now())}
	if a.status != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		read(body, &a)
	}
	return a, nil
}

// readApple reads the body of an answer of Apple.
func readApple(body []byte, a *answer) {
	var failure struct {
		Reason    string `json:"reason"`
		Timestamp int64  `json:"timestamp"` // in milliseconds
	}
	if json.Unmarshal(body, &failure) != nil {
		return
	}
	a.code = code(failure.Reason)
	if failure.Timestamp > 0 {
		a.since = time.UnixMilli(failure.Timestamp)
	}
}

// readFirebase reads the body of an answer of Firebase. Its code is that of
// the detail FcmError, and no other: the same word as a general status says
// nothing about the token.
func readFirebase(body []byte, a *answer) {
	var failure struct {
		Error struct {
			Message string `json:"message"`
			Details []struct {
				Type       string `json:"@type"`
				Code       string `json:"errorCode"`
				Violations []struct {
					Field string `json:"field"`
				} `json:"fieldViolations"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &failure) != nil {
		return
	}
	a.token = strings.Contains(strings.ToLower(failure.Error.Message), "registration token")
	for _, detail := range failure.Error.Details {
		if strings.HasSuffix(detail.Type, "/google.firebase.fcm.v1.FcmError") {
			a.code = code(detail.Code)
		}
		for _, violation := range detail.Violations {
			named := violation.Field == "message.token"
			a.token, a.bad = a.token || named, a.bad || !named
		}
	}
}

// code lets through what looks like one of the codes that services document,
// and nothing that could be text of somebody's own.
func code(s string) string {
	if len(s) > 60 || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_'
	}) {
		return ""
	}
	return s
}
