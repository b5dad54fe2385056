package integration

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifyhttp"
)

// mounts are the ways in which hosts put the handler into their router. Each
// takes the handler and what else the host serves, and the handler is at /notify/.
var mounts = map[string]func(t *testing.T, center, rest http.Handler) http.Handler{
	"net/http": func(_ *testing.T, center, rest http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/notify/", center)
		mux.Handle("/", rest)
		return mux
	},
	"net/http with a wildcard and a host": func(_ *testing.T, center, rest http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("127.0.0.1/notify/{path...}", center)
		mux.Handle("/", rest)
		return mux
	},
	"net/http, stripped": func(_ *testing.T, center, rest http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/notify/", http.StripPrefix("/notify/", center))
		mux.Handle("/", rest)
		return mux
	},
	"net/http, stripped but for the slash": func(_ *testing.T, center, rest http.Handler) http.Handler {
		mux := http.NewServeMux()
		stripped := http.StripPrefix("/notify", center)
		mux.Handle("/notify", stripped)
		mux.Handle("/notify/", stripped)
		mux.Handle("/", rest)
		return mux
	},
	//snippet:start chi
	"chi": func(_ *testing.T, center, rest http.Handler) http.Handler {
		router := chi.NewRouter()
		router.Mount("/notify", center)
		router.NotFound(rest.ServeHTTP)
		return router
	},
	//snippet:end chi
	"chi in a route, stripped": func(_ *testing.T, center, rest http.Handler) http.Handler {
		router := chi.NewRouter()
		router.Route("/notify", func(r chi.Router) { r.Mount("/", http.StripPrefix("/notify", center)) })
		router.NotFound(rest.ServeHTTP)
		return router
	},
	//snippet:start gin
	"gin": func(_ *testing.T, center, rest http.Handler) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		router := gin.New()
		router.Any("/notify/*path", gin.WrapH(center))
		router.NoRoute(gin.WrapH(rest))
		return router
	},
	//snippet:end gin
	//snippet:start echo
	"echo": func(_ *testing.T, center, rest http.Handler) http.Handler {
		router := echo.New()
		router.Any("/notify/*", echo.WrapHandler(center))
		router.Any("/*", echo.WrapHandler(rest))
		return router
	},
	//snippet:end echo
	"echo in a group, stripped": func(_ *testing.T, center, rest http.Handler) http.Handler {
		router := echo.New()
		router.Group("/notify").Any("/*", echo.WrapHandler(http.StripPrefix("/notify", center)))
		router.Any("/*", echo.WrapHandler(rest))
		return router
	},
	"a proxy that strips": func(t *testing.T, center, rest http.Handler) http.Handler {
		behind := httptest.NewServer(center)
		t.Cleanup(behind.Close)
		to, _ := url.Parse(behind.URL) // it is one
		mux := http.NewServeMux()
		mux.Handle("/notify/", http.StripPrefix("/notify", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }}))
		mux.Handle("/", rest)
		return mux
	},
}

// mounted is a browser at a site where the handler is mounted.
type mounted struct {
	*testing.T
	site        *httptest.Server
	unsubscribe *notifyhttp.Unsubscribe
}

// onEachMount runs f under every router.
func onEachMount(t *testing.T, f func(m mounted)) {
	for name, mount := range mounts {
		t.Run(name, func(t *testing.T) {
			m := mounted{T: t}
			m.site = httptest.NewUnstartedServer(nil)
			var err error
			m.unsubscribe, err = notifyhttp.NewUnsubscribe("http://"+m.site.Listener.Addr().String()+"/notify/", []byte(strings.Repeat("s", 32)))
			require.NoError(t, err)
			center := newWebCenter(t)
			handler := notifyhttp.Handler(center, signedIn, &notifyhttp.Options{Unsubscribe: m.unsubscribe})
			m.site.Config.Handler = mount(t, handler, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "the host's own", http.StatusTeapot)
			}))
			m.site.Start()
			t.Cleanup(m.site.Close)
			f(m)
		})
	}
}

