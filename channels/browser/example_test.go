package browser_test

import (
	"io"
	"log"
	"net/http"
	"os"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/browser"
	"github.com/bellwether-go/notify/store/memory"
)

func Example() {
	//snippet:start new
	browsers, err := browser.New(browser.Options{
		Subject: "ops@acme.example", // whom push services write to when something is wrong
		Keys:    browser.Keys{Private: os.Getenv("VAPID_PRIVATE_KEY")},
	})
	if err != nil {
		log.Fatal(err)
	}
	//snippet:end new
	center, err := notify.New(memory.New(nil), &notify.Options{Channels: []notify.Channel{browsers}})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("GET /push/key", pushKey(browsers))
	http.Handle("PUT /push", subscribe(center, func(*http.Request) notify.Recipient { return notify.User("ada") }))
}

// pushKey is what the page subscribes with.
func pushKey(browsers *browser.Channel) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, browsers.PublicKey())
	}
}

//snippet:start subscribe

// subscribe takes what the page got from the browser.
func subscribe(center *notify.Notifier, who func(*http.Request) notify.Recipient) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<10))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		address, err := browser.Subscription(body)
		if err == nil {
			_, err = center.Register(r.Context(), who(r), notify.Registration{Address: address, Name: "Firefox on Linux"})
		}
		if err != nil {
			http.Error(w, "not taken", http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

//snippet:end subscribe

// A pair of keys is made once and kept as a secret.
func ExampleGenerateKeys() {
	keys, err := browser.GenerateKeys()
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("/run/secrets/vapid", []byte(keys.Private), 0o600); err != nil {
		log.Fatal(err)
	}
}
