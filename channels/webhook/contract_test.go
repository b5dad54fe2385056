package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
)

func TestContract(t *testing.T) {
	replies := map[channeltest.Behavior]notifytest.Reply{
		channeltest.Accept:     {},
		channeltest.Temporary:  {Status: 502, Body: "canary"},
		channeltest.RetryAfter: {Status: 429, Header: http.Header{"Retry-After": {"90"}}},
		channeltest.Permanent:  {Status: 422, Body: "canary"},
		channeltest.Gone:       {Status: 410},
		channeltest.Hang:       {Delay: time.Hour},
		channeltest.Drop:       {Reset: true},
		channeltest.Garbage:    {Status: 999, Body: "<html>"},
		channeltest.Flood:      {Status: 500, Endless: true},
		channeltest.Ramble:     {Status: 200, Endless: true},
		// There is no account of ours that a receiver could refuse.
	}
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		c, r := start(t)
		return channeltest.Harness{
			Channel: c,
			Addresses: []notify.Address{
				address(r.URL()+"/one/canary", r.Secrets()...), address(r.URL()+"/two/canary", r.Secrets()...),
			},
			Behave: func(b channeltest.Behavior) error {
				reply, known := replies[b]
				if !known {
					return errors.ErrUnsupported
				}
				r.Answer(func(notifytest.WebhookRequest) notifytest.Reply { return reply })
				return nil
			},
			Received: func() []channeltest.Message {
				var all []channeltest.Message
				for _, request := range r.Taken() {
					var e Event
					if json.Unmarshal(request.Body, &e) != nil {
						continue
					}
					all = append(all, channeltest.Message{
						To: r.URL() + request.Path, Identity: request.ID, Bytes: request.Body,
						Text: e.Data.Title + "\n" + e.Data.Body + "\n" + e.Data.URL,
					})
				}
				return all
			},
			Secrets: append(r.Secrets(), "canary"),
		}
	})
}