// ask asks as ann, follows no redirect, and returns the answer with its body.
func (m mounted) ask(method, path, body string, header ...string) (*http.Response, string) {
	m.Helper()
	at := path
	if strings.HasPrefix(path, "/") {
		at = m.site.URL + path
	}
	request, err := http.NewRequestWithContext(m.Context(), method, at, strings.NewReader(body))
	require.NoError(m, err)
	request.AddCookie(&http.Cookie{Name: "user", Value: "ann"})
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	require.NoError(m, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(m, err)
	return response, string(text)
}

// follow follows redirects, at most a few, and returns the path where they end.
func (m mounted) follow(path string) (at, text string) {
	m.Helper()
	for range 4 {
		response, text := m.ask("GET", path, "")
		if response.StatusCode < 300 || response.StatusCode > 399 {
			return response.Request.URL.RequestURI(), text
		}
		to, err := response.Location() // resolves it as a browser does
		require.NoError(m, err)
		path = to.RequestURI()
	}
	require.FailNow(m, "redirects in circles", path)
	return "", ""
}

func TestMount_servesTheAPI(t *testing.T) {
	onEachMount(t, func(m mounted) {
		response, text := m.ask("GET", "/notify/api/v1/counts", "")
		assert.Equal(m, http.StatusOK, response.StatusCode, text)
		assert.Contains(m, text, `"unread":0`)
		response, text = m.ask("PATCH", "/notify/api/v1/preferences", `{"enabled":false}`, "Content-Type", "application/json")
		assert.Equal(m, http.StatusOK, response.StatusCode, text)
	})
}

// What is there under another method, what is not there, and what is the host's.
func TestMount_tellsWhatIsNotThere(t *testing.T) {
	onEachMount(t, func(m mounted) {
		for _, c := range []struct {
			method, path string
			status       int
		}{
			{"GET", "/notify/api/v1/nothing", 404}, {"GET", "/notify/api/v1/nothing/", 404}, {"GET", "/notify/nothing", 404}, {"POST", "/notify/", 404},
			{"DELETE", "/notify/api/v1/counts", 405},
		} {
			response, text := m.ask(c.method, c.path, "")
			assert.Equal(m, c.status, response.StatusCode, "%s %s: %s", c.method, c.path, text)
			assert.Equal(m, "application/problem+json", response.Header.Get("Content-Type"), c.path)
			if c.status == 405 {
				assert.Equal(m, "GET, HEAD", response.Header.Get("Allow"))
			}
		}
		for _, path := range []string{"/", "/else", "/notifyx"} {
			response, _ := m.ask("GET", path, "")
			assert.Equal(m, http.StatusTeapot, response.StatusCode, path)
		}
	})
}

// A slash too many leads to the same thing, and the mount path to the inbox.
func TestMount_redirectsWithinItself(t *testing.T) {
	onEachMount(t, func(m mounted) {
		for from, to := range map[string]string{
			"/notify/":                      "/notify/inbox",
			"/notify/inbox/":                "/notify/inbox",
			"/notify/preferences/":          "/notify/preferences",
			"/notify/api/v1/counts/":        "/notify/api/v1/counts",
			"/notify/api/v1/explain/?x=y":   "/notify/api/v1/explain?x=y",
			"/notify/sw/worker.js/":         "/notify/sw/worker.js",
			"/notify/api/v1/notifications/": "/notify/api/v1/notifications",
		} {
			at, _ := m.follow(from)
			assert.Equal(m, to, at, from)
		}
		if !strings.Contains(m.Name(), "echo") { // which has no route for it unless the host makes one
			at, _ := m.follow("/notify")
			assert.Equal(m, "/notify/inbox", at)
		}
	})
}

var (
	linked   = regexp.MustCompile(`(?:src|href)="([^"]+)"`)
	imported = regexp.MustCompile(`(?:from ?|import\()"([^"]+)"`)
)

// The pages, what they link to, and what that imports are all found where the
// browser looks for them.
func TestMount_servesPagesWithAllTheirParts(t *testing.T) {
	onEachMount(t, func(m mounted) {
		seen := map[string]bool{}
		var visit func(path string)
		visit = func(path string) {
			if seen[path] {
				return
			}
			seen[path] = true
			response, text := m.ask("GET", path, "")
			require.Equal(m, http.StatusOK, response.StatusCode, path)
			var links [][]string
			switch kind := response.Header.Get("Content-Type"); {
			case strings.HasPrefix(kind, "text/html"):
				links = linked.FindAllStringSubmatch(text, -1)
				assert.NotEmpty(m, links, path)
			case strings.HasPrefix(kind, "text/javascript"):
				links = imported.FindAllStringSubmatch(text, -1)
			default:
				assert.Equal(m, "text/css; charset=utf-8", kind, path)
			}
			for _, link := range links {
				to, err := response.Request.URL.Parse(link[1])
				require.NoError(m, err)
				assert.True(m, strings.HasPrefix(to.Path, "/notify/"), "%s links to %s", path, link[1])
				visit(to.Path)
			}
		}
		visit("/notify/inbox")
		visit("/notify/preferences")
		assert.Len(m, seen, 6, "two pages, a style sheet, ui.js and its two bundles: %v", seen)
	})
}

func TestMount_honoursUnsubscribeLinks(t *testing.T) {
	onEachMount(t, func(m mounted) {
		link := m.unsubscribe.Link(notify.User("ann"), "billing")
		response, text := m.ask("GET", link, "")
		assert.Equal(m, http.StatusOK, response.StatusCode)
		assert.Contains(m, text, "Billing")
		response, _ = m.ask("POST", link, "List-Unsubscribe=One-Click", "Content-Type", "application/x-www-form-urlencoded")
		assert.Equal(m, http.StatusOK, response.StatusCode)
		_, text = m.ask("GET", "/notify/api/v1/explain?provider=billing", "")
		assert.Regexp(m, `"channel":"email"[^}]*"mode":"off"`, text)
	})
}
