package notifytest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// FCM is Firebase Cloud Messaging on loopback, HTTP v1, with the token service
// of Google that goes with it. It checks the assertion of the service account,
// the access token and the message, and answers as the real one does.
//
// Start one with [NewFCM], give its URL, ServiceAccount and RootCAs to the
// channel, and ask Accepted.
type FCM struct {
	Sink[FCMMessage]

	Project string
	key     *rsa.PrivateKey

	tokenMu     sync.Mutex
	tokens      map[string]time.Time // access tokens and when they expire
	tokenScript []Reply
	assertions  []string
}

// FCMMessage is a message that has come to an [FCM].
type FCMMessage struct {
	Token   string // of the device
	Header  http.Header
	Request []byte // the whole JSON
}

// firebaseKey is made once: it takes long, and every FCM of a test program may
// have the same.
var firebaseKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

const serviceAccountEmail = "push@example-project.iam.gserviceaccount.example"

// NewFCM starts a service that ends with the test.
func NewFCM(t testing.TB) *FCM {
	t.Helper()
	key, err := firebaseKey()
	if err != nil {
		t.Fatalf("notifytest: %v", err)
	}
	f := &FCM{Project: "example-project", key: key, tokens: make(map[string]time.Time)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", f.serveToken)
	mux.HandleFunc("/", f.serveMessage)
	f.start(t, mux)
	return f
}

// ServiceAccount is the JSON key file of a service account that may send.
func (f *FCM) ServiceAccount() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(f.key)
	if err != nil {
		panic(err) // an RSA key can be written
	}
	file, err := json.Marshal(map[string]string{
		"type":           "service_account",
		"project_id":     f.Project,
		"private_key_id": "1",
		"private_key":    string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":   serviceAccountEmail,
		"token_uri":      f.URL() + "/token",
	})
	if err != nil {
		panic(err)
	}
	return file
}

// ScriptTokens sets what happens to the next requests for an access token.
func (f *FCM) ScriptTokens(replies ...Reply) {
	f.tokenMu.Lock()
	defer f.tokenMu.Unlock()
	f.tokenScript = append(f.tokenScript, replies...)
}

// RevokeTokens makes all access tokens invalid that were given out.
func (f *FCM) RevokeTokens() {
	f.tokenMu.Lock()
	defer f.tokenMu.Unlock()
	clear(f.tokens)
}

// Assertions returns the JWTs that access tokens were asked for with.
func (f *FCM) Assertions() []string {
	f.tokenMu.Lock()
	defer f.tokenMu.Unlock()
	return append([]string(nil), f.assertions...)
}

// FCMRefusal is the answer of the service with a status and an error code of
// its own, such as 404 and UNREGISTERED. INVALID_ARGUMENT is said of the token.
func FCMRefusal(status int, code string) Reply {
	general := map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
		404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
	}[status]
	message := "Scripted."
	if code == "INVALID_ARGUMENT" {
		message = "The registration token is not a valid FCM registration token" // nothing else tells what is invalid
	}
	return Reply{Status: status, Body: fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q,"details":[`+
		`{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":%q}]}}`, status, message, general, code)}
}

func (f *FCM) serveToken(w http.ResponseWriter, r *http.Request) {
	assertion := r.FormValue("assertion")
	f.tokenMu.Lock()
	f.assertions = append(f.assertions, assertion)
	var reply Reply
	if len(f.tokenScript) > 0 {
		reply, f.tokenScript = f.tokenScript[0], f.tokenScript[1:]
	}
	f.tokenMu.Unlock()
	if !reply.play(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	claims, signed := parseJWT(assertion, &f.key.PublicKey)
	now := time.Now().Unix()
	switch {
	case r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
		reply.write(w, http.StatusBadRequest, `{"error":"unsupported_grant_type"}`)
		return
	case !signed, claims.Issuer != serviceAccountEmail, claims.Audience != f.URL()+"/token",
		!strings.Contains(claims.Scope, "https://www.googleapis.com/auth/firebase.messaging"),
		claims.Issued > now+60, claims.Expires < now, claims.Expires > claims.Issued+3600:
		reply.write(w, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"Invalid JWT."}`)
		return
	}
	if reply.Status == 0 {
		token := "ya29." + rand.Text()
		f.tokenMu.Lock()
		f.tokens[token] = time.Now().Add(time.Hour)
		f.tokenMu.Unlock()
		reply.Body = fmt.Sprintf(`{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, token)
	}
	reply.write(w, http.StatusOK, reply.Body)
}

func (f *FCM) serveMessage(w http.ResponseWriter, r *http.Request) {
	m := FCMMessage{Header: r.Header.Clone(), Request: readAll(r)}
	var request struct {
		Message struct {
			Token        string
			Notification struct{ Title string }
			Data         map[string]string
			Android      struct{ TTL string }
		}
	}
	malformed := json.Unmarshal(m.Request, &request) != nil
	m.Token = request.Message.Token
	arrival := f.arrive(m)
	reply := arrival.reply
	if !reply.play(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, ttl := time.ParseDuration(request.Message.Android.TTL)
	status, body := http.StatusOK, fmt.Sprintf(`{"name":"projects/%s/messages/0:%d"}`, f.Project, f.Requests())
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v1/projects/"+f.Project+"/messages:send":
		status, body = http.StatusNotFound, `{"error":{"code":404,"status":"NOT_FOUND"}}`
	case !f.authorized(r):
		status, body = http.StatusUnauthorized, `{"error":{"code":401,"status":"UNAUTHENTICATED"}}`
	case malformed, m.Token == "", request.Message.Notification.Title == "", ttl != nil,
		len(m.Request)-len(m.Token) > maxPayload:
		status, body = http.StatusBadRequest, `{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[`+
			`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message"}]}]}}`
	}
	f.settle(arrival, status == http.StatusOK && reply.accepts())
	reply.write(w, status, body)
}

func (f *FCM) authorized(r *http.Request) bool {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	f.tokenMu.Lock()
	defer f.tokenMu.Unlock()
	return bearer && time.Now().Before(f.tokens[token])
}
