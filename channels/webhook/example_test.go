package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/webhook"
	"github.com/bellwether-go/notify/store/memory"
)

//snippet:start receive

// receiver is the other side: a program that gets events.
type receiver struct {
	secrets []string        // one; two while one replaces the other
	seen    map[string]bool // ids of the events that were taken, in a database of your own
}

func (rec *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || webhook.Verify(r.Header, body, time.Now(), rec.secrets...) != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	id := r.Header.Get(webhook.HeaderID)
	if rec.seen[id] {
		return // it came before: say yes once more
	}
	var event webhook.Event
	if err := json.Unmarshal(body, &event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	rec.seen[id] = true
	fmt.Println(event.Data.Recipient+":", event.Data.Title)
}

//snippet:end receive

func Example() {
	secret := webhook.NewSecret()
	rec := &receiver{secrets: []string{secret}, seen: map[string]bool{}}
	server := httptest.NewTLSServer(rec)
	defer server.Close()
	hooks, err := webhook.New(webhook.Options{
		Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, // it is inside, in this example
		RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
	})
	if err != nil {
		log.Fatal(err)
	}
	center, err := notify.New(memory.New(nil), &notify.Options{Channels: []notify.Channel{hooks}})
	if err != nil {
		log.Fatal(err)
	}
	ctx, ada, url := context.Background(), notify.User("ada"), server.URL

	//snippet:start register
	meta, err := json.Marshal(webhook.Endpoint{Secrets: []string{secret}}) // of webhook.NewSecret
	if err != nil {
		log.Fatal(err)
	}
	_, err = center.Register(ctx, ada, notify.Registration{
		Address: notify.Address{Channel: notify.Webhook, Value: url, Meta: meta},
		Name:    "our billing system",
	})
	//snippet:end register
	if err != nil {
		log.Fatal(err)
	}
	if _, err := center.Send(ctx, notify.Notification{Provider: "billing", To: []notify.Recipient{ada}, Title: "Invoice 17 is due"}); err != nil {
		log.Fatal(err)
	}
	if err := center.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: ada: Invoice 17 is due
}
