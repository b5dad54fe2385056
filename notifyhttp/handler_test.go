package notifyhttp

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMatch_findsItsPartOfThePath(t *testing.T) {
	for _, c := range []struct{ method, path, pattern, parts, redirect string }{
		{"GET", "/api/v1/counts", "api/v1/counts", "", ""},
		{"GET", "/notify/api/v1/counts", "api/v1/counts", "", ""},
		{"GET", "/a/b/c/api/v1/counts", "api/v1/counts", "", ""},
		{"HEAD", "/api/v1/counts", "api/v1/counts", "", ""},
		{"GET", "/api/v1/notifications/api/v1/counts", "api/v1/counts", "", ""},
		{"GET", "/n/api/v1/notifications/17", "api/v1/notifications/{id}", "17", ""},
		{"POST", "/n/api/v1/notifications/bulk", "api/v1/notifications/bulk", "", ""},
		{"POST", "/n/api/v1/notifications/17/actions/a%2Fb", "api/v1/notifications/{id}/actions/{key}", "17 a/b", ""},
		{"GET", "/n/api/v1/counts/", "api/v1/counts", "", "../counts"},
		{"GET", "/n/api/v1/counts/?x=1", "api/v1/counts", "", "../counts?x=1"},
	} {
		m := match(httptest.NewRequest(c.method, "https://app.example"+c.path, nil))
		if assert.NotNil(t, m.route, c.path) {
			assert.Equal(t, c.pattern, m.route.pattern, c.path)
			assert.Equal(t, c.parts, strings.Join(m.parts, " "), c.path)
			assert.Equal(t, c.redirect, m.redirect, c.path)
		}
	}
}

func TestMatch_theMountPathLeadsToTheInbox(t *testing.T) {
	for _, c := range []struct{ method, asked, stripped, pattern, redirect string }{
		{"GET", "/notify/", "/notify/", "/notify/", "inbox"},
		{"HEAD", "/notify/?x=1", "/notify/", "app.example/notify/{path...}", "inbox"},
		{"GET", "/notify", "/notify", "GET /notify", "./notify/inbox"},
		{"GET", "/a:b", "/a:b", "/a:b/*", "./a:b/inbox"},
		{"GET", "/notify", "", "", "./notify/inbox"},
		{"GET", "/notify/", "/", "", "inbox"},
		{"GET", "/notify/nothing", "/notify/nothing", "/notify/", ""},
		{"GET", "/notify/api/v1/nothing/", "/api/v1/nothing/", "", ""},
		{"GET", "/notify/api/v1/nothing/", "api/v1/nothing/", "", ""},
		{"POST", "/notify/", "/notify/", "/notify/", ""},
	} {
		r := httptest.NewRequest(c.method, c.asked, nil)
		r.URL.Path, r.Pattern = c.stripped, c.pattern
		assert.Equal(t, c.redirect, match(r).redirect, "%+v", c)
	}
}

func TestServe_whatIsNotThere(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/notify/api/v1/nothing", "/notify/api/v2/counts", "/nothing", "/notify/api/v1/nothing/", "/notify/api/v1/notifications//actions/x"} {
		s.do("GET", path, "").problem(http.StatusNotFound, "not-found")
	}
	got := s.do("DELETE", "/notify/api/v1/preferences", "")
	got.problem(http.StatusMethodNotAllowed, "method-not-allowed")
	assert.Equal(t, "GET, HEAD, PUT, PATCH", got.Header().Get("Allow"))
}

func TestServe_asksWhoForEveryPrivateRoute(t *testing.T) {
	s := newSite(t)
	for _, route := range routes {
		if !route.private {
			continue
		}
		got := s.do(route.method, "/notify/"+route.pattern, "", "X-User", "")
		got.problem(http.StatusUnauthorized, "unauthenticated")
		assert.NotContains(t, got.Body.String(), "10.0.0.1", "what who says is not for everybody")
	}
}

