package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// brittle is a store one method of which fails.
type brittle struct {
	*memory.Store
	mu     sync.Mutex
	method string
}

// fail has that method fail from now on; "" is none.
func (b *brittle) fail(method string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.method = method
}

var errDisk = errors.New("disk full")

func (b *brittle) fails(method string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.method == method {
		return errDisk
	}
	return nil
}

func (b *brittle) Accept(ctx context.Context, batch []notify.Acceptance) ([]notify.Receipt, error) {
	if err := b.fails("Accept"); err != nil {
		return nil, err
	}
	return b.Store.Accept(ctx, batch)
}

func (b *brittle) Profiles(ctx context.Context, rs []notify.Recipient) (map[notify.Recipient]notify.Profile, error) {
	if err := b.fails("Profiles"); err != nil {
		return nil, err
	}
	return b.Store.Profiles(ctx, rs)
}

func (b *brittle) SaveProfile(ctx context.Context, r notify.Recipient, p notify.Profile) error {
	if err := b.fails("SaveProfile"); err != nil {
		return err
	}
	return b.Store.SaveProfile(ctx, r, p)
}

func (b *brittle) Items(ctx context.Context, r notify.Recipient, q notify.ItemQuery) ([]notify.Item, error) {
	if err := b.fails("Items"); err != nil {
		return nil, err
	}
	return b.Store.Items(ctx, r, q)
}

func (b *brittle) Counts(ctx context.Context, r notify.Recipient, limit int) (notify.Counts, error) {
	if err := b.fails("Counts"); err != nil {
		return notify.Counts{}, err
	}
	return b.Store.Counts(ctx, r, limit)
}

func (b *brittle) Mark(ctx context.Context, r notify.Recipient, m notify.ItemMark) (int, error) {
	if err := b.fails("Mark"); err != nil {
		return 0, err
	}
	return b.Store.Mark(ctx, r, m)
}

func (b *brittle) Withdraw(ctx context.Context, w notify.Withdrawal) ([]notify.ID, error) {
	if err := b.fails("Withdraw"); err != nil {
		return nil, err
	}
	return b.Store.Withdraw(ctx, w)
}

func (b *brittle) Sweep(ctx context.Context, id notify.ID, limit int) ([]notify.Recipient, error) {
	if err := b.fails("Sweep"); err != nil {
		return nil, err
	}
	return b.Store.Sweep(ctx, id, limit)
}

func (b *brittle) Claim(ctx context.Context, c notify.Claim) ([]notify.Task, error) {
	if err := b.fails("Claim"); err != nil {
		return nil, err
	}
	return b.Store.Claim(ctx, c)
}

func (b *brittle) Renew(ctx context.Context, held []notify.Lease, lease time.Duration) ([]notify.ID, error) {
	if err := b.fails("Renew"); err != nil {
		return nil, err
	}
	return b.Store.Renew(ctx, held, lease)
}

func (b *brittle) Load(ctx context.Context, tasks []notify.Task, count int) ([]notify.Facts, time.Time, error) {
	if err := b.fails("Load"); err != nil {
		return nil, time.Time{}, err
	}
	return b.Store.Load(ctx, tasks, count)
}

func (b *brittle) Settle(ctx context.Context, o []notify.Outcome) ([]notify.ID, error) {
	if err := b.fails("Settle"); err != nil {
		return nil, err
	}
	return b.Store.Settle(ctx, o)
}

func (b *brittle) FanOut(ctx context.Context, c notify.Chunk) (time.Time, bool, error) {
	if err := b.fails("FanOut"); err != nil {
		return time.Time{}, false, err
	}
	return b.Store.FanOut(ctx, c)
}

func (b *brittle) DuePlans(ctx context.Context, channels []string, limit int) ([]notify.Plan, time.Time, error) {
	if err := b.fails("DuePlans"); err != nil {
		return nil, time.Time{}, err
	}
	return b.Store.DuePlans(ctx, channels, limit)
}

func (b *brittle) OpenDigests(ctx context.Context, o []notify.Opening) error {
	if err := b.fails("OpenDigests"); err != nil {
		return err
	}
	return b.Store.OpenDigests(ctx, o)
}

func (b *brittle) DigestEntries(ctx context.Context, t notify.Task) ([]notify.DigestEntry, error) {
	if err := b.fails("DigestEntries"); err != nil {
		return nil, err
	}
	return b.Store.DigestEntries(ctx, t)
}

