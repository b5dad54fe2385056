package mobile

import (
	"fmt"
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
	Headers map[string]string `json:"headers"`
	Payload applePayload      `json:"payload"`
}

func (p *project) message(token string, m push) firebaseRequest {
	aps := m.aps()
	android := firebaseAndroid{
		Priority: "high",
		TTL:      fmt.Sprintf("%ds", max(1, m.expires.Sub(m.now)/time.Second)),
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
			Headers: map[string]string{
				"apns-priority":    m.applePriority(),
				"apns-expiration":  strconv.FormatInt(m.expires.Unix(), 10),
				"apns-collapse-id": m.tag,
			},
			Payload: applePayload{Aps: aps}, // the texts and the data come from above
		},
	}}
}
