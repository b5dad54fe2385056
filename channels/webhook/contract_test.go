package webhook

import (
	"encoding/json"
	"testing"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

func TestContract(t *testing.T) {
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		c, r := start(t)
		return channeltest.Harness{
			Channel: c,
			Addresses: []notify.Address{
				address(r.URL()+"/one/canary", r.Secrets()...), address(r.URL()+"/two/canary", r.Secrets()...),
			},
			Behave: r.Behave,
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
