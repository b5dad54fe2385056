package main

import (
	"encoding/json"
	"testing"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/stretchr/testify/require"
)

//snippet:start conformance

// The kit talks to the channel, and the channel to a server that it scripts.
func TestChat_keepsTheContract(t *testing.T) {
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		server := notifytest.NewHTTP(t, nil)
		return channeltest.Harness{
			Channel: &Chat{client: server.Client()},
			Addresses: []notify.Address{
				{Channel: "chat", Value: server.URL() + "/rooms/7f3c9a"},
				{Channel: "chat", Value: server.URL() + "/rooms/1b44e0"},
			},
			Behave: server.Behave,
			Received: func() (messages []channeltest.Message) {
				for _, request := range server.Taken() {
					var posted struct{ ID, Text string }
					require.NoError(t, json.Unmarshal(request.Body, &posted))
					messages = append(messages, channeltest.Message{
						To: server.URL() + request.Path, Identity: posted.ID, Text: posted.Text, Bytes: request.Body,
					})
				}
				return messages
			},
		}
	})
}

//snippet:end conformance
