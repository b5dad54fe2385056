package notifytest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// HTTP is a server on loopback for a channel of one's own: it takes every
// request, answers 200 and nothing, and fails as it is told. What the real
// service would refuse, Answer can tell from the request.
type HTTP struct {
	Sink[HTTPRequest]
}

// HTTPRequest is a request that has come to an [HTTP].
type HTTPRequest struct {
	Method string
	Path   string // with the query
	Header http.Header
	Body   []byte // at most 1 MB of it
}

// HTTPOptions configure an [HTTP]. Nil and the zero value work.
type HTTPOptions struct {
	NoTLS bool // for clients that cannot be told whom to trust
}

// NewHTTP starts a server that ends with the test.
func NewHTTP(t testing.TB, o *HTTPOptions) *HTTP {
	t.Helper()
	h := new(HTTP)
	if o != nil && o.NoTLS {
		h.open(http.HandlerFunc(h.serve), (*httptest.Server).Start)
		t.Cleanup(h.end)
	} else {
		h.start(t, http.HandlerFunc(h.serve))
	}
	return h
}

// Client is an HTTP client that trusts the server.
func (h *HTTP) Client() *http.Client { return h.server.Client() }

func (h *HTTP) serve(w http.ResponseWriter, r *http.Request) {
	arrival := h.arrive(HTTPRequest{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone(), Body: readAll(r)})
	reply := arrival.reply
	if !reply.play(w, r) {
		return
	}
	h.settle(arrival, reply.accepts())
	reply.write(w, http.StatusOK, "")
}
