package integration

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/store/memory"
)

// newWebCenter is a center for tests of its HTTP side: billing sends letters at
// once, chat keeps them for the daily one. Channels are recorders if none are given.
func newWebCenter(t *testing.T, channels ...notify.Channel) *notify.Notifier {
	t.Helper()
	if channels == nil {
		channels = []notify.Channel{&channeltest.Recorder{As: notify.Email, NoAddress: true}, &channeltest.Recorder{As: notify.Browser}, &channeltest.Recorder{As: notify.Mobile}}
	}
	center, err := notify.New(memory.New(nil), &notify.Options{
		Channels: channels,
		Providers: notify.Providers{
			{ID: "billing", Title: "Billing", Description: "Invoices"},
			{ID: "chat", Title: "Chat", Defaults: map[string]notify.Mode{notify.Email: notify.Daily}},
		},
		BaseURL: "https://app.example",
		Links:   notify.Links{Inbox: func(notify.Recipient) string { return "https://app.example/notify/inbox" }},
	})
	require.NoError(t, err)
	return center
}

// signedIn is whom the cookie names.
func signedIn(r *http.Request) (notify.Recipient, error) {
	cookie, err := r.Cookie("user")
	if err != nil {
		return notify.Recipient{}, errors.New("nobody")
	}
	return notify.User(cookie.Value), nil
}

// ended is a context that is over, for streams that are to end at once.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
