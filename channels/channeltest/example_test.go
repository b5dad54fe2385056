package channeltest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/store/memory"
)

// A channel of one's own takes the place of the Recorder, and a server on
// loopback that of the script.
func ExampleCheck() {
	err := channeltest.Check(context.Background(), func() (channeltest.Harness, error) {
		return recording(&channeltest.Recorder{As: "pigeon"}), nil
	})
	fmt.Println(err)
	// Output: <nil>
}

// The peer refuses the first attempt; the second comes an hour later.
func ExampleRecorder() {
	ctx := context.Background()
	now := time.Date(2026, time.May, 4, 9, 0, 0, 0, time.UTC)
	pigeons := &channeltest.Recorder{As: "pigeon", NoAddress: true}
	pigeons.Next(channeltest.Refuse(notify.Temporary))
	center, err := notify.New(memory.New(&memory.Options{Now: func() time.Time { return now }}), &notify.Options{
		Channels: []notify.Channel{pigeons},
		Links:    notify.Links{Inbox: func(notify.Recipient) string { return "https://app.example/inbox" }},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = center.Send(ctx, notify.Notification{Provider: "parcels", To: []notify.Recipient{notify.User("ann")}, Title: "It is there"})
	if err != nil {
		fmt.Println(err)
	}
	for range 2 {
		if err := center.Drain(ctx); err != nil {
			fmt.Println(err)
		}
		now = now.Add(time.Hour)
	}
	for _, call := range pigeons.Calls() {
		fmt.Println(call.Attempt, call.Titles(), call.Err)
	}
	// Output:
	// 1 [It is there] temporary: refused by the test's script
	// 2 [It is there] <nil>
}
