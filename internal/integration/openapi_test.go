package integration

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifyhttp"
)

// described holds what goes over the wire against the OpenAPI document.
type described struct {
	*testing.T
	document *openapi3.T
	handler  http.Handler
	asked    map[string]bool // operations that were answered well
}

func newDescribed(t *testing.T, handler http.Handler) *described {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(notifyhttp.OpenAPI)
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context()))
	// What kin-openapi cannot read by itself is text to it.
	for _, kind := range []string{"text/html", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
		t.Cleanup(func() { openapi3filter.UnregisterBodyDecoder(kind) })
	}
	return &described{t, document, handler, map[string]bool{}}
}

// ask asks as ann. Values are the parameters of the path, in order. An answer
// below 400 has to be to a request that the document allows; any has to be one
// that it describes.
func (d *described) ask(method, path, query, body string, values []string, header ...string) *httptest.ResponseRecorder {
	d.Helper()
	item := d.document.Paths.Value(path)
	require.NotNil(d, item, path)
	operation := item.GetOperation(method)
	require.NotNil(d, operation, "%s %s", method, path)
	parameters := map[string]string{}
	target := path
	for _, parameter := range operation.Parameters {
		if parameter.Value.In == "path" {
			parameters[parameter.Value.Name] = values[0]
			target = strings.Replace(target, "{"+parameter.Value.Name+"}", values[0], 1)
			values = values[1:]
		}
	}
	if query != "" {
		target += "?" + query
	}
	request := httptest.NewRequestWithContext(d.Context(), method, "https://app.example"+target, strings.NewReader(body))
	request.AddCookie(&http.Cookie{Name: "user", Value: "ann"})
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: parameters,
		Route:   &routers.Route{Spec: d.document, Path: path, PathItem: item, Method: method, Operation: operation},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	allowed := openapi3filter.ValidateRequest(d.Context(), input)
	request.Body = io.NopCloser(strings.NewReader(body))
	answer := httptest.NewRecorder()
	d.handler.ServeHTTP(answer, request)
	if answer.Code < 400 {
		assert.NoError(d, allowed, "%s %s was accepted", method, target)
		d.asked[operation.OperationID] = true
	}
	assert.NoError(d, openapi3filter.ValidateResponse(d.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.Code, Header: answer.Header(), Body: io.NopCloser(bytes.NewReader(answer.Body.Bytes())),
		Options: input.Options,
	}), "%s %s answered %d %s", method, target, answer.Code, answer.Body)
	return answer
}

