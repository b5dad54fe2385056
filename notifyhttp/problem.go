package notifyhttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
)

// Problem is the body of every error: a problem document as of RFC 9457. Code
// is stable and for programs; Detail is for people and may change.
type Problem struct {
	Type    string       `json:"type"` // "urn:notify:problem:" and the code
	Title   string       `json:"title"`
	Status  int          `json:"status"`
	Detail  string       `json:"detail,omitempty"`
	Code    string       `json:"code"`
	Errors  []FieldError `json:"errors,omitempty"`
	Current any          `json:"current,omitempty"` // of a stale write: what is stored now

	retryAfter time.Duration
}

// FieldError is what is wrong with one field of the request.
type FieldError struct {
	Pointer string `json:"pointer"` // JSON pointer into the body (RFC 6901), or "?name" for a parameter
	Code    string `json:"code"`
	Detail  string `json:"detail,omitempty"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

func problemOf(status int, code, detail string) *Problem {
	return &Problem{Type: "urn:notify:problem:" + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// notFound is the answer for what does not exist and for what belongs to
// somebody else: nobody can tell one from the other.
var notFound = problemOf(http.StatusNotFound, "not-found", "There is no such thing.")

// invalidField is a problem of one field.
func invalidField(pointer, code, detail string) *Problem {
	p := problemOf(http.StatusUnprocessableEntity, "invalid", "A field is not valid.")
	p.Errors = []FieldError{{Pointer: pointer, Code: code, Detail: detail}}
	return p
}

// fail answers with the problem that an error amounts to. What is not the
// caller's doing is logged, and its text is not shown.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem, ok := errors.AsType[*Problem](err)
	if !ok {
		problem = h.problemFrom(r, err)
	}
	writeProblem(w, r, problem)
}

func (h *handler) problemFrom(r *http.Request, err error) *Problem {
	if bad, ok := invalidOf(err); ok {
		return invalidField(pointerOf(bad.Field), "invalid", bad.Reason)
	}
	switch {
	case errors.Is(err, notify.ErrInvalid):
		return problemOf(http.StatusUnprocessableEntity, "invalid", "The request is not valid.")
	case errors.Is(err, notify.ErrNotFound):
		return notFound
	case errors.Is(err, notify.ErrConflict):
		return problemOf(http.StatusConflict, "conflict", "It collides with what is stored.")
	case r.Context().Err() != nil:
		return problemOf(http.StatusServiceUnavailable, "canceled", "The request ended before its answer.")
	}
	h.log.ErrorContext(r.Context(), "notifyhttp: a request failed", "method", r.Method, "error", err)
	if errors.Is(err, context.DeadlineExceeded) {
		p := problemOf(http.StatusServiceUnavailable, "unavailable", "The store did not answer in time.")
		p.retryAfter = 5 * time.Second
		return p
	}
	return problemOf(http.StatusInternalServerError, "internal", "It could not be done. Nothing was changed that the answer would have told.")
}

// pointers are the fields of the Go API by their names in the JSON documents.
var pointers = map[string]string{
	"Cursor": "?cursor", "cursor": "?cursor", "State": "?state", "Provider": "?provider", "Limit": "?limit",
	"UpTo": "/up_to", "IDs": "/ids", "Op": "/op", "Until": "/snoozed_until",
	"DigestAt": "/digest/at", "TimeZone": "/digest/time_zone", "Order": "/providers",
	"Address.Value": "/endpoint", "Address.Meta": "/keys", "Name": "/device_name", "Locale": "/locale",
}

func pointerOf(field string) string {
	if pointer, ok := pointers[field]; ok {
		return pointer
	}
	var b strings.Builder
	for _, part := range strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		b.WriteString("/" + escapePointer(strings.ToLower(part)))
	}
	return b.String()
}

// escapePointer escapes a reference token of a JSON pointer.
func escapePointer(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	body, err := json.Marshal(p)
	if err != nil { // of Current only, which was marshalled before
		body = []byte(`{"type":"about:blank","status":500,"code":"internal"}`)
	}
	header := w.Header()
	header.Del("ETag")
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever asked may have gone
	}
}

// shorten cuts a string that came from outside to at most n bytes, between
// runes, so that an answer never echoes much.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// invalidOf finds what the center says of a field.
func invalidOf(err error) (*notify.InvalidError, bool) {
	return errors.AsType[*notify.InvalidError](err)
}
