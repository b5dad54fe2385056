package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed assets
var sources embed.FS

// Asset is a file as it is served.
type Asset struct {
	Type      string // media type
	Body      []byte
	Gzip      []byte // the same, compressed; nil if that is no shorter
	ETag      string // strong, of Body
	Immutable bool   // its name changes with its content
}

// The bundles, each with its modules in the order in which they need each other.
var (
	bellModules = []string{"client", "live", "texts", "style", "element", "bell", "entry"}
	moreModules = []string{"feed", "panel", "inbox", "push", "preferences", "toasts"}
)

// Languages are those that the elements speak, English first.
var Languages = []string{"en", "ar", "de", "es", "pt", "ru"}

// all makes the assets once: by name, relative to where they are mounted.
var all = sync.OnceValues(func() (map[string]Asset, error) {
	made := map[string][]byte{}
	bundles := map[string]string{}
	for name, modules := range map[string][]string{"notify.js": bellModules, "more.js": moreModules} {
		for _, module := range modules {
			bundles[module] = name
		}
	}
	for name, modules := range map[string][]string{"notify.js": bellModules, "more.js": moreModules} {
		body, err := link(sources, name, modules, bundles)
		if err != nil {
			return nil, err
		}
		made[name] = body
	}
	for _, language := range Languages[1:] {
		name := "texts-" + language + ".js"
		source, err := fs.ReadFile(sources, "assets/"+name)
		if err != nil {
			return nil, err
		}
		made[name] = []byte(strings.Join(strip(string(source)), "\n") + "\n")
	}
	folder := "assets/" + hashOf(made) + "/"
	assets := map[string]Asset{}
	for name, body := range made {
		assets[folder+name] = asset("text/javascript; charset=utf-8", body, true)
	}
	assets["ui.js"] = asset("text/javascript; charset=utf-8", []byte(`export * from "./`+folder+`notify.js";`+"\n"), false)
	for name, kind := range map[string]string{
		"sw/worker.js": "text/javascript; charset=utf-8", "inbox": "text/html; charset=utf-8",
		"preferences": "text/html; charset=utf-8", "pages.css": "text/css; charset=utf-8",
	} {
		file := path.Base(name)
		if !strings.Contains(file, ".") {
			file += ".html"
		}
		body, err := fs.ReadFile(sources, "assets/"+file)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(file, ".js") {
			body = []byte(strings.Join(strip(string(body)), "\n") + "\n")
		}
		assets[name] = asset(kind, body, false)
	}
	return assets, nil
})

// Find returns the asset at a path relative to where the center is mounted.
func Find(name string) (Asset, bool) {
	assets, err := all()
	if err != nil {
		panic(err) // the sources are part of the program, and tests link them
	}
	found, ok := assets[name]
	return found, ok
}

func asset(kind string, body []byte, immutable bool) Asset {
	sum := sha256.Sum256(body)
	a := Asset{Type: kind, Body: body, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, Immutable: immutable}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                       // a buffer takes everything
	_ = w.Close()
	if packed.Len() < len(body) {
		a.Gzip = packed.Bytes()
	}
	return a
}

// hashOf names a set of files by its content.
func hashOf(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range sortedNames(files) {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
