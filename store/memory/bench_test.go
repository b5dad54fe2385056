package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// ids are made before the clock runs.
func ids(n int) []notify.ID {
	made := make([]notify.ID, n)
	for i := range made {
		made[i] = notify.ID(fmt.Sprintf("01977420-dc03-7000-8000-%012x", i))
	}
	return made
}

// BenchmarkAccept files one item for one of a thousand recipients.
func BenchmarkAccept(b *testing.B) {
	store := memory.New(nil)
	made := ids(1 << 20)
	recipients := make([]notify.Recipient, 1000)
	for i := range recipients {
		recipients[i] = notify.Recipient{Tenant: "acme", ID: fmt.Sprint("user", i)}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(made) { // begin anew before the heap is all that is measured
			store, i = memory.New(nil), 0
		}
		_, err := store.Accept(b.Context(), []notify.Acceptance{{
			ID:           made[i],
			Notification: notify.Notification{Tenant: "acme", Provider: "billing", Title: "Invoice 17", Body: "Please pay."},
			Filings:      []notify.Filing{{Recipient: recipients[i%len(recipients)]}},
		}})
		if err != nil {
			b.Fatal(err)
		}
		i++
	}
}

// BenchmarkClaim claims and gives back a hundred of many deliveries that wait
// in all buckets.
func BenchmarkClaim(b *testing.B) {
	for _, waiting := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			store := memory.New(nil)
			a := note("n1")
			for i, id := range ids(waiting) {
				a.Filings[0].Tasks = append(a.Filings[0].Tasks, notify.NewTask{
					ID: id, Kind: notify.KindDelivery, Channel: notify.Email, Bucket: i % 256,
				})
			}
			if _, err := store.Accept(b.Context(), []notify.Acceptance{a}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				tasks, err := store.Claim(b.Context(), notify.Claim{Lease: time.Hour, Channels: map[string]int{notify.Email: 100}})
				if err != nil || len(tasks) != 100 {
					b.Fatal(len(tasks), err)
				}
				outcomes := make([]notify.Outcome, len(tasks))
				for i, t := range tasks {
					outcomes[i] = notify.Outcome{Task: notify.Lease{ID: t.ID, Epoch: t.Epoch}, Status: notify.StatusPending}
				}
				if _, err := store.Settle(b.Context(), outcomes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
