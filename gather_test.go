package notify_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// slow is a store whose commits take a while.
type slow struct {
	*memory.Store
	batches atomic.Int32
	commit  time.Duration
}

func (s *slow) Unwrap() notify.Store { return s.Store }

func (s *slow) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	s.batches.Add(1)
	select {
	case <-time.After(s.commit):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.Store.Accept(ctx, batch)
}

func TestGather_oneCommitForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memory.New(nil), commit: time.Second}
		n, err := notify.New(store, nil)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				receipts, err := n.Send(t.Context(), note(fmt.Sprint(i)))
				if assert.NoError(t, err) {
					item, err := n.Inbox(ada).Get(t.Context(), receipts[0].ID)
					assert.NoError(t, err)
					assert.Equal(t, fmt.Sprint(i), item.Notification.Title, "each gets its own receipt")
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 2, store.batches.Load(), "the first alone, the others together")
	})
}

func TestGather_aCallerThatLeavesHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memory.New(nil), commit: 2 * time.Second}
		mail := &outlet{name: notify.Email}
		n := newEngine(t, store, mail)
		defer running(t, n)()
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i, patience := range []time.Duration{time.Minute, time.Second, time.Minute, 3 * time.Second} {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, errs[i] = n.Send(ctx, note(fmt.Sprint(i)))
			})
			synctest.Wait()
		}
		wg.Wait()
		require.NoError(t, errs[0])
		require.ErrorContains(t, errs[1], "not sent", "it left the queue before its turn")
		require.ErrorIs(t, errs[1], context.DeadlineExceeded)
		require.NoError(t, errs[2])
		require.ErrorContains(t, errs[3], "outcome unknown", "it left while another wrote for it")
		require.ErrorIs(t, errs[3], context.DeadlineExceeded)
		time.Sleep(time.Second)
		assert.ElementsMatch(t, []string{"0", "2", "3"}, sentTitles(mail), "what was committed is delivered at once")
	})
}

func TestGather_whoGivesUpKnowsWhatBecameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memory.New(nil), commit: time.Second}
		n, err := notify.New(store, nil)
		require.NoError(t, err)
		random := rand.New(rand.NewPCG(1, 2))
		var wg sync.WaitGroup
		outcomes := make([]error, 300)
		for i := range outcomes {
			patience := time.Duration(random.Int64N(int64(4 * time.Second)))
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, outcomes[i] = n.Send(ctx, note(fmt.Sprint(i)))
			})
			time.Sleep(time.Duration(random.Int64N(int64(20 * time.Millisecond))))
		}
		wg.Wait()
		stored := map[string]bool{}
		for item, err := range n.Inbox(ada).All(t.Context(), notify.Query{Limit: 200}) {
			require.NoError(t, err)
			stored[item.Notification.Title] = true
		}
		seen := map[string]int{}
		for i, err := range outcomes {
			title := fmt.Sprint(i)
			switch {
			case err == nil:
				seen["stored"]++
				assert.True(t, stored[title])
			case strings.Contains(err.Error(), "not sent"):
				seen["not sent"]++
				assert.False(t, stored[title])
			default:
				seen["unknown"]++
				assert.ErrorContains(t, err, "outcome unknown")
			}
		}
		assert.Len(t, seen, 3, "all three happened: %v", seen)
		send(t, n, note("the next one")) // nobody holds the lead for ever
	})
}

func TestGather_aPanicDoesNotBlockTheNextSend(t *testing.T) {
	var bad atomic.Bool
	bad.Store(true)
	n := center(t, &outlet{name: notify.Email}, func(o *notify.Options) {
		o.Providers = catalogFunc(func() []notify.Provider {
			if bad.Load() {
				panic("catalog")
			}
			return []notify.Provider{{ID: "billing"}}
		})
	})
	assert.Panics(t, func() { _, _ = n.Send(t.Context(), note("one")) })
	bad.Store(false)
	send(t, n, note("two"))
}

type catalogFunc func() []notify.Provider

func (f catalogFunc) Providers(context.Context, notify.Recipient) ([]notify.Provider, error) {
	return f(), nil
}
