package mobile

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

func TestContract_apple(t *testing.T) {
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		s := services{notifytest.NewAPNs(t), notifytest.NewFCM(t)}
		return channeltest.Harness{
			Channel:   s.channel(t, nil),
			Addresses: addresses(Device{Platform: APNs, App: s.apple.Topic, Environment: Production}, iPhone, iPad),
			Behave:    func(b channeltest.Behavior) error { return behave(b, s.apple.Answer, appleReplies) },
			Received: func() []channeltest.Message {
				var all []channeltest.Message
				for _, p := range s.apple.Taken() {
					all = append(all, channeltest.Message{
						To: p.Token, Identity: p.ID, Text: readable(p.Payload), Bytes: p.Payload,
					})
				}
				return all
			},
			Secrets: []string{"PRIVATE KEY", "eyJ"},
		}
	})
}

func TestContract_firebase(t *testing.T) {
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		s := services{notifytest.NewAPNs(t), notifytest.NewFCM(t)}
		return channeltest.Harness{
			Channel:   s.channel(t, nil),
			Addresses: addresses(Device{Platform: FCM, App: s.firebase.Project}, android, tablet),
			Behave:    func(b channeltest.Behavior) error { return behave(b, s.firebase.Answer, firebaseReplies) },
			Received: func() []channeltest.Message {
				var all []channeltest.Message
				for _, m := range s.firebase.Taken() {
					// Firebase has no place for an identity; the life of the
					// message, in seconds, depends on the time.
					all = append(all, channeltest.Message{To: m.Token, Text: readable(m.Request)})
				}
				return all
			},
			Secrets: []string{"PRIVATE KEY", "private_key", "ya29.", "eyJ"},
		}
	})
}

func addresses(d Device, tokens ...string) []notify.Address {
	var all []notify.Address
	for _, token := range tokens {
		all = append(all, deliveryTo(token, d, notify.Notification{}).Address)
	}
	return all
}

// readable is the text of a payload without the escapes of JSON.
func readable(payload []byte) string {
	var all string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all += v + "\n"
		case map[string]any:
			for _, key := range []string{"message", "notification", "aps", "alert", "title", "body", "data", "link"} {
				walk(v[key])
			}
		}
	}
	var v any
	if json.Unmarshal(payload, &v) == nil {
		walk(v)
	}
	return all
}

// appleReplies has no Drop: what a dying connection swallowed goes to Apple
// once more within the call, under the same apns-id. The kit counts that as two
// messages; a device shows one.
var appleReplies = map[channeltest.Behavior]notifytest.Reply{
	channeltest.Accept:        {},
	channeltest.Temporary:     notifytest.APNsRefusal(503, "ServiceUnavailable", time.Time{}),
	channeltest.RetryAfter:    {Status: 429, Header: http.Header{"Retry-After": {"90"}}},
	channeltest.Permanent:     notifytest.APNsRefusal(400, "BadMessageId", time.Time{}),
	channeltest.Gone:          notifytest.APNsRefusal(410, "Unregistered", noon),
	channeltest.Misconfigured: notifytest.APNsRefusal(403, "InvalidProviderToken", time.Time{}),
	channeltest.Hang:          {Delay: time.Hour},
	channeltest.Garbage:       {Status: 502, Body: "<html>"},
	channeltest.Flood:         {Status: 503, Endless: true},
	channeltest.Ramble:        {Status: 200, Endless: true},
}

var firebaseReplies = map[channeltest.Behavior]notifytest.Reply{
	channeltest.Accept:        {},
	channeltest.Temporary:     notifytest.FCMRefusal(429, "QUOTA_EXCEEDED"),
	channeltest.RetryAfter:    {Status: 429, Header: http.Header{"Retry-After": {"90"}}},
	channeltest.Permanent:     notifytest.FCMRefusal(403, "SENDER_ID_MISMATCH"),
	channeltest.Gone:          notifytest.FCMRefusal(404, "UNREGISTERED"),
	channeltest.Misconfigured: {Status: 403, Body: `{"error":{"code":403,"status":"PERMISSION_DENIED"}}`},
	channeltest.Hang:          {Delay: time.Hour},
	channeltest.Drop:          {Reset: true},
	channeltest.Garbage:       {Status: 502, Body: "<html>"},
	channeltest.Flood:         {Status: 503, Endless: true},
	channeltest.Ramble:        {Status: 200, Endless: true},
}

func behave[R any](b channeltest.Behavior, answer func(func(R) notifytest.Reply), replies map[channeltest.Behavior]notifytest.Reply) error {
	reply, known := replies[b]
	if !known {
		return errors.ErrUnsupported
	}
	answer(func(R) notifytest.Reply { return reply })
	return nil
}
