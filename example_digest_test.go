package notify_test

import (
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

// A host that keeps its own time can build the letter by itself, from any items.
func ExampleBuildDigest() {
	now := time.Date(2026, 1, 5, 18, 0, 0, 0, time.UTC)
	var unread []notify.Item
	for hour := range 7 {
		unread = append(unread, notify.Item{
			ID:           notify.ID(fmt.Sprint(hour)),
			Notification: notify.Notification{Title: fmt.Sprintf("Invoice %d was paid", hour+1)},
			Filed:        now.Add(time.Duration(hour-8) * time.Hour),
		})
	}
	digest := notify.BuildDigest(unread, now.Add(-24*time.Hour), now, 5)
	for _, item := range digest.Items {
		fmt.Println(item.Filed.Format("15:04"), item.Notification.Title)
	}
	fmt.Println("unread:", digest.Total, "not shown:", digest.More())
	// Output:
	// 16:00 Invoice 7 was paid
	// 15:00 Invoice 6 was paid
	// 14:00 Invoice 5 was paid
	// 13:00 Invoice 4 was paid
	// 12:00 Invoice 3 was paid
	// unread: 7 not shown: 2
}

// The clocks of Berlin skip 02:30 on 29 March 2026: the cut of that date is the
// first instant after the gap.
func ExampleDailyAt() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	schedule := notify.DailyAt("02:30")
	cut := time.Date(2026, 3, 28, 1, 30, 0, 0, time.UTC)
	for range 3 {
		fmt.Println(cut.In(berlin))
		cut = schedule.Next(cut, cut, "", berlin)
	}
	// Output:
	// 2026-03-28 02:30:00 +0100 CET
	// 2026-03-29 03:00:00 +0200 CEST
	// 2026-03-30 02:30:00 +0200 CEST
}