func TestServe_refusesWritesOfForeignSites(t *testing.T) {
	s := newSite(t)
	for _, route := range routes {
		if route.method == "GET" || route.open {
			continue
		}
		s.do(route.method, "/notify/"+route.pattern, `{}`, "Sec-Fetch-Site", "cross-site").problem(http.StatusForbidden, "cross-origin")
		s.do(route.method, "/notify/"+route.pattern, `{}`, "Origin", "https://evil.example").problem(http.StatusForbidden, "cross-origin")
	}
	assert.Empty(t, s.do("GET", "/notify/api/v1/counts", "", "Origin", "https://evil.example").Header().Get("Access-Control-Allow-Origin"))
}

func TestServe_trustsAnOriginThatTheHostTrusts(t *testing.T) {
	trusting := http.NewCrossOriginProtection()
	require.NoError(t, trusting.AddTrustedOrigin("https://admin.example"))
	s := newSite(t, func(o *Options) { o.CrossOrigin = trusting })
	got := s.do("PATCH", preferencesPath, `{"enabled":false}`, "Origin", "https://admin.example", "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusOK, got.Code)
}

func TestBody_isReadStrictly(t *testing.T) {
	s := newSite(t)
	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	_, err := packed.Write(bytes.Repeat([]byte(" "), 1<<20))
	require.NoError(t, err)
	require.NoError(t, packed.Close())
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
	}{
		"no JSON":            {`{"enabled":`, nil, 400, "malformed"},
		"nothing":            {``, []string{"Content-Type", "application/json"}, 400, "malformed"},
		"something behind":   {`{} {}`, nil, 400, "malformed"},
		"no UTF-8":           {"{\"a\":\"\xff\"}", nil, 400, "malformed"},
		"twice":              {`{"enabled":true,"enabled":false}`, nil, 400, "duplicate-field"},
		"twice, in capitals": {`{"enabled":true,"ENABLED":false}`, nil, 400, "duplicate-field"},
		"twice, further in":  {`{"digest":{"at":"1","at":"2"}}`, nil, 400, "duplicate-field"},
		"unknown":            {`{"enabled":true,"nope":1}`, nil, 422, "invalid"},
		"wrong type":         {`{"enabled":"x"}`, nil, 422, "invalid"},
		"a list":             {`[]`, nil, 422, "invalid"},
		"deep":               {strings.Repeat("[", 30_000), nil, 400, "too-deep"},
		"deep in a string's": {`{"providers":` + strings.Repeat(`[`, 17) + strings.Repeat(`]`, 17) + `}`, nil, 400, "too-deep"},
		"large":              {`{"x":"` + strings.Repeat("a", maxBody) + `"}`, nil, 413, "too-large"},
		"form":               {`enabled=1`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"},
		"text":               {`{}`, []string{"Content-Type", "text/plain"}, 415, "unsupported-media-type"},
		"latin":              {`{}`, []string{"Content-Type", "application/json; charset=latin1"}, 415, "unsupported-media-type"},
		"compressed":         {bomb.String(), []string{"Content-Encoding", "gzip"}, 415, "unsupported-encoding"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.do("PATCH", preferencesPath, c.body, c.headers...).problem(c.status, c.code)
		})
	}
	s.t = t
	d, _ := s.preferences()
	assert.Zero(t, d.Version, "nothing may have been saved")
}

// endless is a body that never ends; it counts what is taken of it.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.taken += len(p)
	if e.taken > 100<<20 {
		return 0, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

func TestBody_thatIsEndlessIsCutOff(t *testing.T) {
	s := newSite(t)
	body := &endless{}
	r := httptest.NewRequest("PATCH", "https://app.example"+preferencesPath, body)
	r.ContentLength = -1
	r.Header.Set("X-User", "ann")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	answer{w, t}.problem(http.StatusRequestEntityTooLarge, "too-large")
	assert.Less(t, body.taken, 10*maxBody)
}

func TestProblem_hidesWhatIsInside(t *testing.T) {
	s := newSite(t)
	h := &handler{log: discard}
	w := httptest.NewRecorder()
	h.fail(w, httptest.NewRequest("GET", "/", nil), io.ErrUnexpectedEOF)
	p := answer{w, s.t}.problem(http.StatusInternalServerError, "internal")
	assert.NotContains(t, p.Detail, "EOF")
}

func TestShorten_cutsBetweenRunes(t *testing.T) {
	assert.Equal(t, "ab", shorten("ab", 2))
	assert.Equal(t, "a…", shorten("aé", 2))
	assert.Equal(t, "…", shorten("é", 1))
}
