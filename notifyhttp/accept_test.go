package notifyhttp

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAccepts_theClosestRangeDecides(t *testing.T) {
	for header, takes := range map[string]bool{
		"":                                       true,
		"application/json":                       true,
		"APPLICATION/JSON; charset=utf-8; q=0.1": true,
		"application/*":                          true,
		"text/html, */*;q=0.8":                   true,
		"text/html, *; q=.2":                     true,
		"application/json;q=0, */*":              false,
		"*/*, application/json;q=0.000":          false,
		"application/*;q=0, application/json":    true,
		"application/json;q=often":               true,
		"text/html":                              false,
		"text/*, application/xml":                false,
		"*/*;q=0":                                false,
		";;;":                                    true,
		", application/json":                     true,
	} {
		r, _ := http.NewRequest("GET", "/", nil)
		if header != "" {
			r.Header.Set("Accept", header)
		}
		assert.Equal(t, takes, accepts(r, "application/json"), "%q", header)
	}
	r, _ := http.NewRequest("GET", "/", nil)
	r.Header["Accept"] = []string{"text/html", "application/json"}
	assert.True(t, accepts(r, "application/json"), "in a second line")
}

func TestServe_saysWhatItCannotAnswerWith(t *testing.T) {
	s := newSite(t)
	for _, route := range apiRoutes {
		if route.private {
			got := s.do(route.method, "/notify/"+route.pattern, "", "Accept", "text/html")
			got.problem(http.StatusNotAcceptable, "not-acceptable")
		}
	}
	s.do("GET", "/notify/api/v1/stream", "", "Accept", "application/json").problem(http.StatusNotAcceptable, "not-acceptable")
	assert.Equal(t, http.StatusOK, s.do("HEAD", "/notify/api/v1/stream", "", "Accept", "text/event-stream").Code)
	assert.Equal(t, http.StatusOK, s.do("GET", "/notify/inbox", "", "Accept", "text/html").Code)
	s.do("GET", "/notify/api/v1/counts", "", "X-User", "", "Accept", "text/html").problem(http.StatusUnauthorized, "unauthenticated")
}
