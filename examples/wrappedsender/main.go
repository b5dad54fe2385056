// Wrappedsender makes channels of the services of a library that sends to many,
// github.com/nikoksr/notify: preferences, digests, retries and the inbox come
// on top of what it sends by. The peers are servers on this machine.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	server := httptest.NewServer(receiver(out))
	defer server.Close()

	ann, bob := notify.User("ann"), notify.User("bob")
	now := time.Date(2026, time.May, 4, 9, 0, 0, 0, time.UTC)
	center, err := notify.New(memory.New(&memory.Options{Now: func() time.Time { return now }}), &notify.Options{
		Channels: []notify.Channel{hooks(server.Client()), barks(server.URL)},
		Directory: notify.People{
			ann: {Addresses: []notify.Address{{Channel: "hook", Value: server.URL + "/hooks/ann"}}},
			bob: {Addresses: []notify.Address{{Channel: "bark", Value: "bobsDeviceKey17"}}},
		},
		Links: notify.Links{Inbox: func(r notify.Recipient) string { return "https://app.example/inbox/" + r.ID }},
	})
	if err != nil {
		return err
	}
	if _, err := center.SavePreferences(ctx, bob, notify.Preferences{Channels: map[string]notify.Mode{"bark": notify.Daily}}); err != nil {
		return err
	}
	fmt.Fprintln(out, "At the event:")
	for backup := 1; backup <= 6; backup++ {
		to := []notify.Recipient{bob}
		if backup == 6 {
			to = append(to, ann)
		}
		if _, err := center.Send(ctx, notify.Notification{Provider: "backups", To: to, Title: fmt.Sprintf("Backup %d is done", backup), Body: "All of it."}); err != nil {
			return err
		}
		now = now.Add(time.Minute)
	}
	if err := center.Drain(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "At six:")
	now = time.Date(2026, time.May, 4, 18, 0, 0, 0, time.UTC)
	return center.Drain(ctx)
}

// receiver shows what is posted to it.
func receiver(out io.Writer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var posted struct {
			Title string `json:"title"`
			Text  string `json:"text"`
			Body  string `json:"body"`
		}
		if err := json.NewDecoder(r.Body).Decode(&posted); err != nil {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		fmt.Fprintf(out, "  POST %s %q %q\n", r.URL.Path, posted.Title, posted.Text+posted.Body)
	})
}
