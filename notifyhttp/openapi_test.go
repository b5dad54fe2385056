package notifyhttp

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// described is the part of the document that the tests look at.
type described struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct {
			Name, In string
		}
		Responses map[string]json.RawMessage
	}
	Components struct {
		Schemas   map[string]json.RawMessage
		Responses map[string]json.RawMessage
	}
}

func describedAPI(t *testing.T) described {
	t.Helper()
	var d described
	require.NoError(t, json.Unmarshal(OpenAPI, &d))
	return d
}

func TestOpenAPI_describesEveryRouteAndNoOther(t *testing.T) {
	var served, told []string
	for _, route := range apiRoutes {
		served = append(served, route.method+" /"+route.pattern)
	}
	ids := map[string]bool{}
	for path, operations := range describedAPI(t).Paths {
		for method, operation := range operations {
			told = append(told, strings.ToUpper(method)+" "+path)
			assert.False(t, ids[operation.OperationID], operation.OperationID)
			ids[operation.OperationID] = true
			var inPath []string
			for _, parameter := range operation.Parameters {
				if parameter.In == "path" {
					inPath = append(inPath, "{"+parameter.Name+"}")
				}
			}
			assert.Equal(t, regexp.MustCompile(`{[a-z]+}`).FindAllString(path, -1), inPath, path)
		}
	}
	assert.ElementsMatch(t, served, told)
}

func TestOpenAPI_refersToWhatIsThere(t *testing.T) {
	d := describedAPI(t)
	var names []string
	for name := range d.Components.Schemas {
		names = append(names, "schemas/"+name)
	}
	for name := range d.Components.Responses {
		names = append(names, "responses/"+name)
	}
	used := map[string]bool{}
	for _, match := range regexp.MustCompile(`"\$ref": "#/components/([^"]+)"`).FindAllStringSubmatch(string(OpenAPI), -1) {
		assert.Contains(t, names, match[1])
		used[match[1]] = true
	}
	for _, name := range names {
		assert.True(t, used[name], "%s is not used", name)
	}
}

// Each answer that a test of this package gets is one that the document names.
func TestOpenAPI_namesTheAnswersOfEveryRoute(t *testing.T) {
	d := describedAPI(t)
	s := newSite(t)
	id := string(s.send("one")[0])
	for _, route := range apiRoutes {
		if route.pattern == "api/v1/stream" {
			continue // never ends
		}
		operation := d.Paths["/"+route.pattern][strings.ToLower(route.method)]
		target := "/notify/" + strings.NewReplacer("{id}", id, "{key}", "pay", "{token}", "x").Replace(route.pattern)
		for _, request := range []struct {
			body    string
			headers []string
		}{
			{"", nil}, {"", []string{"Accept", "text/html"}}, {"", []string{"X-User", ""}}, {"", []string{"Sec-Fetch-Site", "cross-site"}},
			{"{}", nil}, {"{", nil}, {`{"nope":1}`, nil}, {"{}", []string{"Content-Type", "text/plain"}}, {`{"x":"` + strings.Repeat("a", maxBody) + `"}`, nil},
		} {
			if request.body != "" && (route.method == "GET" || route.method == "DELETE") {
				continue
			}
			got := s.do(route.method, target, request.body, request.headers...)
			assert.Contains(t, operation.Responses, strconv.Itoa(got.Code), "%s %s with %.30s", route.method, route.pattern, request.body)
			assert.NotEqual(t, http.StatusInternalServerError, got.Code)
		}
	}
}

func TestOpenAPI_isServed(t *testing.T) {
	s := newSite(t)
	got := s.do("GET", "/notify/openapi.json", "", "X-User", "")
	assert.Equal(t, http.StatusOK, got.Code)
	assert.True(t, slices.Equal(OpenAPI, got.Body.Bytes()))
}