func (b *brittle) Pauses(ctx context.Context) ([]notify.Pause, error) {
	if err := b.fails("Pauses"); err != nil {
		return nil, err
	}
	return b.Store.Pauses(ctx)
}

func (b *brittle) Suppressed(ctx context.Context, tenant string, as []notify.Address) ([]notify.Suppression, error) {
	if err := b.fails("Suppressed"); err != nil {
		return nil, err
	}
	return b.Store.Suppressed(ctx, tenant, as)
}

func (b *brittle) Deliveries(ctx context.Context, q notify.DeliveryQuery) ([]notify.DeliveryRecord, error) {
	if err := b.fails("Deliveries"); err != nil {
		return nil, err
	}
	return b.Store.Deliveries(ctx, q)
}

func (b *brittle) Stats(ctx context.Context) (notify.Stats, error) {
	if err := b.fails("Stats"); err != nil {
		return notify.Stats{}, err
	}
	return b.Store.Stats(ctx)
}

func (b *brittle) Erase(ctx context.Context, r notify.Recipient) (bool, error) {
	if err := b.fails("Erase"); err != nil {
		return false, err
	}
	return b.Store.Erase(ctx, r)
}

func (b *brittle) Prune(ctx context.Context, p notify.Prune, limit int) (int, error) {
	if err := b.fails("Prune"); err != nil {
		return 0, err
	}
	return b.Store.Prune(ctx, p, limit)
}

func TestStoreFailure_surfacesInTheCallThatNeededIt(t *testing.T) {
	send := func(n *notify.Notifier, t *testing.T) error { _, err := n.Send(t.Context(), note("x")); return err }
	drain := func(n *notify.Notifier, t *testing.T) error { return n.Drain(t.Context()) }
	page := func(n *notify.Notifier, t *testing.T) error {
		_, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
		return err
	}
	withdraw := func(n *notify.Notifier, t *testing.T) error {
		_, err := n.Withdraw(t.Context(), notify.Withdrawal{Entity: "e"})
		return err
	}
	for method, call := range map[string]func(*notify.Notifier, *testing.T) error{
		"Accept": send, "Profiles": send, "Items": page, "Counts": page,
		"Claim": drain, "Load": drain, "Settle": drain, "FanOut": drain, "DuePlans": drain, "OpenDigests": drain,
		"DigestEntries": drain, "Pauses": drain, "Suppressed": drain, "Withdraw": withdraw, "Sweep": withdraw,
		"SaveProfile": func(n *notify.Notifier, t *testing.T) error {
			p, err := n.Preferences(t.Context(), ada)
			require.NoError(t, err)
			_, err = n.SavePreferences(t.Context(), ada, p)
			return err
		},
		"Mark": func(n *notify.Notifier, t *testing.T) error {
			items, err := n.Inbox(ada).Page(t.Context(), notify.Query{})
			require.NoError(t, err)
			_, err = n.Inbox(ada).Mark(t.Context(), notify.Mark{Op: notify.OpRead, UpTo: items.Head})
			return err
		},
		"Deliveries": func(n *notify.Notifier, t *testing.T) error {
			_, err := n.Deliveries(t.Context(), notify.DeliveryQuery{})
			return err
		},
		"Stats": func(n *notify.Notifier, t *testing.T) error { _, err := n.Health(t.Context()); return err },
		"Erase": func(n *notify.Notifier, t *testing.T) error { return n.Erase(t.Context(), ada) },
		"Prune": func(n *notify.Notifier, t *testing.T) error {
			_, err := n.Prune(t.Context(), notify.Prune{ReadBefore: time.Now()})
			return err
		},
	} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &brittle{Store: memory.New(nil)}
				mail := &outlet{name: notify.Email}
				n := newEngine(t, store, mail)
				daily := note("daily")
				daily.Provider, daily.Entity = "digests", "e"
				save(t, n, func(p *notify.Preferences) {
					p.Choices = map[string]map[string]notify.Mode{"digests": {notify.Email: notify.Daily}}
				})
				later := note("later")
				later.NotBefore = time.Now().Add(time.Hour)
				_, err := n.Send(t.Context(), daily, note("at once"), later)
				require.NoError(t, err)
				time.Sleep(19 * time.Hour)
				store.fail(method)
				require.ErrorIs(t, call(n, t), errDisk)
				store.fail("")
				time.Sleep(time.Hour)
				// What failed half-way is done whole by the next attempt.
				require.NoError(t, n.Drain(t.Context()))
				time.Sleep(time.Hour)
				require.NoError(t, n.Drain(t.Context()))
				for _, r := range records(t, n) {
					assert.Contains(t, []notify.Status{notify.StatusDelivered, notify.StatusSkipped}, r.Status, r.Reason)
				}
			})
		})
	}
}

