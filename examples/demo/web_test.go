package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// visitor is raj at the demo's site.
type visitor struct {
	*testing.T
	*site
	base string
}

func newVisitor(t *testing.T) visitor {
	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	s, err := openSite(t.Context(), filepath.Join(t.TempDir(), "demo.db"), base)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	server.Config.Handler = s.handler
	server.Start()
	t.Cleanup(server.Close)
	return visitor{t, s, base}
}

func (v visitor) ask(method, at string) (*http.Response, string) {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), method, v.base+at, nil)
	require.NoError(v, err)
	request.AddCookie(&http.Cookie{Name: "user", Value: "raj"})
	response, err := http.DefaultClient.Do(request)
	require.NoError(v, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(v, err)
	require.Equal(v, http.StatusOK, response.StatusCode, "%s %s: %s", method, at, body)
	return response, string(body)
}

func TestWeb_buttonsSendAndTheDailyLetterComes(t *testing.T) {
	v := newVisitor(t)
	_, said := v.ask("POST", "/advance")
	assert.Contains(t, said, "Nothing was unread")
	for what := range events {
		_, said := v.ask("POST", "/send/"+what)
		assert.Contains(t, said, "sent to ann and raj")
	}
	require.NoError(t, v.drain(t.Context()))
	_, counts := v.ask("GET", "/notify/api/v1/counts")
	assert.Contains(t, counts, `"unread":37`, "3, 30 and 4; the pop-up is not kept")

	_, said = v.ask("POST", "/advance")
	assert.Contains(t, said, "among the letters")
	_, page := v.ask("GET", "/letters")
	assert.Contains(t, page, "raj@example.com")
	assert.NotContains(t, page, "<script>alert")

	response, letter := v.ask("GET", regexp.MustCompile(`/letters/\d+/html`).FindString(page))
	assert.Contains(t, response.Header.Get("Content-Security-Policy"), "sandbox allow-popups")
	assert.Contains(t, letter, `<base target="_blank">`)
	link := regexp.MustCompile(regexp.QuoteMeta(v.base) + `(/notify/unsubscribe/[\w-]+)`).FindStringSubmatch(page)
	require.NotNil(t, link)
	_, asked := v.ask("GET", link[1])
	assert.Contains(t, asked, `<form method="post">`)

	_, pushes := v.ask("GET", "/pushes")
	assert.Contains(t, pushes, "web_push")
}

func TestWeb_pagesKeepToAStrictPolicy(t *testing.T) {
	v := newVisitor(t)
	for _, at := range []string{"/", "/leads", "/inbox", "/settings", "/letters", "/pushes"} {
		response, page := v.ask("GET", at)
		assert.True(t, strings.HasPrefix(response.Header.Get("Content-Security-Policy"), "default-src 'self';"), at)
		assert.NotRegexp(t, `<script>|<style|\son\w+=|style=`, page, at)
	}
}

// Whatever folder is named is made, and used.
func TestFolder_isMade(t *testing.T) {
	folder, _, err := folderFor(filepath.Join(t.TempDir(), "not yet", "why?#1%20"))
	require.NoError(t, err)
	s, err := openSite(t.Context(), filepath.Join(folder, "demo.db"), "http://127.0.0.1")
	require.NoError(t, err)
	defer s.Close()
	assert.FileExists(t, filepath.Join(folder, "demo.db"))
}
