package notifyhttp

import (
	_ "embed"
	"net/http"
)

// OpenAPI is the description of the API, an OpenAPI 3.1 document in JSON.
//
//go:embed openapi.json
var OpenAPI []byte

// getOpenAPI is GET openapi.json.
func (c *call) getOpenAPI() error {
	return c.write(http.StatusOK, "application/json", "public, max-age=300", OpenAPI)
}
