package storetest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/bellwether-go/notify/store/memory"
	"github.com/bellwether-go/notify/store/storetest"
)

// A store of one's own takes the place of memory.New. The clock stands still
// but when a check moves it on.
func ExampleCheck() {
	err := storetest.Check(context.Background(), func() (storetest.Harness, error) {
		now := time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
		return storetest.Harness{
			Store:   memory.New(&memory.Options{Now: func() time.Time { return now }}),
			Advance: func(d time.Duration) { now = now.Add(d) },
		}, nil
	})
	fmt.Println(err)
	// Output: <nil>
}
