package main

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

//go:embed pages
var pages embed.FS

var templates = template.Must(template.ParseFS(pages, "pages/*.html"))

// policy allows nothing but what the site itself serves.
const policy = "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"

// routes are the notification center under /notify/, and the host's pages.
func (s *site) routes(center http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/notify/", center)
	mux.HandleFunc("/", s.home) // with a method it would conflict with the line before
	mux.HandleFunc("GET /inbox", s.page("inbox"))
	mux.HandleFunc("GET /settings", s.page("settings"))
	mux.HandleFunc("GET /letters", s.letters)
	mux.HandleFunc("GET /letters/{number}/html", s.letterHTML)
	mux.HandleFunc("GET /pushes", s.pushes)
	mux.HandleFunc("POST /user", chooseUser)
	mux.HandleFunc("POST /send/{what}", s.send)
	mux.HandleFunc("POST /advance", s.advance)
	for _, name := range []string{"demo.js", "demo.css"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pages, "pages/"+name) })
	}
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return http.NewCrossOriginProtection().Handler(mux)
}

// signedIn is the demo's login: a cookie that says who one is. A real host asks
// its session here.
func signedIn(r *http.Request) (notify.Recipient, error) {
	cookie, err := r.Cookie("user")
	if err != nil {
		return ann, nil
	}
	for _, who := range both {
		if who.ID == cookie.Value {
			return who, nil
		}
	}
	return notify.Recipient{}, errors.New("nobody of that name")
}

func chooseUser(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "user", Value: r.FormValue("user"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// view is what the templates get.
type view struct {
	Page  string
	User  string
	Users []notify.Recipient
	Now   string // what the clock shows
	Data  any
}

func (s *site) page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.show(w, r, name, nil) }
}

// home is the page with the buttons. The links of notifications lead to pages
// that the demo does not have: it says so there.
func (s *site) home(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "home", strings.TrimPrefix(r.URL.Path, "/"))
}

func (s *site) show(w http.ResponseWriter, r *http.Request, page string, data any) {
	who, err := signedIn(r)
	if err != nil {
		who = ann
	}
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, page+".html", view{page, who.ID, both, s.clock.now().UTC().Format("2 January, 15:04 MST"), data}); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = body.WriteTo(w)
}

// advance moves the clock to the next daily letter of whoever is signed in.
func (s *site) advance(w http.ResponseWriter, r *http.Request) {
	who, err := signedIn(r)
	if err != nil {
		http.Error(w, "nobody is signed in", http.StatusUnauthorized)
		return
	}
	cut, err := s.nextDigest(r.Context(), who)
	if err != nil {
		say(w, who.ID+" gets no daily letter: choose it in the settings first.")
		return
	}
	before := len(s.office.Accepted())
	s.clock.to(cut)
	if err := s.drain(r.Context()); err != nil {
		http.Error(w, "what was due could not be done", http.StatusInternalServerError)
		return
	}
	text := "It is " + cut.UTC().Format(time.TimeOnly) + " UTC. "
	if len(s.office.Accepted()) == before {
		say(w, text+"Nothing was unread that belongs into a letter, so none left.")
		return
	}
	say(w, text+"The daily letter is among the letters.")
}

// say answers a button: the script shows it below.
func say(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}
