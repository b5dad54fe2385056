package email

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestUnsubscribeLinksKnowWhatTheyEnd(t *testing.T) {
	type call struct {
		who      notify.Recipient
		provider string
	}
	var calls []call
	link := "https://app.acme.example/u/token"
	c := newChannel(t, func(o *Options) {
		o.Unsubscribe = func(r notify.Recipient, provider string) string {
			calls = append(calls, call{r, provider})
			return link
		}
	})
	d, g := digest()
	d.Recipient = notify.Recipient{Tenant: "t", ID: "joerg"}
	raw, err := c.PreviewDigest(d, g)
	require.NoError(t, err)
	assert.Equal(t, "<"+link+">", read(t, raw).Header.Get("List-Unsubscribe"))
	d.Item = delivery().Item
	raw, err = c.Preview(d)
	require.NoError(t, err)
	assert.Equal(t, "<"+link+">", read(t, raw).Header.Get("List-Unsubscribe"))
	assert.Contains(t, read(t, raw).text, "Unsubscribe: "+link)
	assert.Equal(t, []call{{d.Recipient, ""}, {d.Recipient, "billing"}}, calls)

	link = ""
	raw, err = c.Preview(d)
	require.NoError(t, err)
	assert.Empty(t, read(t, raw).Header.Get("List-Unsubscribe"))
	assert.NotContains(t, read(t, raw).text, "Unsubscribe", "it decides, also that there is none")

	link = "https://app.acme.example/\r\nBcc: x@y.example"
	err = c.Deliver(t.Context(), d)
	var bad *notify.InvalidError
	require.ErrorAs(t, err, &bad)
	assert.Equal(t, "Unsubscribe", bad.Field)
	assert.Equal(t, notify.Permanent, classOf(t, err))
}

func TestLettersAboutOneThingAreOneThread(t *testing.T) {
	c := newChannel(t, nil)
	root := func(r notify.Recipient, n notify.Notification) string {
		d := delivery()
		d.Recipient = r
		d.Item.Notification.Provider, d.Item.Notification.Entity, d.Item.Notification.CollapseKey = n.Provider, n.Entity, n.CollapseKey
		raw, err := c.Preview(d)
		require.NoError(t, err)
		m := read(t, raw)
		assert.Equal(t, m.Header["References"], m.Header["In-Reply-To"])
		return m.Header.Get("References")
	}
	ann := notify.User("ann")
	one := root(ann, notify.Notification{Provider: "p", Entity: "task/17"})
	assert.Regexp(t, `^<notify\.thread\.[0-9a-f]{32}@acme\.example>$`, one, "it does not tell which")
	assert.Equal(t, one, root(ann, notify.Notification{Provider: "p", Entity: "task/17", CollapseKey: "x"}))
	assert.Empty(t, root(ann, notify.Notification{Provider: "p"}))
	seen := map[string]bool{one: true}
	for _, other := range []struct {
		r notify.Recipient
		n notify.Notification
	}{
		{ann, notify.Notification{Provider: "p", Entity: "task/18"}},
		{ann, notify.Notification{Provider: "p", CollapseKey: "task/17"}},
		{ann, notify.Notification{Provider: "q", Entity: "task/17"}},
		{notify.User("bob"), notify.Notification{Provider: "p", Entity: "task/17"}},
		{notify.Recipient{Tenant: "a", ID: "nn"}, notify.Notification{Provider: "p", Entity: "task/17"}},
		{notify.User("annp"), notify.Notification{Entity: "task/17"}},
	} {
		id := root(other.r, other.n)
		assert.False(t, seen[id], "%v", other)
		seen[id] = true
	}
	d, g := digest()
	raw, err := c.PreviewDigest(d, g)
	require.NoError(t, err)
	assert.Empty(t, read(t, raw).Header.Get("References"), "digests of several days do not merge")
}

func TestFeedbackIDIsOptional(t *testing.T) {
	c := newChannel(t, func(o *Options) { o.FeedbackID = "acme" })
	raw, err := c.Preview(delivery())
	require.NoError(t, err)
	assert.Equal(t, "billing:en:notify:acme", read(t, raw).Header.Get("Feedback-ID"))
}
