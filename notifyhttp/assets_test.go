package notifyhttp

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAssets_areServedToBeKept(t *testing.T) {
	s := newSite(t)
	entry := s.do("GET", "/notify/ui.js", "", "X-User", "")
	require.Equal(t, http.StatusOK, entry.Code)
	assert.Equal(t, "text/javascript; charset=utf-8", entry.Header().Get("Content-Type"))
	assert.Equal(t, "no-cache", entry.Header().Get("Cache-Control"), "the entry leads to what is new")
	name := regexp.MustCompile(`assets/\w+/notify\.js`).FindString(entry.Body.String())
	require.NotEmpty(t, name)

	plain := s.do("GET", "/notify/"+name, "", "X-User", "")
	assert.Contains(t, plain.Header().Get("Cache-Control"), "immutable")
	packed := s.do("GET", "/notify/"+name, "", "Accept-Encoding", "br, gzip;q=0.5")
	assert.Equal(t, "gzip", packed.Header().Get("Content-Encoding"))
	assert.Contains(t, packed.Header().Values("Vary"), "Accept-Encoding")
	assert.NotEqual(t, plain.Header().Get("ETag"), packed.Header().Get("ETag"))
	r, err := gzip.NewReader(packed.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(plain.Body.Bytes(), body))
	same := s.do("GET", "/notify/"+name, "", "If-None-Match", plain.Header().Get("ETag"))
	assert.Equal(t, http.StatusNotModified, same.Code)
	s.do("GET", "/notify/assets/0000000000000000/notify.js", "").problem(http.StatusNotFound, "not-found")
	s.do("GET", "/notify/assets/..%2f..%2fx/notify.js", "").problem(http.StatusNotFound, "not-found")
}

func TestPages_haveAStrictPolicyAndALanguage(t *testing.T) {
	s := newSite(t)
	for _, page := range []string{"inbox", "preferences"} {
		got := s.do("GET", "/notify/"+page, "", "Accept-Language", "ar, en;q=0.5")
		require.Equal(t, http.StatusOK, got.Code)
		assert.Contains(t, got.Body.String(), `<html lang="ar" dir="rtl">`)
		assert.Contains(t, got.Body.String(), "<notify-"+page+">")
		assert.Contains(t, got.Header().Get("Content-Security-Policy"), "default-src 'none'")
		assert.NotContains(t, got.Header().Get("Content-Security-Policy"), "unsafe")
		assert.NotRegexp(t, `<script(?: type="module")?>|<style| on\w+=|style=`, got.Body.String(), "nothing inline")
		assert.NotRegexp(t, `(?:src|href)="[/h]`, got.Body.String(), "links are relative")
	}
	assert.Contains(t, s.do("GET", "/notify/inbox", "").Body.String(), `<html lang="en" dir="ltr">`)
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{"gzip": true, "br, gzip;q=1.0": true, "GZIP": true, "": false, "br": false, "gzip;q=0": false, "gzip; q=0.000": false, "identity, gzip ; q=0.5": true} {
		assert.Equal(t, want, acceptsGzip(header), header)
	}
}
