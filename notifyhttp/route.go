package notifyhttp

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// route is one operation of the API, or a page.
type route struct {
	method  string
	pattern string // relative to where the handler is mounted; {x} is one segment
	private bool   // for somebody who is signed in
	open    bool   // may come from a foreign site
	serve   func(*call) error
}

// routes is everything that is served. A GET also answers HEAD.
var routes = slices.Concat(apiRoutes, assetRoutes)

// apiRoutes are the operations of the OpenAPI document, in its order.
var apiRoutes = []route{
	{"GET", "api/v1/notifications", true, false, (*call).listItems},
	{"POST", "api/v1/notifications/bulk", true, false, (*call).markItems},
	{"GET", "api/v1/notifications/{id}", true, false, (*call).getItem},
	{"PATCH", "api/v1/notifications/{id}", true, false, (*call).patchItem},
	{"POST", "api/v1/notifications/{id}/actions/{key}", true, false, (*call).pressAction},
	{"GET", "api/v1/counts", true, false, (*call).getCounts},
	{"GET", "api/v1/preferences", true, false, (*call).getPreferences},
	{"PUT", "api/v1/preferences", true, false, (*call).putPreferences},
	{"PATCH", "api/v1/preferences", true, false, (*call).patchPreferences},
	{"POST", "api/v1/preferences/test", true, false, (*call).sendTest},
	{"GET", "api/v1/explain", true, false, (*call).explain},
	{"GET", "api/v1/push", true, false, (*call).getPush},
	{"GET", "api/v1/push/subscriptions", true, false, (*call).listSubscriptions},
	{"PUT", "api/v1/push/subscriptions", true, false, (*call).putSubscription},
	{"DELETE", "api/v1/push/subscriptions/{id}", true, false, (*call).deleteSubscription},
	{"GET", "api/v1/devices", true, false, (*call).listDevices},
	{"PUT", "api/v1/devices", true, false, (*call).putDevice},
	{"DELETE", "api/v1/devices/{id}", true, false, (*call).deleteDevice},
	{"GET", "api/v1/stream", true, false, (*call).stream},
	{"GET", "unsubscribe/{token}", false, true, (*call).askUnsubscribe},
	{"POST", "unsubscribe/{token}", false, true, (*call).doUnsubscribe},
	{"GET", "openapi.json", false, false, (*call).getOpenAPI},
}

// media is what a route of the signed-in user is answered with.
func (rt *route) media() string {
	if rt.pattern == "api/v1/stream" {
		return "text/event-stream"
	}
	return "application/json"
}

// matched is what a request asks for.
type matched struct {
	route    *route
	parts    []string
	allow    string // of a path that exists, for other methods
	redirect string
}

// match finds the route of a request. Where the handler is mounted is not known
// and may still be part of the path, so that a route matches the end of it; the
// pattern that takes the most segments wins.
func match(r *http.Request) matched {
	segments := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	var found matched
	longest := 0
	var allow []string
	for i := range routes {
		route := &routes[i]
		parts, length := route.parts(segments)
		if length == 0 || length < longest {
			continue
		}
		if length > longest {
			found, longest, allow = matched{}, length, nil
		}
		allow = append(allow, route.method)
		if route.method == "GET" {
			allow = append(allow, "HEAD")
		}
		if found.route == nil && (route.method == r.Method || route.method == "GET" && r.Method == "HEAD") {
			found.route, found.parts = route, parts
		}
	}
	if longest == 0 && (r.Method == "GET" || r.Method == "HEAD") {
		return matched{redirect: front(r)}
	}
	found.allow = strings.Join(slices.Compact(allow), ", ")
	if found.route != nil && longest > 0 && strings.HasSuffix(r.URL.Path, "/") {
		// One address for one thing: the path without the slash. Relative, so
		// that it holds whatever a proxy has cut off.
		found.redirect = "../" + path.Base(r.URL.EscapedPath())
		if r.URL.RawQuery != "" {
			found.redirect += "?" + r.URL.RawQuery
		}
	}
	return found
}

// front is where the bare mount path leads: to the inbox page, relative to the
// request; "" if the path is no mount path. Under net/http and chi the pattern
// tells. Otherwise a folder is taken for one, since the pages work in any, but not
// inside the API, whose clients want to hear that something is not there.
func front(r *http.Request) string {
	_, mount, _ := strings.Cut(r.Pattern, "/") // behind method and host
	if at := strings.IndexAny(mount, "*{"); at >= 0 {
		mount = mount[:at]
	}
	mounted := r.Pattern != "" && strings.Trim(r.URL.Path, "/") == strings.Trim(mount, "/")
	folder := r.URL.Path == "" || strings.HasSuffix(r.URL.Path, "/") && !strings.Contains("/"+r.URL.Path, "/api/v1/")
	if !mounted && !folder {
		return ""
	}
	// What the client asked for, before the prefix was stripped: the address is
	// relative to that.
	asked, _, _ := strings.Cut(r.RequestURI, "?")
	if asked == "" || strings.HasSuffix(asked, "/") {
		return "inbox"
	}
	return "./" + path.Base(asked) + "/inbox" // the dot keeps a colon from becoming a scheme
}

// parts tells whether the segments end with the pattern, and what its {…} are.
func (rt *route) parts(segments []string) (parts []string, length int) {
	wanted := strings.Split(rt.pattern, "/")
	if len(wanted) > len(segments) {
		return nil, 0
	}
	for i, segment := range segments[len(segments)-len(wanted):] {
		switch {
		case strings.HasPrefix(wanted[i], "{"):
			part, err := url.PathUnescape(segment)
			if err != nil || part == "" {
				return nil, 0
			}
			parts = append(parts, part)
		case wanted[i] != segment:
			return nil, 0
		}
	}
	return parts, len(wanted)
}

// redirectTo answers 308 with a relative address, which net/http would make
// absolute from a path that a proxy may have changed.
func redirectTo(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-cache") // the host may mount the handler elsewhere one day
	w.WriteHeader(http.StatusPermanentRedirect)
}
