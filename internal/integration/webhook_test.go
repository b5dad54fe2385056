package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/webhook"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/bellwether-go/notify/store/memory"
)

// hooks is a center with the webhook channel.
type hooks struct {
	*notify.Notifier
	advance func(time.Duration)
}

func newHooks(t *testing.T, s notify.Store, advance func(time.Duration), change func(*notify.Options)) hooks {
	t.Helper()
	some := notifytest.NewWebhook(t) // all have one certificate
	channel, err := webhook.New(webhook.Options{Allow: loopback, RootCAs: some.RootCAs()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = channel.Close() })
	opts := &notify.Options{Channels: []notify.Channel{channel}}
	if change != nil {
		change(opts)
	}
	n, err := notify.New(s, opts)
	require.NoError(t, err)
	return hooks{n, advance}
}

func (h hooks) register(t *testing.T, who notify.Recipient, url string, secrets ...string) error {
	t.Helper()
	meta, err := json.Marshal(webhook.Endpoint{Secrets: secrets})
	require.NoError(t, err)
	_, err = h.Register(t.Context(), who, notify.Registration{
		Address: notify.Address{Channel: notify.Webhook, Value: url, Meta: meta},
	})
	return err
}

func (h hooks) drain(t *testing.T) {
	t.Helper()
	require.NoError(t, h.Drain(t.Context()))
}

// What we sign is verified by the library of those who wrote the standard, and
// what it signs by ours.
func TestWebhooks_areVerifiedByTheReferenceLibrary(t *testing.T) {
	h := newHooks(t, memory.New(nil), nil, nil)
	old, fresh := webhook.NewSecret(), webhook.NewSecret()
	r := notifytest.NewWebhook(t, old)
	require.NoError(t, h.register(t, alice, r.URL(), fresh, old))
	_, err := h.Send(t.Context(), toTitle("Ünïcode & <b>more</b>\u2028"))
	require.NoError(t, err)
	h.drain(t)
	require.Len(t, r.Accepted(), 1)
	got := r.Accepted()[0]
	for _, secret := range []string{old, fresh} {
		theirs, err := standard.NewWebhook(secret)
		require.NoError(t, err)
		require.NoError(t, theirs.Verify(got.Body, got.Header))
		require.Error(t, theirs.Verify(append([]byte(" "), got.Body...), got.Header))

		now := time.Now()
		signature, err := theirs.Sign("msg_1", now, got.Body)
		require.NoError(t, err)
		signed := http.Header{}
		signed.Set(standard.HeaderWebhookID, "msg_1")
		signed.Set(standard.HeaderWebhookTimestamp, fmt.Sprint(now.Unix()))
		signed.Set(standard.HeaderWebhookSignature, signature)
		require.NoError(t, webhook.Verify(signed, got.Body, now, secret))
	}
	stranger, err := standard.NewWebhook(webhook.NewSecret())
	require.NoError(t, err)
	require.Error(t, stranger.Verify(got.Body, got.Header))
}

func TestWebhooks_changeTheirSecretWithoutAGap(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		h := newHooks(t, s, advance, nil)
		old, fresh := webhook.NewSecret(), webhook.NewSecret()
		before, after := notifytest.NewWebhook(t, old), notifytest.NewWebhook(t, fresh)
		for _, step := range []struct {
			secrets []string
			reader  *notifytest.Webhook
		}{{[]string{old}, before}, {[]string{fresh, old}, before}, {[]string{fresh, old}, after}, {[]string{fresh}, after}} {
			url := step.reader.URL() + "/hook"
			require.NoError(t, h.register(t, alice, url, step.secrets...))
			_, err := h.Send(t.Context(), toTitle("one"))
			require.NoError(t, err)
			h.drain(t)
			all, err := h.Addresses(t.Context(), alice)
			require.NoError(t, err)
			require.Len(t, all, 1)
			require.NoError(t, h.Unregister(t.Context(), alice, all[0].ID))
		}
		assert.Len(t, before.Accepted(), 2)
		assert.Len(t, after.Accepted(), 2)
		for _, r := range []*notifytest.Webhook{before, after} {
			assert.Equal(t, 2, r.Requests(), "none was refused")
		}
		require.NoError(t, h.register(t, alice, before.URL(), old))
		require.ErrorIs(t, h.register(t, notify.Recipient{Tenant: "acme", ID: "mallory"}, before.URL(), fresh), notify.ErrConflict)
	})
}

