package main

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/stretchr/testify/require"
)

// The service that lets hooks look at the answer keeps all of the contract.
func TestHooks_keepTheContract(t *testing.T) {
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		server := notifytest.NewHTTP(t, nil)
		return channeltest.Harness{
			Channel: hooks(server.Client()),
			Addresses: []notify.Address{
				{Channel: "hook", Value: server.URL() + "/hooks/7f3c9a"}, {Channel: "hook", Value: server.URL() + "/hooks/1b44e0"},
			},
			Behave: server.Behave,
			Received: func() (messages []channeltest.Message) {
				for _, r := range server.Taken() {
					var posted struct{ Title, Text string }
					require.NoError(t, json.Unmarshal(r.Body, &posted))
					messages = append(messages, channeltest.Message{
						To: server.URL() + r.Path, Identity: r.Header.Get("X-Message-Id"), Text: posted.Title + "\n" + posted.Text, Bytes: r.Body,
					})
				}
				return messages
			},
		}
	})
}

// A service that tells no more than a text keeps what can be kept: it has no
// identity, and nobody hears of Retry-After.
func TestBarks_keepTheContract(t *testing.T) {
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		server := notifytest.NewHTTP(t, &notifytest.HTTPOptions{NoTLS: true})
		return channeltest.Harness{
			Channel:   barks(server.URL()),
			Addresses: []notify.Address{{Channel: "bark", Value: "alicesDeviceKey17"}, {Channel: "bark", Value: "bobsDeviceKey17"}},
			Behave: func(b channeltest.Behavior) error {
				if slices.Contains([]channeltest.Behavior{channeltest.RetryAfter, channeltest.Flood}, b) {
					return errors.ErrUnsupported
				}
				return server.Behave(b)
			},
			Received: func() (messages []channeltest.Message) {
				for _, r := range server.Taken() {
					var posted struct {
						Device string `json:"device_key"`
						Title  string `json:"title"`
						Body   string `json:"body"`
					}
					require.NoError(t, json.Unmarshal(r.Body, &posted))
					messages = append(messages, channeltest.Message{To: posted.Device, Text: posted.Title + "\n" + posted.Body, Bytes: r.Body})
				}
				return messages
			},
		}
	})
}
