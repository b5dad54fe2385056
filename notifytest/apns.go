package notifytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// APNs is an Apple Push Notification service on loopback: HTTP/2, with provider
// tokens that it checks, for production and sandbox. It accepts what the real
// one documents as correct, and answers the rest with the reasons of the real
// one.
//
// Start one with [NewAPNs], give its URL, Sandbox, Key and RootCAs to the
// channel, and ask Accepted.
type APNs struct {
	Sink[APNsPush]

	Team, KeyID string
	Topic       string // the only app that it knows
	key         *ecdsa.PrivateKey

	tokens sync.Map // provider tokens seen
}

// APNsPush is a push that has come to an [APNs].
type APNsPush struct {
	Token    string // of the device
	Sandbox  bool
	ID       string // apns-id
	Header   http.Header
	Payload  []byte
	Provider string // the provider token
}

// NewAPNs starts a service that ends with the test.
func NewAPNs(t testing.TB) *APNs {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("notifytest: %v", err)
	}
	a := &APNs{Team: "TEAM456789", KeyID: "KEY3456789", Topic: "com.example.app", key: key}
	a.start(t, http.HandlerFunc(a.serve))
	return a
}

// Sandbox is the URL of the environment for apps in development.
func (a *APNs) Sandbox() string { return a.URL() + "/sandbox" }

// Key is the .p8 file of the key with [APNs].KeyID.
func (a *APNs) Key() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		panic(err) // a P-256 key can be written
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// ProviderTokens tells how many different provider tokens were used.
func (a *APNs) ProviderTokens() int {
	count := 0
	a.tokens.Range(func(any, any) bool { count++; return true })
	return count
}

// APNsRefusal is the answer of the service with a status and a reason, such as
// 400 and BadDeviceToken. since is when the device token died, for 410 only.
func APNsRefusal(status int, reason string, since time.Time) Reply {
	body := fmt.Sprintf(`{"reason":%q}`, reason)
	if status == http.StatusGone {
		body = fmt.Sprintf(`{"reason":%q,"timestamp":%d}`, reason, since.UnixMilli())
	}
	return Reply{Status: status, Body: body}
}

func (a *APNs) serve(w http.ResponseWriter, r *http.Request) {
	path, sandbox := strings.CutPrefix(r.URL.Path, "/sandbox")
	p := APNsPush{
		Token: strings.TrimPrefix(path, "/3/device/"), Sandbox: sandbox,
		ID: r.Header.Get("apns-id"), Header: r.Header.Clone(), Payload: readAll(r),
		Provider: strings.TrimPrefix(r.Header.Get("authorization"), "bearer "),
	}
	a.tokens.Store(p.Provider, true)
	arrival := a.arrive(p)
	reply := arrival.reply
	if !reply.play(w, r) {
		return
	}
	w.Header().Set("apns-id", p.ID)
	status, reason := a.check(r, path, p)
	a.settle(arrival, status == http.StatusOK && reply.accepts())
	if status == http.StatusOK {
		reply.write(w, status, "")
		return
	}
	reply.write(w, status, APNsRefusal(status, reason, time.Time{}).Body)
}

// check is what the real service checks, in its order.
func (a *APNs) check(r *http.Request, path string, p APNsPush) (status int, reason string) {
	provider, signed := parseJWT(p.Provider, &a.key.PublicKey)
	age := time.Since(time.Unix(provider.Issued, 0))
	number := func(field string) bool {
		_, err := strconv.ParseInt(r.Header.Get(field), 10, 64)
		return err == nil
	}
	switch {
	case r.ProtoMajor != 2:
		return http.StatusUpgradeRequired, "" // Apple does not answer at all
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "MethodNotAllowed"
	case !strings.HasPrefix(path, "/3/device/"):
		return http.StatusNotFound, "BadPath"
	case p.Provider == "":
		return http.StatusForbidden, "MissingProviderToken"
	case !signed, provider.KeyID != a.KeyID, provider.Issuer != a.Team, age < -time.Minute:
		return http.StatusForbidden, "InvalidProviderToken"
	case age > time.Hour:
		return http.StatusForbidden, "ExpiredProviderToken"
	case len(p.Token) < 64 || strings.Trim(p.Token, "0123456789abcdef") != "":
		return http.StatusBadRequest, "BadDeviceToken"
	case r.Header.Get("apns-topic") == "":
		return http.StatusBadRequest, "MissingTopic"
	case r.Header.Get("apns-topic") != a.Topic:
		return http.StatusBadRequest, "TopicDisallowed"
	case r.Header.Get("apns-push-type") != "alert":
		return http.StatusBadRequest, "InvalidPushType"
	case !isUUID(p.ID):
		return http.StatusBadRequest, "BadMessageId"
	case len(r.Header.Get("apns-collapse-id")) > 64:
		return http.StatusBadRequest, "BadCollapseId"
	case !number("apns-expiration"):
		return http.StatusBadRequest, "BadExpirationDate"
	case !slices.Contains([]string{"1", "5", "10"}, r.Header.Get("apns-priority")):
		return http.StatusBadRequest, "BadPriority"
	case len(p.Payload) > maxPayload:
		return http.StatusRequestEntityTooLarge, "PayloadTooLarge"
	case !hasAlert(p.Payload):
		return http.StatusBadRequest, "PayloadEmpty"
	}
	return http.StatusOK, ""
}

// maxPayload is the most that Apple and Google take, in bytes.
const maxPayload = 4096

func hasAlert(payload []byte) bool {
	var push struct {
		Aps struct {
			Alert struct{ Title string }
		}
	}
	return json.Unmarshal(payload, &push) == nil && push.Aps.Alert.Title != ""
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdef", rune(s[i])) {
			return false
		}
	}
	return true
}
