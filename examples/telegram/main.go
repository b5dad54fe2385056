// Telegram adds a way out to chats of a messenger, in the shape of the Telegram
// Bot API: at the event, as a daily digest of its own, and with all that the
// API says about chats that are gone, moved or written to too often. The server
// is one on this machine.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
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
	api := &botAPI{token: "17:secret", out: out, chats: map[string]string{"1001": "", "-100777": "", "1003": "bot was blocked by the user"}}
	api.move("-777", -100777) // the team's group has become a supergroup
	server := httptest.NewServer(api)
	defer server.Close()

	ann, team, cid := notify.User("ann"), notify.User("team"), notify.User("cid")
	now := time.Date(2026, time.May, 4, 9, 0, 0, 0, time.UTC)
	center, err := notify.New(memory.New(&memory.Options{Now: func() time.Time { return now }}), &notify.Options{
		Channels: []notify.Channel{&Telegram{
			client: server.Client(), server: server.URL, token: "17:secret",
			migrated: func(_ context.Context, r notify.Recipient, id string) {
				fmt.Fprintf(out, "  (the chat of %s is %s from now on)\n", r.ID, id)
			},
		}},
		Directory: notify.People{
			ann:  {Addresses: []notify.Address{{Channel: "telegram", Value: "1001"}}},
			team: {Addresses: []notify.Address{{Channel: "telegram", Value: "-777"}}},
			cid:  {Addresses: []notify.Address{{Channel: "telegram", Value: "1003"}}},
		},
		Links: notify.Links{Inbox: func(r notify.Recipient) string { return "https://app.example/inbox/" + r.ID }},
	})
	if err != nil {
		return err
	}
	if _, err := center.SavePreferences(ctx, ann, notify.Preferences{Channels: map[string]notify.Mode{"telegram": notify.Daily}}); err != nil {
		return err
	}

	fmt.Fprintln(out, "09:00, at the event:")
	for build := 1; build <= 6; build++ {
		to := []notify.Recipient{ann}
		if build == 1 {
			to = append(to, team, cid)
		}
		if _, err := center.Send(ctx, notify.Notification{
			Provider: "ci", To: to, Title: fmt.Sprintf("Build %d failed", build), Body: "In <main>, two tests & a linter.",
			URL: fmt.Sprintf("https://ci.example/%d", build),
		}); err != nil {
			return err
		}
		if err := center.Drain(ctx); err != nil {
			return err
		}
		now = now.Add(time.Minute)
	}
	now = time.Date(2026, time.May, 4, 18, 0, 0, 0, time.UTC)
	fmt.Fprintln(out, "18:00, the digest:")
	if err := center.Drain(ctx); err != nil {
		return err
	}

	dead, err := center.Suppressions(ctx, "", notify.Address{}, 10)
	if err != nil {
		return err
	}
	for _, s := range dead {
		fmt.Fprintf(out, "Not written to any more: a chat of %s, which is %s\n", s.Address.Channel, s.Proof)
	}
	return nil
}
