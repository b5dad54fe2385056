package notifytest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Push is a push service on loopback, with the browsers that are subscribed to
// it. It checks what it gets as the real ones do: the headers of RFC 8030, the
// signature of RFC 8292, the size. Then it decrypts the message for the
// subscription (RFC 8291), as the browser would.
type Push struct {
	Sink[PushRequest]

	browsers sync.Map // of path to *PushSubscription
	count    sync.Mutex
	made     int
	limit    int
}

// PushRequest is a message that has come to a [Push].
type PushRequest struct {
	Endpoint string // of the subscription
	Topic    string
	TTL      time.Duration
	Urgency  string
	Subject  string // who signed it: a mailto or https URL
	Key      string // the public key that it was signed with, in base64url
	Header   http.Header
	Body     []byte // encrypted, as it came
	Text     []byte // decrypted; nil if it could not be
}

// everyTakes is what every push service has to take (RFC 8030, section 7.2).
const everyTakes = 4096

// NewPush starts a push service that ends with the test.
func NewPush(t testing.TB) *Push {
	t.Helper()
	p := &Push{limit: everyTakes}
	p.start(t, http.HandlerFunc(p.serve))
	return p
}

// OpenPush starts a push service without a test, for demonstrations. Close ends
// it.
func OpenPush() *Push {
	p := &Push{limit: everyTakes}
	p.open(http.HandlerFunc(p.serve), (*httptest.Server).StartTLS)
	return p
}

// Close ends a service that [OpenPush] started.
func (p *Push) Close() { p.end() }

// Limit makes the service refuse bodies that are longer, by 413. Call it before
// the first message.
func (p *Push) Limit(bytes int) { p.limit = bytes }

// Subscribe makes a browser's subscription. If applicationServerKey is not
// empty, the subscription takes messages only if they are signed by that key,
// as those of real browsers do.
func (p *Push) Subscribe(applicationServerKey string) *PushSubscription {
	p.count.Lock()
	p.made++
	path := fmt.Sprintf("/push/%d-c2VjcmV0", p.made)
	p.count.Unlock()
	s := newSubscription(p.URL()+path, applicationServerKey)
	p.browsers.Store(path, s)
	return s
}

// Unsubscribe ends a subscription: messages for it are answered by 410.
func (p *Push) Unsubscribe(s *PushSubscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

func (p *Push) serve(w http.ResponseWriter, r *http.Request) {
	request := PushRequest{
		Endpoint: p.URL() + r.URL.Path, Topic: r.Header.Get("Topic"), Urgency: r.Header.Get("Urgency"),
		Header: r.Header.Clone(), Body: readAll(r),
	}
	status := p.check(r, &request)
	arrival := p.arrive(request)
	reply := arrival.reply
	if !reply.play(w, r) {
		return
	}
	p.settle(arrival, status == http.StatusCreated && reply.accepts())
	if status == http.StatusCreated {
		w.Header().Set("Location", p.URL()+"/message/"+strconv.Itoa(p.Requests()))
	}
	body := ""
	if status == http.StatusForbidden {
		body = "the VAPID credentials do not correspond to the credentials used to create the subscription"
	}
	reply.write(w, status, body)
}

// check reads a message and returns what a push service answers.
func (p *Push) check(r *http.Request, request *PushRequest) int {
	found, known := p.browsers.Load(r.URL.Path)
	if !known || r.Method != http.MethodPost {
		return http.StatusNotFound
	}
	s := found.(*PushSubscription)
	claims, err := readVAPID(r.Header.Get("Authorization"), p.URL(), time.Now())
	if err != nil {
		return http.StatusUnauthorized
	}
	request.Subject, request.Key = claims.Subject, claims.key
	seconds, err := strconv.ParseUint(r.Header.Get("TTL"), 10, 31)
	if err != nil {
		return http.StatusBadRequest // RFC 8030, section 5.2: it is required
	}
	request.TTL = time.Duration(seconds) * time.Second
	switch {
	case s.hasEnded():
		return http.StatusGone
	case s.Key != "" && s.Key != request.Key:
		return http.StatusForbidden // RFC 8292, section 4.2
	case len(request.Body) > p.limit:
		return http.StatusRequestEntityTooLarge
	case r.Header.Get("Content-Encoding") != "aes128gcm" || !goodTopic(request.Topic) || !goodUrgency(request.Urgency):
		return http.StatusBadRequest
	}
	if request.Text, err = s.Decrypt(request.Body); err != nil {
		return http.StatusBadRequest // a browser would drop it
	}
	return http.StatusCreated
}

// goodTopic tells RFC 8030, section 5.4.
func goodTopic(topic string) bool {
	return len(topic) <= 32 && !strings.ContainsFunc(topic, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// goodUrgency tells RFC 8030, section 5.3.
func goodUrgency(urgency string) bool {
	switch urgency {
	case "", "very-low", "low", "normal", "high":
		return true
	}
	return false
}
