// Site is a host for the tests in a real browser: pages with the elements, a
// center on the memory store, and a way for the tests to make things happen.
// It listens on loopback, prints its address, and ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/notifyhttp"
	"github.com/bellwether-go/notify/store/memory"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s, err := newSite()
	if err != nil {
		log.Fatal(err)
	}
	go s.serve(listener)
	fmt.Println("http://" + listener.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started it has gone
}

// vapid is a public key that nobody has the private one of: the browser's push
// service is not asked in these tests.
const vapid = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"

type site struct {
	center  *notify.Notifier
	handler atomic.Pointer[http.Handler]
	closing atomic.Pointer[context.CancelFunc]

	streams, streamed atomic.Int64 // open now, and ever
	mu                sync.Mutex
	requests          []string // of the API, as "METHOD path"
	down              atomic.Bool
}

func newSite() (*site, error) {
	center, err := notify.New(memory.New(nil), &notify.Options{
		Channels: []notify.Channel{mail{outlet("email")}, outlet("mobile"), outlet("browser")},
		Providers: notify.Providers{
			{ID: "billing", Title: "Billing", Description: "Invoices and payments", Forced: []string{"mobile"}},
			{ID: "chat", Title: "Chat", Description: "Messages of colleagues", Defaults: map[string]notify.Mode{"email": notify.Daily}},
			{ID: "leads", Title: "New leads", Defaults: map[string]notify.Mode{"email": notify.Off}},
		},
		Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://app.example/notify/inbox" }},
	})
	if err != nil {
		return nil, err
	}
	s := &site{center: center}
	s.start()
	return s, nil
}

// start makes the handler anew, as a process that is started again does.
func (s *site) start() {
	closing, stop := context.WithCancel(context.Background())
	s.closing.Store(&stop)
	handler := notifyhttp.Handler(s.center, who, &notifyhttp.Options{PushKey: vapid, Closing: closing})
	s.handler.Store(&handler)
}

// who is signed in is what the cookie says: each test has users of its own.
func who(r *http.Request) (notify.Recipient, error) {
	cookie, err := r.Cookie("user")
	if err != nil || cookie.Value == "" {
		return notify.Recipient{}, errors.New("nobody")
	}
	return notify.User(cookie.Value), nil
}

func (s *site) serve(l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/notify/", s.notify)
	mux.HandleFunc("POST /test/send", s.send)
	mux.HandleFunc("POST /test/down", func(w http.ResponseWriter, r *http.Request) { s.down.Store(true); (*s.closing.Load())() })
	mux.HandleFunc("POST /test/up", func(w http.ResponseWriter, r *http.Request) { s.start(); s.down.Store(false) })
	mux.HandleFunc("GET /test/state", s.state)
	mux.HandleFunc("GET /page", page)
	mux.HandleFunc("GET /{file}", func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[r.PathValue("file")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", map[bool]string{true: "text/css", false: "text/javascript"}[strings.HasSuffix(r.URL.Path, ".css")])
		_, _ = io.WriteString(w, text)
	})
	// HTTP/1.1, so that connections are scarce as they are there.
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(l))
}

func (s *site) notify(w http.ResponseWriter, r *http.Request) {
	if s.down.Load() {
		panic(http.ErrAbortHandler) // a connection that breaks
	}
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/stream") {
		s.streamed.Add(1)
		begun := &beginning{ResponseWriter: w, streams: &s.streams}
		defer begun.end()
		w = begun
	}
	(*s.handler.Load()).ServeHTTP(w, r)
}

// beginning counts a stream once its answer has begun: from then on nothing is
// filed unnoticed.
type beginning struct {
	http.ResponseWriter
	streams *atomic.Int64
	begun   bool
}

func (b *beginning) WriteHeader(status int) {
	if !b.begun {
		b.begun = true
		b.streams.Add(1)
	}
	b.ResponseWriter.WriteHeader(status)
}

// Unwrap leads http.ResponseController to what can flush.
func (b *beginning) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b *beginning) end() {
	if b.begun {
		b.streams.Add(-1)
	}
}

// send sends what the body says to the user it names.
func (s *site) send(w http.ResponseWriter, r *http.Request) {
	var body struct {
		User, Provider, Title, Body, URL, Collapse string
		Count                                      int
		Silent, Transient                          bool
		Actions                                    []notify.Action
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if body.Provider == "" {
		body.Provider = "chat"
	}
	for i := range max(body.Count, 1) {
		title := body.Title
		if body.Count > 1 {
			title = fmt.Sprintf("%s %d", body.Title, i+1)
		}
		_, err := s.center.Send(r.Context(), notify.Notification{
			Provider: body.Provider, To: []notify.Recipient{notify.User(body.User)}, Title: title, Body: body.Body, URL: body.URL,
			CollapseKey: body.Collapse, Silent: body.Silent, Transient: body.Transient, Actions: body.Actions,
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
	}
}

// state tells the tests what the server has seen. The requests are told once.
func (s *site) state(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	requests := s.requests
	s.requests = nil
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"streams": s.streams.Load(), "streamed": s.streamed.Load(), "requests": requests})
}

// page is a page of the host, with what the query asks for. Its policy is the
// strict one that hosts have.
func page(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	w.Header().Set("Content-Security-Policy", "default-src 'self'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	lang, dir := q.Get("lang"), q.Get("dir")
	if lang == "" {
		lang = "en"
	}
	elements := q.Get("elements")
	if elements == "" {
		elements = "<notify-bell></notify-bell>"
	}
	fmt.Fprintf(w, `<!DOCTYPE html><html lang="%s" dir="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Host</title>%s<script type="module" src="/notify/ui.js"></script></head>
<body><header class="top"><a href="#content">Host</a> %s</header><main id="content"><h1>A page of the host</h1><p class="text">Text of the host.</p></main></body></html>`,
		lang, dir, stylesheet(q.Get("css")), elements)
}

func stylesheet(name string) string {
	if name == "" {
		return ""
	}
	return `<link rel="stylesheet" href="/` + name + `">`
}

// files are what pages of hosts bring: styles that mean no good to strangers.
var files = map[string]string{
	"hostile.css": `body, body * { all: revert; color: red !important; font-size: 40px !important; line-height: 3 !important; }
.top { position: fixed; inset: 0 0 auto 0; height: 60px; z-index: 99999; background: yellow; overflow: hidden }
button { transform: rotate(10deg); background: lime !important }`,
	"brand.css":      `notify-bell { --notify-accent: rgb(1, 2, 3); --notify-badge-bg: rgb(4, 5, 6) } notify-bell::part(badge) { font-weight: 900 }`,
	"favicon.ico":    "",
	"host-worker.js": "",
	"start.css":      `.top { display: flex; justify-content: flex-start }`,
	"end.css":        `.top { display: flex; justify-content: space-between }`,
	"bottom.css":     `.top { position: fixed; inset: auto 0 0 0; display: flex; justify-content: space-between }`,
}

type outlet string

func (o outlet) Name() string                                   { return string(o) }
func (o outlet) Deliver(context.Context, notify.Delivery) error { return nil }

type mail struct{ outlet }

func (mail) Addressless() bool                                                   { return true }
func (mail) DeliverDigest(context.Context, notify.Delivery, notify.Digest) error { return nil }
