// Customchannel adds a way out of the host's own: a chat room behind a webhook,
// at the event for one recipient and as a daily digest for another.
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
	"strings"
	"sync"
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
	rooms := &chatServer{}
	server := httptest.NewServer(rooms)
	defer server.Close()

	ann, bob := notify.User("ann"), notify.User("bob")
	now := time.Date(2026, time.May, 4, 9, 0, 0, 0, time.UTC)
	store := memory.New(&memory.Options{Now: func() time.Time { return now }})
	//snippet:start register
	center, err := notify.New(store, &notify.Options{
		Channels: []notify.Channel{&Chat{client: server.Client()}},
		Directory: notify.People{
			ann: {Addresses: []notify.Address{{Channel: "chat", Value: server.URL + "/ann"}}},
			bob: {Addresses: []notify.Address{{Channel: "chat", Value: server.URL + "/bob"}}},
		},
		Links: notify.Links{Inbox: func(r notify.Recipient) string { return "https://app.example/inbox/" + r.ID }},
	})
	//snippet:end register
	if err != nil {
		return err
	}
	if _, err := center.SavePreferences(ctx, bob, notify.Preferences{
		Channels: map[string]notify.Mode{"chat": notify.Daily},
	}); err != nil {
		return err
	}

	for build := 1; build <= 6; build++ {
		if _, err := center.Send(ctx, notify.Notification{
			Provider: "ci",
			To:       []notify.Recipient{ann, bob},
			Title:    fmt.Sprintf("Build %d failed", build),
		}); err != nil {
			return err
		}
		if err := center.Drain(ctx); err != nil {
			return err
		}
		now = now.Add(time.Minute)
	}
	fmt.Fprintln(out, "09:06, at the event:")
	rooms.print(out)

	now = time.Date(2026, time.May, 4, 18, 0, 0, 0, time.UTC)
	if err := center.Drain(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "18:00, the digest:")
	rooms.print(out)
	return nil
}

// chatServer takes messages for rooms and shows each only once.
type chatServer struct {
	mu    sync.Mutex
	lines []string
	seen  map[string]bool
}

func (s *chatServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct{ ID, Text string }
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[message.ID] {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[message.ID] = true
	room := strings.TrimPrefix(r.URL.Path, "/")
	s.lines = append(s.lines, room+": "+strings.ReplaceAll(message.Text, "\n", "\n  "))
}

// print shows what was posted since the last time.
func (s *chatServer) print(out io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		fmt.Fprintln(out, " ", line)
	}
	s.lines = nil
}
