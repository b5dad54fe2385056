package mobile

import (
	"strconv"
	"time"

	"github.com/bellwether-go/notify"
)

// The body of a request to FCM. Beside the part that all devices share it says
// for Android and for Apple's what they call their own.
type firebaseRequest struct {
	Message firebaseMessage `json:"message"`
}

type firebaseMessage struct {
	Token        string              `json:"token"`
	Notification firebaseTexts       `json:"notification"`
	Data         content             `json:"data"`
	Android      firebaseAndroid     `json:"android"`
	APNs         firebaseAppleDevice `json:"apns"`
}

type firebaseTexts struct {
	Title string `json:"title"`
	Body  string `json:"body,omitempty"`
}

type firebaseAndroid struct {
	CollapseKey  string              `json:"collapse_key,omitempty"`
	Priority     string              `json:"priority"`
	TTL          string              `json:"ttl"`
	Notification androidNotification `json:"notification"`
}

type androidNotification struct {
	Tag     string `json:"tag"`
	Channel string `json:"channel_id,omitempty"`
	Sound   string `json:"sound,omitempty"`
	Count   int    `json:"notification_count,omitempty"`
}

type firebaseAppleDevice struct {
	Headers firebaseAppleHeaders `json:"headers"`
	Payload applePayload         `json:"payload"`
}

type firebaseAppleHeaders struct {
	CollapseID string `json:"apns-collapse-id"`
	Expiration string `json:"apns-expiration"`
	Priority   string `json:"apns-priority"`
}

func (p *project) message(token string, m push) firebaseRequest {
	aps := m.aps()
	android := firebaseAndroid{
		Priority: "high",
		TTL:      strconv.FormatInt(int64(max(1, m.expires.Sub(m.now)/time.Second)), 10) + "s",
		Notification: androidNotification{
			Tag: m.tag, Channel: p.androidChannel, Sound: aps.Sound, Count: m.badge,
		},
	}
	if m.priority < notify.Normal {
		android.Priority = "normal"
	}
	if m.collapse {
		// Only then: of different keys a device that is off keeps four.
		android.CollapseKey = m.tag
	}
	return firebaseRequest{firebaseMessage{
		Token:        token,
		Notification: firebaseTexts{m.title, m.body},
		Data:         m.content,
		Android:      android,
		APNs: firebaseAppleDevice{
			Headers: firebaseAppleHeaders{m.tag, strconv.FormatInt(m.expires.Unix(), 10), m.applePriority()},
			Payload: applePayload{Aps: aps}, // the texts and the data come from above
		},
	}}
}
