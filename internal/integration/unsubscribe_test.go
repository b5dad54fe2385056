package integration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/notifyhttp"
	"github.com/bellwether-go/notify/notifytest"
)

// oneClick does what a mail program does at the reader's word (RFC 8058): it
// posts to the link of the header, without a cookie and from nowhere.
func oneClick(t *testing.T, program *http.Client, letter notifytest.Letter) {
	t.Helper()
	assert.Equal(t, "List-Unsubscribe=One-Click", letter.Header.Get("List-Unsubscribe-Post"))
	link, found := strings.CutPrefix(letter.Header.Get("List-Unsubscribe"), "<")
	require.True(t, found, letter.Header)
	link, _, _ = strings.Cut(link, ">")
	assert.Contains(t, letter.HTML, link, "the reader finds it too")
	request, err := http.NewRequestWithContext(t.Context(), "POST", link, strings.NewReader("List-Unsubscribe=One-Click"))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := program.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
}

// The link in a letter's header turns off just what the letter came by.
func TestUnsubscribe_worksFromALetter(t *testing.T) {
	relay := notifytest.NewSMTP(t, &notifytest.SMTPOptions{NoTLS: true})
	server := httptest.NewUnstartedServer(nil)
	unsubscribe, err := notifyhttp.NewUnsubscribe("https://"+server.Listener.Addr().String()+"/notify/", []byte(strings.Repeat("s", 32)))
	require.NoError(t, err)
	letters, err := email.New(email.Options{Relay: relay.Addr(), From: "notify@app.example", Unsubscribe: unsubscribe.Link})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, letters.Close()) })

	ann := notify.User("ann")
	center := notifytest.New(t, &notifytest.Options{Options: notify.Options{
		Channels:  []notify.Channel{letters},
		Directory: notify.People{ann: {Addresses: []notify.Address{{Channel: notify.Email, Value: "ann@example.com"}}}},
		Providers: notify.Providers{
			{ID: "billing", Title: "Billing"}, {ID: "crm", Title: "CRM"},
			{ID: "chat", Title: "Chat", Defaults: map[string]notify.Mode{notify.Email: notify.Daily}},
		},
	}})
	server.Config.Handler = notifyhttp.Handler(center.Notifier, signedIn, &notifyhttp.Options{Unsubscribe: unsubscribe})
	server.StartTLS() // one click is for https only
	t.Cleanup(server.Close)
	send := func(providers ...string) {
		for _, provider := range providers {
			_, err := center.Send(t.Context(), notify.Notification{Provider: provider, To: []notify.Recipient{ann}, Title: "News of " + provider})
			require.NoError(t, err)
		}
		center.Settle()
	}

	send("billing", "chat")
	require.Len(t, relay.Accepted(), 1)
	oneClick(t, server.Client(), relay.Accepted()[0])
	send("billing", "crm")
	require.Len(t, relay.Accepted(), 2, "billing is off, and nothing else")
	assert.Contains(t, relay.Accepted()[1].Text, "News of crm")

	center.AdvanceToDigest(ann, notify.Email)
	require.Len(t, relay.Accepted(), 3)
	oneClick(t, server.Client(), relay.Accepted()[2])
	send("chat", "crm")
	center.Advance(48 * time.Hour)
	require.Len(t, relay.Accepted(), 4, "the daily letter is off, and letters at the event are not")
	assert.Contains(t, relay.Accepted()[3].Text, "News of crm")
	center.RequireUnread(ann, 6)
}
