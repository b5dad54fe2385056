package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

// crowd is recipients in their order.
func crowd(n int) []notify.Recipient {
	var all []notify.Recipient
	for i := range n {
		all = append(all, notify.Recipient{Tenant: "acme", ID: fmt.Sprintf("r%04d", i)})
	}
	return all
}

// filings are an item and a delivery for each.
func filings(to []notify.Recipient) []notify.Filing {
	var all []notify.Filing
	for _, r := range to {
		all = append(all, notify.Filing{Recipient: r, Tasks: []notify.NewTask{{ID: newID(), Kind: notify.KindDelivery, Channel: notify.Email}}})
	}
	return all
}

// Everything that locks, at once and on the same recipients: whoever meets whom
// in whatever order, nobody is told, and nothing is lost.
func TestStorm_nobodySeesADeadlock(t *testing.T) {
	const rounds, workers = 12, 2
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		s := h.store
		all := crowd(20)
		news := func(key string) notify.Acceptance {
			n := notify.Notification{Tenant: "acme", Provider: "weather", Title: "rain", CollapseKey: key}
			return notify.Acceptance{ID: newID(), Notification: n, Fingerprint: "rain", Filings: filings(all)}
		}
		jobs := map[string]func(ctx context.Context, i int) error{
			"collapse": func(ctx context.Context, i int) error {
				batch := []notify.Acceptance{news("a"), news("b")}
				slices.Reverse(batch[i%2].Filings)
				_, err := s.Accept(ctx, batch)
				return err
			},
			"fan out": func(ctx context.Context, i int) error {
				a := fanOut("sale")
				if _, err := s.Accept(ctx, []notify.Acceptance{a}); err != nil {
					return err
				}
				tasks, err := s.Claim(ctx, notify.Claim{Lease: time.Minute, FanOuts: 1})
				for _, k := range tasks {
					c := notify.Chunk{Task: notify.Lease{ID: k.ID, Epoch: k.Epoch}, Filings: filings(all), Done: true}
					if _, _, err := s.FanOut(ctx, c); err != nil {
						return err
					}
				}
				return err
			},
			"work": func(ctx context.Context, i int) error {
				tasks, err := s.Claim(ctx, notify.Claim{Lease: time.Minute, Channels: map[string]int{notify.Email: 50}})
				var outcomes []notify.Outcome
				for _, k := range tasks {
					outcomes = append(outcomes, notify.Outcome{Task: notify.Lease{ID: k.ID, Epoch: k.Epoch}, Status: notify.StatusDelivered})
				}
				if err != nil {
					return err
				}
				_, err = s.Settle(ctx, outcomes)
				return err
			},
			"read": func(ctx context.Context, i int) error {
				_, err := s.Mark(ctx, all[i%len(all)], notify.ItemMark{Op: notify.OpRead, UpTo: notify.Position{Filed: time.Now().Add(time.Hour), ID: newID()}})
				return err
			},
			"prune": func(ctx context.Context, i int) error {
				past := time.Now().Add(time.Hour)
				_, err := s.(notify.Pruner).Prune(ctx, notify.Prune{ReadBefore: past, DeliveriesBefore: past}, 100)
				return err
			},
			"erase": func(ctx context.Context, i int) error {
				r := all[(7*i)%len(all)]
				if _, err := s.(notify.Eraser).Erase(ctx, r); err != nil {
					return err
				}
				if err := s.(notify.Eraser).Restore(ctx, r); !errors.Is(err, notify.ErrNotFound) {
					return err
				}
				return nil
			},
		}
		var group sync.WaitGroup
		for name, job := range jobs {
			for range workers {
				group.Go(func() {
					for i := range rounds {
						assert.NoError(t, job(t.Context(), i), name)
					}
				})
			}
		}
		group.Wait()
	})
}

// While a lot is pruned, Sends go through. The bound is far above what one
// batch takes, and far below all of them.
func TestStorm_pruneHoldsNobodyForLong(t *testing.T) {
	const old = 20_000
	eachBackend(t, func(t *testing.T, b *backend) {
		now := time.Now()
		require.NoError(t, b.migrate(t.Context(), b.db, ""))
		s, _, err := b.open(b.db, "", func() time.Time { return now })
		require.NoError(t, err)
		for range old / 1000 {
			a := toAlice("old")
			a.Filings = nil
			for _, r := range crowd(1000) {
				a.Filings = append(a.Filings, notify.Filing{Recipient: r})
			}
			_, err := s.Accept(t.Context(), []notify.Acceptance{a})
			require.NoError(t, err)
		}
		n := newCenter(t, s, newMailbox())
		pruned := make(chan error, 1)
		go func() {
			_, err := n.Prune(t.Context(), notify.Prune{UnreadBefore: now.Add(time.Second), ReadBefore: now.Add(time.Second)})
			pruned <- err
		}()
		var longest time.Duration
		sends := 0
		for running := true; running; {
			select {
			case err := <-pruned:
				require.NoError(t, err)
				running = false
			default:
			}
			start := time.Now()
			_, err := n.Send(t.Context(), toTitle("new"))
			require.NoError(t, err)
			longest = max(longest, time.Since(start))
			sends++
		}
		t.Logf("%d sends beside the pruning, the longest took %v", sends, longest)
		assert.Less(t, longest, 5*time.Second)
	})
}

// What is done leaves the outbox.
func TestStorm_outboxIsEmptyAfterTheWork(t *testing.T) {
	eachBackend(t, func(t *testing.T, b *backend) {
		h := newHost(t, b, b.db)
		m := newMailbox()
		n := newCenter(t, h.store, m)
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for j := range 25 {
					_, err := n.Send(t.Context(), toTitle(fmt.Sprint(i, "/", j)))
					assert.NoError(t, err)
				}
			})
		}
		group.Wait()
		assert.Equal(t, 200, count(t, b.db, b.table("task")))
		require.NoError(t, n.Drain(t.Context()))
		assert.Zero(t, count(t, b.db, b.table("task")))
		assert.Equal(t, 200, count(t, b.db, b.table("delivery")))
		assert.Len(t, m.got, 200)
	})
}
