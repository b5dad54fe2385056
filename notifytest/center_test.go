package notifytest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/bellwether-go/notify/store/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	ann  = notify.User("ann")
	raj  = notify.User("raj")
	noon = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)
)

// everywhere runs a test in a bubble, where the center runs, and outside one,
// where it works step by step.
func everywhere(t *testing.T, test func(t *testing.T)) {
	t.Run("in a bubble", func(t *testing.T) { synctest.Test(t, test) })
	t.Run("outside", test)
}

func send(t testing.TB, c *notifytest.Center, title string, to ...notify.Recipient) {
	t.Helper()
	_, err := c.Send(t.Context(), notify.Notification{Provider: "parcels", To: to, Title: title})
	require.NoError(t, err)
}

// daily makes the e-mails of someone in Kolkata daily.
func daily(t testing.TB, c *notifytest.Center, r notify.Recipient) {
	t.Helper()
	_, err := c.SavePreferences(t.Context(), r, notify.Preferences{
		Channels: map[string]notify.Mode{notify.Email: notify.Daily, notify.Mobile: notify.Off, notify.Browser: notify.Off},
		TimeZone: "Asia/Kolkata",
	})
	require.NoError(t, err)
}

func TestCenter_sendsAndSettles(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := notifytest.New(t, nil)
		assert.Equal(t, time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC), c.Now())
		c.RequireNothingSent()
		send(t, c, "Your parcel is on its way", ann)
		call := c.RequireSent(ann, notify.Email, "Your parcel is on its way")
		assert.Equal(t, "ann@host.example", call.Address.Value)
		assert.Equal(t, c.Now(), call.At.UTC())
		c.RequireSent(ann, notify.Mobile, "Your parcel is on its way")
		c.RequireSent(ann, notify.Browser, "Your parcel is on its way")
		c.RequireNotSent(raj, "")
		c.RequireInbox(ann, "Your parcel is on its way")
		c.RequireInbox(raj)
		c.RequireUnread(ann, 1)
		c.RequireSettled()
	})
}

func TestCenter_retriesWhenTheyAreDue(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := notifytest.New(t, &notifytest.Options{Start: noon, Options: notify.Options{Retry: notify.Backoff{Base: time.Hour}}})
		c.Recorder(notify.Email).Next(channeltest.Fail(&notify.DeliveryError{RetryAfter: 90 * time.Minute, Err: errors.New("busy")}))
		send(t, c, "Hello", ann)
		c.Settle()
		c.RequireNotSent(ann, notify.Email)
		c.Advance(89 * time.Minute)
		c.RequireNotSent(ann, notify.Email)
		c.Advance(24 * time.Hour)
		call := c.RequireSent(ann, notify.Email, "Hello")
		assert.Equal(t, 2, call.Attempt)
		assert.GreaterOrEqual(t, call.At.Sub(noon), 90*time.Minute)
		assert.Less(t, call.At.Sub(noon), 4*time.Hour)
		c.RequireSettled()
	})
}

func TestCenter_playsADay(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := notifytest.New(t, &notifytest.Options{Start: noon.Add(-6 * time.Hour)})
		daily(t, c, raj)
		for _, title := range []string{"1", "2", "3", "4", "5", "6"} {
			send(t, c, title, raj)
			c.Advance(time.Minute)
		}
		c.RequireNothingSent()
		digest := c.RequireNextDigest(raj, "6", "5", "4", "3", "2")
		assert.Equal(t, 6, digest.Total)

		cut := c.AdvanceToDigest(raj, notify.Email)
		assert.Equal(t, "2026-05-04 18:00 IST", cut.Format("2006-01-02 15:04 MST"))
		assert.Equal(t, cut.UTC(), c.Now())
		call := c.RequireDigestSent(raj, notify.Email, "6", "5", "4", "3", "2")
		assert.Equal(t, 6, call.Digest.Total)
		c.RequireNextDigest(raj)
		c.RequireSettled()

		send(t, c, "7", raj)
		next := c.AdvanceToClock(raj, "18:00")
		assert.Equal(t, cut.AddDate(0, 0, 1), next)
		c.RequireDigestSent(raj, notify.Email, "7")
		assert.Equal(t, "2026-05-06 07:30", c.AdvanceToClock(raj, "07:30").Format("2006-01-02 15:04"))
	})
}

func TestCenter_takesTheHostsOptions(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		pigeons := &channeltest.Recorder{As: "pigeon", NoAddress: true}
		plain := struct{ notify.Channel }{&channeltest.Recorder{As: "owl"}}
		c := notifytest.New(t, &notifytest.Options{Options: notify.Options{
			Channels: []notify.Channel{pigeons, plain}, Directory: notify.People{}, Defaults: map[string]notify.Mode{"pigeon": notify.Daily},
		}})
		assert.Same(t, pigeons, c.Recorder("pigeon"))
		send(t, c, "Hello", ann)
		c.RequireNotSent(ann, "pigeon")
		c.AdvanceToDigest(ann, "pigeon")
		c.RequireDigestSent(ann, "pigeon", "Hello")
	})
}

func TestCenter_opensTheHostsStore(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		var store *memory.Store
		c := notifytest.New(t, &notifytest.Options{Start: noon, Open: func(now func() time.Time) (notify.Store, error) {
			assert.Equal(t, noon, now())
			store = memory.New(&memory.Options{Now: now})
			return store, nil
		}})
		assert.Same(t, store, c.Store)
		send(t, c, "Hello", ann)
		c.Advance(time.Hour)
		at, err := store.Now(t.Context())
		require.NoError(t, err)
		assert.Equal(t, noon.Add(time.Hour), at)
		c.RequireSent(ann, notify.Email, "Hello")
	})
}

func TestCenter_readsAreSeen(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := notifytest.New(t, nil)
		daily(t, c, raj)
		send(t, c, "old", raj)
		send(t, c, "new", raj)
		items := c.RequireInbox(raj, "new", "old")
		_, err := c.Inbox(raj).Mark(t.Context(), notify.Mark{Op: notify.OpRead, IDs: []notify.ID{items[1].ID}})
		require.NoError(t, err)
		c.RequireUnread(raj, 1)
		c.RequireNextDigest(raj, "new")
		c.RequireInbox(raj, "new", "old")
	})
}

// What a test leaves to its cleanup comes when its context has ended.
func TestCenter_isThereForTheCleanup(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := notifytest.New(t, nil)
		send(t, c, "Your parcel is on its way", ann)
		t.Cleanup(func() {
			c.RequireSent(ann, notify.Email, "Your parcel is on its way")
			c.RequireUnread(ann, 1)
			c.RequireSettled()
		})
	})
}
