package notifytest

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"sync"

	"github.com/bellwether-go/notify"
)

// PushSubscription is what a browser has of a subscription to a [Push].
type PushSubscription struct {
	Endpoint string
	Key      string // the applicationServerKey that it was made with

	private *ecdh.PrivateKey
	auth    []byte

	mu    sync.Mutex
	ended bool
}

func newSubscription(endpoint, key string) *PushSubscription {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // documented never to happen
	}
	auth := make([]byte, 16)
	_, _ = rand.Read(auth) // documented never to fail
	return &PushSubscription{Endpoint: endpoint, Key: key, private: private, auth: auth}
}

// subscriptionKeys are the keys as the Push API names them.
type subscriptionKeys struct {
	P256dh string `json:"p256dh"`
	Auth   string `json:"auth"`
}

func (s *PushSubscription) keys() subscriptionKeys {
	return subscriptionKeys{
		P256dh: base64.RawURLEncoding.EncodeToString(s.private.PublicKey().Bytes()),
		Auth:   base64.RawURLEncoding.EncodeToString(s.auth),
	}
}

// JSON is what a page sends to its server: the PushSubscription, with the member
// applicationServerKey if there is one.
func (s *PushSubscription) JSON() []byte {
	text, err := json.Marshal(struct {
		Endpoint             string           `json:"endpoint"`
		ExpirationTime       *int64           `json:"expirationTime"`
		ApplicationServerKey string           `json:"applicationServerKey,omitempty"`
		Keys                 subscriptionKeys `json:"keys"`
	}{Endpoint: s.Endpoint, ApplicationServerKey: s.Key, Keys: s.keys()})
	if err != nil {
		panic(err) // strings only
	}
	return text
}

// Address is what the subscription is to a channel: its URL and its keys.
func (s *PushSubscription) Address() notify.Address {
	meta, err := json.Marshal(s.keys())
	if err != nil {
		panic(err) // strings only
	}
	return notify.Address{Channel: notify.Browser, Value: s.Endpoint, Meta: meta}
}

// Decrypt reads a message as the browser does: one record of RFC 8188 whose key
// both sides agreed on by RFC 8291.
func (s *PushSubscription) Decrypt(body []byte) ([]byte, error) {
	return decryptPush(body, s.private, s.auth)
}

func (s *PushSubscription) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}
