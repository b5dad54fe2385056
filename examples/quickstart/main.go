// Quickstart sends a notification, delivers it by a channel, and reads it in
// the recipient's inbox.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

//snippet:start first
func main() {
	ctx, ann := context.Background(), notify.User("ann")
	center, err := notify.New(memory.New(nil), &notify.Options{Channels: []notify.Channel{pager{}}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := center.Send(ctx, notify.Notification{
		Provider: "billing", To: []notify.Recipient{ann}, Title: "Invoice 17 is due",
	}); err != nil {
		log.Fatal(err) // else it is in the inbox by now
	}
	if err := center.Drain(ctx); err != nil { // nothing leaves without Drain or Run
		log.Fatal(err)
	}
	page, err := center.Inbox(ann).Page(ctx, notify.Query{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Counts.Unread, "unread:", page.Items[0].Notification.Title)
}

//snippet:end first

//snippet:start channel

// pager is a channel: whatever the host sends by.
type pager struct{}

func (pager) Name() string      { return "pager" }
func (pager) Addressless() bool { return true }
func (pager) Deliver(_ context.Context, d notify.Delivery) error {
	fmt.Println("beep,", d.Recipient.ID+":", d.Item.Notification.Title)
	return nil
}

//snippet:end channel
