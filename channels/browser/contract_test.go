package browser

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
		channeltest.Accept:        {},
		channeltest.Temporary:     {Status: 502, Body: "canary"},
		channeltest.RetryAfter:    {Status: 429, Header: http.Header{"Retry-After": {"90"}}},
		channeltest.Permanent:     {Status: 422, Body: "canary"},
		channeltest.Gone:          {Status: 410},
		channeltest.Misconfigured: {Status: 401, Body: "canary"},
		channeltest.Hang:          {Delay: time.Hour},
		channeltest.Drop:          {Reset: true},
		channeltest.Garbage:       {Status: 999, Body: "<html>"},
		channeltest.Flood:         {Status: 500, Endless: true},
		channeltest.Ramble:        {Status: 201, Endless: true},
	}
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		service, c, first := start(t, nil)
		second := service.Subscribe(c.PublicKey())
		return channeltest.Harness{
			Channel:   c,
			Addresses: []notify.Address{registered(t, c, first), registered(t, c, second)},
			Behave: func(b channeltest.Behavior) error {
				reply, known := replies[b]
				if !known {
					return errors.ErrUnsupported
				}
				service.Answer(func(notifytest.PushRequest) notifytest.Reply { return reply })
				return nil
			},
			Received: func() []channeltest.Message {
				var all []channeltest.Message
				for _, request := range service.Taken() {
					var m Message
					if json.Unmarshal(request.Text, &m) != nil {
						continue
					}
					n := m.Notification
					all = append(all, channeltest.Message{
						To: request.Endpoint, Identity: n.Data.Delivery,
						Text: n.Title + "\n" + n.Body + "\n" + n.Navigate,
					})
				}
				return all
			},
			Secrets: []string{"canary", c.keys[c.current].Private},
		}
	})
}