func TestWebhooks_endBy410AndByNothingElse(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		h := newHooks(t, s, advance, nil)
		r := notifytest.NewWebhook(t)
		require.NoError(t, h.register(t, alice, r.URL(), r.Secrets()...))
		left := func() int {
			all, err := h.Addresses(t.Context(), alice)
			require.NoError(t, err)
			return len(all)
		}
		for _, failure := range []notifytest.Reply{
			{Status: 500}, {Status: 404}, {Status: 401}, {Status: 400}, {Status: 429}, {Status: 307}, {Reset: true}, {Status: 200 + 800},
		} {
			r.Script(failure)
			_, err := h.Send(t.Context(), toTitle("one"))
			require.NoError(t, err)
			h.drain(t)
			h.advance(25 * time.Hour)
			h.drain(t)
			assert.Equal(t, 1, left(), "%+v", failure)
		}
		r.Answer(func(notifytest.WebhookRequest) notifytest.Reply { return notifytest.Reply{Status: 410} })
		_, err := h.Send(t.Context(), toTitle("last"))
		require.NoError(t, err)
		h.drain(t)
		assert.Zero(t, left())
	})
}

func TestWebhooks_comeAgainUnderTheSameIdNotBeforeTheReceiverWants(t *testing.T) {
	onEachStore(t, func(t *testing.T, s notify.Store, advance func(time.Duration)) {
		h := newHooks(t, s, advance, nil)
		r := notifytest.NewWebhook(t)
		require.NoError(t, h.register(t, alice, r.URL(), r.Secrets()...))
		r.Script(notifytest.Reply{Status: 503, Header: http.Header{"Retry-After": {"3600"}}}, notifytest.Reply{Reset: true})
		_, err := h.Send(t.Context(), toTitle("one"))
		require.NoError(t, err)
		h.drain(t)
		h.advance(59 * time.Minute)
		h.drain(t)
		assert.Equal(t, 1, r.Requests())
		h.advance(2 * time.Minute)
		h.drain(t)
		assert.Equal(t, 2, r.Requests())
		h.advance(2 * time.Hour)
		h.drain(t)
		require.Len(t, r.Taken(), 2)
		first, second := r.Taken()[0], r.Taken()[1]
		assert.Equal(t, first.ID, second.ID)
		assert.Equal(t, string(first.Body), string(second.Body))
	})
}

// R26: a receiver that is down is left alone, is seen in Health, and nobody else
// notices.
func TestWebhooks_oneHostThatIsDownHarmsNoOther(t *testing.T) {
	dead, alive := notifytest.NewWebhook(t), notifytest.NewWebhook(t)
	dead.Answer(func(notifytest.WebhookRequest) notifytest.Reply { return notifytest.Reply{Status: 502} })
	down := make(chan notify.Event, 1)
	h := newHooks(t, memory.New(nil), nil, func(o *notify.Options) {
		o.Observe = func(_ context.Context, e notify.Event) {
			if e.Type == notify.EventDestination && e.Err != nil {
				select {
				case down <- e:
				default:
				}
			}
		}
	})
	const each = 30
	var everybody []notify.Recipient
	for i := range each {
		for name, r := range map[string]*notifytest.Webhook{"dead": dead, "alive": alive} {
			who := notify.Recipient{Tenant: "acme", ID: fmt.Sprint(name, i)}
			require.NoError(t, h.register(t, who, fmt.Sprint(r.URL(), "/", i), r.Secrets()...))
			everybody = append(everybody, who)
		}
	}
	arrived := make(chan struct{}, each)
	var count atomic.Int64
	alive.Answer(func(notifytest.WebhookRequest) notifytest.Reply {
		if count.Add(1) <= each {
			arrived <- struct{}{}
		}
		return notifytest.Reply{}
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, h.Run(ctx)) })
	defer running.Wait()
	defer stop()
	_, err := h.Send(ctx, notify.Notification{Provider: "billing", To: everybody, Title: "one"})
	require.NoError(t, err)
	patience := time.After(time.Minute)
	for range each {
		select {
		case <-arrived:
		case <-patience:
			require.FailNow(t, "those that work were held up")
		}
	}
	var e notify.Event
	select {
	case e = <-down:
	case <-patience:
		require.FailNow(t, "nobody noticed")
	}
	assert.Equal(t, strings.TrimPrefix(dead.URL(), "https://"), e.Destination)
	health, err := h.Health(ctx)
	require.NoError(t, err)
	require.Len(t, health.Destinations, 1)
	assert.Equal(t, e.Destination, health.Destinations[0].Destination)
	assert.Equal(t, notify.DestinationDown, health.Destinations[0].State)
	assert.NotContains(t, fmt.Sprint(health), "whsec_")
	assert.Less(t, dead.Requests(), each, "left alone before everybody had tried")
}