// Every operation is done once and answered well, and what the document says of
// requests and answers holds.
func TestOpenAPI_describesWhatIsSaid(t *testing.T) {
	ann := notify.User("ann")
	unsubscribe, err := notifyhttp.NewUnsubscribe("https://app.example/", bytes.Repeat([]byte("s"), 32))
	require.NoError(t, err)
	center := newWebCenter(t)
	d := newDescribed(t, notifyhttp.Handler(center, signedIn, &notifyhttp.Options{Unsubscribe: unsubscribe, PushKey: "BKey", Closing: ended(t)}))
	receipts, err := center.Send(t.Context(), notify.Notification{
		Provider: "billing", To: []notify.Recipient{ann}, Title: "Invoice 17", Body: "Due on Friday", URL: "https://app.example/17", Icon: "https://app.example/i.png",
		Rows: []notify.Row{{Label: "Amount", Text: "12.00"}}, Actions: []notify.Action{{Key: "pay", Title: "Pay", URL: "https://app.example/pay"}},
		Data: []byte(`{"n":1}`), CollapseKey: "invoice/17", Entity: "invoice/17", Actor: notify.User("bob"),
	})
	require.NoError(t, err)
	id := []string{string(receipts[0].ID)}
	token := func(provider string) []string {
		return []string{strings.TrimPrefix(unsubscribe.Link(ann, provider), "https://app.example/unsubscribe/")}
	}

	list := d.ask("GET", "/api/v1/notifications", "limit=1&state=unread&provider=billing", "", nil)
	assert.Contains(t, list.Body.String(), "Invoice 17")
	d.ask("GET", "/api/v1/notifications", "limit=1&state=unread&provider=billing", "", nil, "If-None-Match", list.Header().Get("ETag"))
	d.ask("GET", "/api/v1/notifications/{id}", "", "", id)
	d.ask("PATCH", "/api/v1/notifications/{id}", "", `{"read":true,"snoozed_until":"2100-01-01T00:00:00Z"}`, id)
	d.ask("PATCH", "/api/v1/notifications/{id}", "", `{"read":false,"snoozed_until":null}`, id, "Content-Type", "application/merge-patch+json")
	d.ask("POST", "/api/v1/notifications/{id}/actions/{key}", "", "", []string{id[0], "pay"})
	d.ask("POST", "/api/v1/notifications/bulk", "", `{"op":"unread","ids":["`+id[0]+`"]}`, nil)
	d.ask("GET", "/api/v1/counts", "", "", nil)

	d.ask("POST", "/api/v1/preferences/test", "", `{"channel":"email"}`, nil)
	version := d.ask("GET", "/api/v1/preferences", "", "", nil).Header().Get("ETag")
	d.ask("PUT", "/api/v1/preferences", "", `{"enabled":true,"digest":{"at":"18:30"},"channels":{"email":"daily"},"providers":[{"key":"chat","channels":{"email":"off","mobile":""}}]}`, nil, "If-Match", version)
	d.ask("PATCH", "/api/v1/preferences", "", `{"enabled":false}`, nil)
	d.ask("GET", "/api/v1/explain", "provider=billing", "", nil)

	d.ask("GET", "/api/v1/push", "", "", nil)
	d.ask("PUT", "/api/v1/push/subscriptions", "", `{"endpoint":"https://push.example/1","expirationTime":null,"keys":{"p256dh":"k","auth":"a"},"device_name":"Firefox"}`, nil)
	d.ask("PUT", "/api/v1/devices", "", `{"platform":"apns","token":"t","app_id":"example.app","environment":"sandbox","locale":"de"}`, nil)
	d.ask("GET", "/api/v1/push/subscriptions", "", "", nil)
	d.ask("GET", "/api/v1/devices", "", "", nil)
	registered, err := center.Addresses(t.Context(), ann)
	require.NoError(t, err)
	for _, one := range registered {
		path := map[string]string{notify.Browser: "/api/v1/push/subscriptions/{id}", notify.Mobile: "/api/v1/devices/{id}"}[one.Address.Channel]
		d.ask("DELETE", path, "", "", []string{string(one.ID)})
	}

	d.ask("GET", "/api/v1/stream", "", "", nil)
	d.ask("GET", "/unsubscribe/{token}", "", "", token("billing"))
	d.ask("POST", "/unsubscribe/{token}", "", "List-Unsubscribe=One-Click", token(""), "Content-Type", "application/x-www-form-urlencoded")
	d.ask("GET", "/openapi.json", "", "", nil)

	for path, item := range d.document.Paths.Map() {
		for method, operation := range item.Operations() {
			assert.True(t, d.asked[operation.OperationID], "%s %s was not answered well", method, path)
		}
	}
}

// What is refused is answered by a problem that the document describes.
func TestOpenAPI_describesProblems(t *testing.T) {
	d := newDescribed(t, notifyhttp.Handler(newWebCenter(t), signedIn, nil))
	for status, answer := range map[int]*httptest.ResponseRecorder{
		400: d.ask("GET", "/api/v1/notifications", "limit=1000", "", nil),
		401: d.ask("GET", "/api/v1/counts", "", "", nil, "Cookie", "x=y"),
		403: d.ask("PATCH", "/api/v1/preferences", "", `{"enabled":true}`, nil, "Sec-Fetch-Site", "cross-site"),
		404: d.ask("GET", "/api/v1/notifications/{id}", "", "", []string{"nothing"}),
		412: d.ask("PUT", "/api/v1/preferences", "", `{"enabled":true}`, nil, "If-Match", `"99"`),
		413: d.ask("PATCH", "/api/v1/preferences", "", `{"x":"`+strings.Repeat("a", 1<<20)+`"}`, nil),
		415: d.ask("PATCH", "/api/v1/preferences", "", `{}`, nil, "Content-Type", "text/plain"),
		422: d.ask("PATCH", "/api/v1/preferences", "", `{"providers":[{"key":"nope"}]}`, nil),
		428: d.ask("PUT", "/api/v1/preferences", "", `{"enabled":true}`, nil),
	} {
		assert.Equal(t, status, answer.Code, answer.Body)
		assert.Equal(t, "application/problem+json", answer.Header().Get("Content-Type"))
	}
}