func TestStoreFailure_duringRunLosesAndRepeatsNothing(t *testing.T) { // R16, R20
	for _, method := range []string{
		"Claim", "Load", "Settle", "FanOut", "DuePlans", "OpenDigests", "DigestEntries", "Items", "Pauses", "Suppressed", "Profiles", "Renew", "Sweep",
	} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &brittle{Store: memory.New(nil)}
				mail := &outlet{name: notify.Email}
				n := newEngine(t, store, mail)
				save(t, n, func(p *notify.Preferences) {
					p.Choices = map[string]map[string]notify.Mode{"digests": {notify.Email: notify.Daily}}
				})
				digest, later, gone := note("daily"), note("later"), note("gone")
				digest.Provider, gone.Entity = "digests", "e"
				later.NotBefore = time.Now().Add(18*time.Hour - time.Second)
				send(t, n, digest, later, gone)
				time.Sleep(18*time.Hour - 2*time.Second)
				stop := running(t, n)
				store.fail(method)
				_, _ = n.Send(t.Context(), note("at once")) // refused for some of them
				_, _ = n.Withdraw(t.Context(), notify.Withdrawal{Entity: "e"})
				time.Sleep(50 * time.Second)
				store.fail("")
				send(t, n, note("after"))
				time.Sleep(5 * time.Minute)
				stop()
				times := map[string]int{}
				for _, d := range mail.deliveries() {
					times[d.Identity()]++
				}
				for _, count := range times {
					assert.Equal(t, 1, count)
				}
				assert.Len(t, mail.letters(), 1)
				assert.Subset(t, sentTitles(mail), []string{"later", "after"})
				for _, r := range records(t, n) {
					assert.Contains(t, []notify.Status{notify.StatusDelivered, notify.StatusSkipped}, r.Status, r.Reason)
				}
				health, err := n.Health(t.Context())
				require.NoError(t, err)
				assert.Empty(t, health.LastError)
				assert.Empty(t, health.Stats.Queues)
			})
		})
	}
}

func TestObserveAndLog_tellWhatHappensButNoAddress(t *testing.T) { // R34
	synctest.Test(t, func(t *testing.T) {
		const canary = "canary@secret.example"
		var mu sync.Mutex
		var events []notify.Event
		var log bytes.Buffer
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			return &notify.DeliveryError{Class: notify.Misconfigured, Err: errors.New("535")}
		}}
		n := center(t, mail, func(o *notify.Options) {
			unhurried(o)
			o.Directory = notify.People{ada: {TimeZone: "Mars/Olympus", Addresses: []notify.Address{{Channel: notify.Email, Value: canary}}}}
			o.Logger = slog.New(slog.NewTextHandler(&lockedWriter{mu: &mu, w: &log}, nil))
			o.Observe = func(_ context.Context, e notify.Event) {
				mu.Lock()
				defer mu.Unlock()
				events = append(events, e)
			}
		})
		save(t, n, func(p *notify.Preferences) {
			p.Choices = map[string]map[string]notify.Mode{"chats": {notify.Email: notify.Daily}}
		})
		stop := running(t, n)
		digest := note("digest")
		digest.Provider = "chats"
		send(t, n, note("at once"), digest)
		time.Sleep(20 * time.Hour)
		stop()
		mu.Lock()
		defer mu.Unlock()
		types := map[notify.EventType]bool{}
		for _, e := range events {
			types[e.Type] = true
			assert.NotContains(t, fmt.Sprintf("%+v", e), canary)
		}
		for _, want := range []notify.EventType{
			notify.EventAccepted, notify.EventAttempt, notify.EventSettled, notify.EventPaused, notify.EventDigest, notify.EventZone,
		} {
			assert.True(t, types[want], want)
		}
		assert.NotContains(t, log.String(), canary)
		assert.Contains(t, log.String(), "paused")
	})
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
