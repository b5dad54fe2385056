package notifyhttp

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/bellwether-go/notify/notifyhttp/ui"
)

// pageSecurity is the policy of the pages: nothing from anywhere else, nothing
// inline, in no frame of another site.
const pageSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"

// assetRoutes are the elements and the pages. Scripts and styles are for
// everybody; the pages show nothing by themselves.
var assetRoutes = []route{
	{"GET", "ui.js", false, false, (*call).getAsset},
	{"GET", "assets/{hash}/{name}", false, false, (*call).getAsset},
	{"GET", "sw/worker.js", false, false, (*call).getAsset},
	{"GET", "pages.css", false, false, (*call).getAsset},
	{"GET", "inbox", false, false, (*call).getAsset},
	{"GET", "preferences", false, false, (*call).getAsset},
}

// getAsset is a script, a style sheet or a page.
func (c *call) getAsset() error {
	name := c.route.pattern
	if len(c.parts) > 0 {
		name = "assets/" + strings.Join(c.parts, "/")
	}
	found, ok := ui.Find(name)
	if !ok {
		return notFound
	}
	header := c.w.Header()
	body, etag := found.Body, found.ETag
	if strings.HasPrefix(found.Type, "text/html") {
		header.Set("Content-Security-Policy", pageSecurity)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		language := negotiate(c.r.Header.Get("Accept-Language"))
		header.Set("Content-Language", language)
		header.Add("Vary", "Accept-Language")
		body = bytes.ReplaceAll(body, []byte("{{lang}}"), []byte(language))
		body = bytes.ReplaceAll(body, []byte("{{dir}}"), []byte(pageLanguages[language].dir))
		etag = etag[:len(etag)-1] + "-" + language + `"`
	} else if found.Gzip != nil && acceptsGzip(c.r.Header.Get("Accept-Encoding")) {
		body = found.Gzip
		etag = etag[:len(etag)-1] + `-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	header.Add("Vary", "Accept-Encoding")
	header.Set("ETag", etag)
	cache := "no-cache"
	if found.Immutable {
		cache = "public, max-age=31536000, immutable"
	}
	if matches(c.r.Header.Get("If-None-Match"), etag) {
		header.Set("Cache-Control", cache)
		header.Del("Content-Encoding")
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.write(http.StatusOK, found.Type, cache, body)
}

// acceptsGzip reads an Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight := strings.ReplaceAll(parameters, " ", "")
			return weight != "q=0" && !strings.HasPrefix(weight, "q=0.000")
		}
	}
	return false
}
