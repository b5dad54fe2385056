package notifyhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of requests.
const (
	maxBody  = 64 << 10 // bytes; the door for providers has its own
	maxDepth = 16       // of nested objects and arrays
)

// decode reads a JSON body strictly: of the right media type, not compressed,
// within limits, one document, no unknown field, no field twice, valid UTF-8.
func (c *call) decode(into any, mediaTypes ...string) error {
	return decode(c.w, c.r, maxBody, into, mediaTypes...)
}

func decode(w http.ResponseWriter, r *http.Request, limit int64, into any, mediaTypes ...string) error {
	body, err := readJSON(w, r, limit, mediaTypes...)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return jsonProblem(err)
	}
	return nil
}

func readJSON(w http.ResponseWriter, r *http.Request, limit int64, mediaTypes ...string) ([]byte, error) {
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(parameters["charset"])
	if err != nil || !slices.Contains(append(mediaTypes, "application/json"), media) || charset != "" && charset != "utf-8" {
		return nil, problemOf(http.StatusUnsupportedMediaType, "unsupported-media-type", "The body must be application/json in UTF-8.")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, problemOf(http.StatusUnsupportedMediaType, "unsupported-encoding", "The body must not be compressed.")
	}
	tooLarge := problemOf(http.StatusRequestEntityTooLarge, "too-large", fmt.Sprintf("The body may have %d bytes.", limit))
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge
	}
	if err != nil {
		return nil, problemOf(http.StatusBadRequest, "malformed", "The body could not be read.")
	}
	if !utf8.Valid(body) {
		return nil, problemOf(http.StatusBadRequest, "malformed", "The body is not UTF-8.")
	}
	return body, checkStructure(body)
}

// checkStructure refuses what encoding/json lets pass: a field that is there
// twice, of which the last would win, and nesting without end. It also refuses
// anything behind the document.
func checkStructure(body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := checkValue(decoder, "", 0); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return problemOf(http.StatusBadRequest, "malformed", "There is something behind the JSON document.")
	}
	return nil
}

func checkValue(decoder *json.Decoder, pointer string, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return jsonProblem(err)
	}
	opening, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return problemOf(http.StatusBadRequest, "too-deep", fmt.Sprintf("The document is nested deeper than %d.", maxDepth))
	}
	seen := map[string]bool{}
	for i := 0; decoder.More(); i++ {
		name := strconv.Itoa(i)
		if opening == '{' {
			token, err := decoder.Token()
			if err != nil {
				return jsonProblem(err)
			}
			name, _ = token.(string)
			// encoding/json takes a name in any case for the field.
			folded := name
			if pointer != "/data" && !strings.HasPrefix(pointer, "/data/") {
				folded = strings.ToLower(strings.ToUpper(name))
			}
			if seen[folded] {
				p := problemOf(http.StatusBadRequest, "duplicate-field", "A field is there twice.")
				p.Errors = []FieldError{{Pointer: pointer + "/" + escapePointer(shorten(name, 100)), Code: "duplicate"}}
				return p
			}
			seen[folded] = true
		}
		if err := checkValue(decoder, pointer+"/"+escapePointer(shorten(name, 100)), depth+1); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return jsonProblem(err)
	}
	return nil
}

// jsonProblem says what is wrong with a document.
func jsonProblem(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		pointer := ""
		for part := range strings.SplitSeq(wrong.Field, ".") {
			if part != "" {
				pointer += "/" + escapePointer(part)
			}
		}
		return invalidField(pointer, "wrong-type", "a "+wrong.Value+" does not fit here")
	}
	// The decoder has no type for this one.
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if unquoted, err := strconv.Unquote(name); err == nil {
			name = unquoted
		}
		return invalidField("/"+escapePointer(shorten(name, 100)), "unknown-field", "there is no such field")
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if wrong, ok := errors.AsType[*notAnInstant](err); ok {
		return invalidField("", "wrong-type", wrong.Error())
	}
	return problemOf(http.StatusBadRequest, "malformed", "The body is not a JSON document.")
}

// query reads the parameters of the address and refuses any that are not named,
// and any that is there twice.
func (c *call) query(names ...string) (url.Values, error) {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, problemOf(http.StatusBadRequest, "malformed", "The query of the address is malformed.")
	}
	for name, all := range values {
		switch {
		case !slices.Contains(names, name):
			return nil, queryProblem(name, "unknown-parameter", "there is no such parameter")
		case len(all) > 1:
			return nil, queryProblem(name, "duplicate", "it is there twice")
		case len(all[0]) > 2048 || !utf8.ValidString(all[0]):
			return nil, queryProblem(name, "invalid", "too long, or not UTF-8")
		}
	}
	return values, nil
}

func queryProblem(name, code, detail string) *Problem {
	p := problemOf(http.StatusBadRequest, "invalid-query", "A parameter is not valid.")
	p.Errors = []FieldError{{Pointer: "?" + shorten(name, 50), Code: code, Detail: detail}}
	return p
}
