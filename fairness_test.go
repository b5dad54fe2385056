package notify_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/memory"
)

// crowd counts who is under way at the same time.
type crowd struct {
	mu   sync.Mutex
	now  map[string]int
	most map[string]int
	all  int // at the same time, at most
	sum  int
}

// slow is an answer that takes its time, and counts by a name.
func (c *crowd) slow(took time.Duration, name func(notify.Delivery) string) func(context.Context, notify.Delivery) error {
	c.now, c.most = map[string]int{}, map[string]int{}
	return func(ctx context.Context, d notify.Delivery) error {
		who := name(d)
		c.mu.Lock()
		c.now[who]++
		c.sum++
		c.most[who], c.all = max(c.most[who], c.now[who]), max(c.all, c.sum)
		c.mu.Unlock()
		select {
		case <-time.After(took):
		case <-ctx.Done():
		}
		c.mu.Lock()
		c.now[who]--
		c.sum--
		c.mu.Unlock()
		return ctx.Err()
	}
}

func (c *crowd) peaks() (most map[string]int, all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most, all = c.most, c.all
	c.most, c.all = map[string]int{}, 0
	return most, all
}

func TestFairness_nobodyHoldsMoreThanAQuarterWhileOthersWait(t *testing.T) { // R26
	tenantOf := func(d notify.Delivery) string { return d.Recipient.Tenant }
	for name, c := range map[string]struct {
		of    func(notify.Delivery) string
		first func(i int) (tenant, provider, address string)
		other func(i int) (tenant, provider, address string)
	}{
		"tenants": {tenantOf,
			func(int) (string, string, string) { return "acme", "billing", "a" },
			func(int) (string, string, string) { return "globex", "billing", "a" }},
		"tenants with many providers": {tenantOf,
			func(i int) (string, string, string) { return "acme", fmt.Sprint("p", i%20), "a" },
			func(i int) (string, string, string) { return "globex", fmt.Sprint("p", i%20), "a" }},
		"providers": {func(d notify.Delivery) string { return d.Item.Notification.Provider },
			func(int) (string, string, string) { return "", "billing", "a" },
			func(int) (string, string, string) { return "", "chats", "a" }},
		"destinations": {func(d notify.Delivery) string { return d.Address.Value },
			func(i int) (string, string, string) { return "", fmt.Sprint("p", i%20), "a" },
			func(i int) (string, string, string) { return "", fmt.Sprint("q", i%20), "b" }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var counts crowd
				hook := routed{&outlet{name: notify.Webhook, answer: counts.slow(time.Second, c.of)}}
				people := notify.People{}
				n, err := notify.New(memory.New(nil), &notify.Options{
					Channels: []notify.Channel{hook}, Directory: people,
					Links: notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org" }},
				})
				require.NoError(t, err)
				flood := func(from, to int, who func(int) (string, string, string)) {
					for i := from; i < to; i++ {
						tenant, provider, address := who(i)
						r := notify.Recipient{Tenant: tenant, ID: fmt.Sprint(address, i)}
						people[r] = notify.Contact{Addresses: []notify.Address{{Channel: notify.Webhook, Value: address}}}
						send(t, n, notify.Notification{Provider: provider, To: []notify.Recipient{r}, Title: "hello"})
					}
				}
				flood(0, 100, c.first)
				flood(100, 200, c.other)
				defer running(t, n)()
				time.Sleep(5 * time.Second)
				most, all := counts.peaks()
				require.Len(t, most, 2)
				for who, peak := range most {
					assert.LessOrEqual(t, peak, 4, who)
				}
				assert.LessOrEqual(t, all, 16)
				time.Sleep(2 * time.Minute)
				for _, r := range records(t, n) {
					assert.Equal(t, notify.StatusDelivered, r.Status)
				}
			})
		})
	}
}

func TestFairness_aloneSomebodyTakesAllButALittle(t *testing.T) { // R26
	for name, channel := range map[string]func(*outlet) notify.Channel{
		"no router": func(o *outlet) notify.Channel { return o },
		"one relay": func(o *outlet) notify.Channel { return routed{o} },
	} {
		synctest.Test(t, func(t *testing.T) {
			var counts crowd
			mail := &outlet{name: notify.Email, answer: counts.slow(time.Second, func(notify.Delivery) string { return "all" })}
			n := center(t, mail, func(o *notify.Options) { o.Channels = []notify.Channel{channel(mail)} })
			defer running(t, n)()
			for i := range 100 {
				send(t, n, note(fmt.Sprint(i)))
			}
			time.Sleep(20 * time.Second)
			most, _ := counts.peaks()
			assert.Equal(t, 14, most["all"], name)
			assert.Len(t, mail.deliveries(), 100)
		})
	}
}

func TestFairness_bulkLeavesAQuarterForWhatIsUrgent(t *testing.T) { // R26
	synctest.Test(t, func(t *testing.T) {
		var counts crowd
		mail := &outlet{name: notify.Email, answer: counts.slow(time.Minute/2, func(d notify.Delivery) string {
			return fmt.Sprint(d.Item.Notification.Priority)
		})}
		n := center(t, mail, func(o *notify.Options) { o.Providers = nil })
		defer running(t, n)()
		for i := range 200 {
			low := note(fmt.Sprint(i))
			low.Provider, low.Priority = fmt.Sprint("p", i%50), notify.Low
			send(t, n, low)
		}
		time.Sleep(5 * time.Second)
		most, _ := counts.peaks()
		assert.Equal(t, 12, most[fmt.Sprint(notify.Low)])
		for i := range 4 {
			urgent := note(fmt.Sprint("urgent", i))
			urgent.Provider, urgent.Priority = fmt.Sprint("p", i), notify.High
			send(t, n, urgent)
		}
		time.Sleep(2 * time.Second)
		most, all := counts.peaks()
		assert.Equal(t, 4, most[fmt.Sprint(notify.High)], "they begin at once, beside bulk that is under way")
		assert.Equal(t, 16, all)
	})
}

func TestFairness_urgentComesBeforeWhatWaits(t *testing.T) { // R26
	synctest.Test(t, func(t *testing.T) {
		mail := &outlet{name: notify.Email, answer: func(context.Context, notify.Delivery) error {
			time.Sleep(10 * time.Second)
			return nil
		}}
		n := center(t, mail, func(o *notify.Options) { o.Workers = 1 })
		defer running(t, n)()
		for i := range 20 { // more than one process takes
			send(t, n, note(fmt.Sprint("normal", i)))
		}
		synctest.Wait()
		low, urgent := note("low"), note("urgent")
		low.Priority, urgent.Priority = notify.Low, notify.High
		send(t, n, low, urgent)
		time.Sleep(35 * time.Second)
		titles := sentTitles(mail)
		require.GreaterOrEqual(t, len(titles), 2)
		assert.Equal(t, "urgent", titles[1], "right behind what had begun")
		time.Sleep(5 * time.Minute)
		titles = sentTitles(mail)
		assert.Equal(t, "low", titles[len(titles)-1])
		assert.Len(t, titles, 22)
	})
}
