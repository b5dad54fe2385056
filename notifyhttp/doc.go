// Package notifyhttp puts a notification center on the web: a JSON API for the
// signed-in user, a live stream, unsubscribe links, a door for providers outside
// of the program, and the elements and pages of package ui.
//
//	mux.Handle("/notify/", notifyhttp.Handler(center, who, nil))
//
// The host keeps its login: who tells whose request it is, from its session.
// Every route is scoped to that recipient; what belongs to somebody else does
// not exist (404). The handler can be mounted anywhere, under any router,
// stripped of its prefix or not: it finds its own part of the path, and all links
// that it hands out are relative.
//
// The API speaks JSON in snake_case with times in RFC 3339. Its errors are
// problem documents (RFC 9457) with a stable code. It is described by an OpenAPI
// 3.1 document, served at openapi.json and embedded as [OpenAPI].
//
// Requests that change something must come from the same origin
// ([http.CrossOriginProtection]), but for unsubscribing, whose token is proof
// enough. There is no CORS.
package notifyhttp
