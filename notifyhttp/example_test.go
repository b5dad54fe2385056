package notifyhttp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/notifyhttp"
	"github.com/bellwether-go/notify/store/memory"
)

// sessions stands for the host's own login.
type sessions map[string]string

func (s sessions) user(r *http.Request) string {
	cookie, err := r.Cookie("session")
	if err != nil {
		return ""
	}
	return s[cookie.Value]
}

func ExampleHandler() {
	center, err := notify.New(memory.New(nil), nil)
	if err != nil {
		panic(err)
	}
	login := sessions{"c2Vzc2lvbg": "ann"}
	mux := http.NewServeMux()

	//snippet:start mount
	who := func(r *http.Request) (notify.Recipient, error) {
		user := login.user(r) // however your program knows
		if user == "" {
			return notify.Recipient{}, errors.New("nobody is signed in")
		}
		return notify.User(user), nil
	}
	mux.Handle("/notify/", notifyhttp.Handler(center, who, nil))
	//snippet:end mount

	r := httptest.NewRequest("GET", "/notify/api/v1/counts", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "c2Vzc2lvbg"})
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	// Output: 200 {"unread":0,"unseen":0}
}

func ExampleNewUnsubscribe() {
	who := func(*http.Request) (notify.Recipient, error) { return notify.User("ann"), nil }
	secret := []byte("32 random bytes from your secrets")
	mux := http.NewServeMux()

	//snippet:start unsubscribe
	unsubscribe, err := notifyhttp.NewUnsubscribe("https://app.example/notify/", secret)
	if err != nil {
		panic(err)
	}
	letters, err := email.New(email.Options{Relay: "localhost:25", From: "notify@app.example", Unsubscribe: unsubscribe.Link})
	if err != nil {
		panic(err)
	}
	center, err := notify.New(memory.New(nil), &notify.Options{
		Channels: []notify.Channel{letters},
		Links:    notify.Links{Inbox: func(notify.Recipient) string { return "https://app.example/notify/inbox" }},
	})
	if err != nil {
		panic(err)
	}
	mux.Handle("/notify/", notifyhttp.Handler(center, who, &notifyhttp.Options{Unsubscribe: unsubscribe}))
	//snippet:end unsubscribe

	link := unsubscribe.Link(notify.User("ann"), "billing")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", link, nil))
	fmt.Println(w.Code)
	// Output: 200
}

func ExampleIngest() {
	ctx, mux, store := context.Background(), http.NewServeMux(), memory.New(nil)
	center, err := notify.New(store, &notify.Options{Providers: notify.Providers{{ID: "billing", Title: "Billing"}}})
	if err != nil {
		panic(err)
	}

	//snippet:start ingest
	keys, err := notifyhttp.NewKeys(store)
	if err != nil {
		panic(err)
	}
	mux.Handle("/ingest/", notifyhttp.Ingest(center, keys.Who, nil))

	key, token, err := keys.Create(ctx, "", "the invoice machine", "billing") // may send as billing only
	if err != nil {
		panic(err)
	}
	// Later: a new token, while the old one works for a day more.
	_, next, err := keys.Rotate(ctx, "", key.ID, 24*time.Hour)
	if err != nil {
		panic(err)
	}
	//snippet:end ingest

	for _, token := range []string{token, next, "guessed"} {
		r := httptest.NewRequest("POST", "/ingest/v1/notifications", strings.NewReader(`{"provider":"billing","to":["ann"],"title":"Invoice 17"}`))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 202
	// 202
	// 401
}
