package browser

import (
	"encoding/json"
	"testing"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
)

func TestContract(t *testing.T) {
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		service, c, first := start(t, nil)
		second := service.Subscribe(c.PublicKey())
		return channeltest.Harness{
			Channel:   c,
			Addresses: []notify.Address{registered(t, c, first), registered(t, c, second)},
			Behave:    service.Behave,
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
			Secrets: []string{first.Endpoint, second.Endpoint, c.keys[c.current].Private},
		}
	})
}
