package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/notifytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const token = "17:AAF-tell-nobody"

// bot is a channel to a server that judges as the Bot API does.
func bot(t testing.TB) (*Telegram, *notifytest.HTTP, *botAPI) {
	t.Helper()
	api := &botAPI{token: token, chats: map[string]string{"1001": "", "@acme_news": ""}, out: io.Discard}
	server := notifytest.NewHTTP(t, nil)
	server.Answer(judging(api))
	return &Telegram{client: server.Client(), server: server.URL(), token: token}, server, api
}

// judging accepts and refuses as the Bot API does.
func judging(api *botAPI) func(notifytest.HTTPRequest) notifytest.Reply {
	return func(r notifytest.HTTPRequest) notifytest.Reply {
		status, body := api.judge(r.Path, r.Body)
		return notifytest.Reply{Status: status, Body: body}
	}
}

func to(chat, title string) notify.Delivery {
	return notify.Delivery{
		Attempt: 1, Recipient: notify.User("ann"), Address: notify.Address{Channel: "telegram", Value: chat},
		Item: notify.Item{Notification: notify.Notification{Provider: "ci", Title: title}},
	}
}

func TestTelegram_keepsTheContract(t *testing.T) {
	refusal := func(status int, description, parameters string) notifytest.Reply {
		return notifytest.Reply{Status: status, Body: fmt.Sprintf(`{"ok":false,"error_code":%d,"description":"%s of 1001 by %s"%s}`, status, description, token, parameters)}
	}
	channeltest.Run(t, func(t testing.TB) channeltest.Harness {
		channel, server, api := bot(t)
		replies := map[channeltest.Behavior]notifytest.Reply{
			channeltest.Temporary:     {Status: http.StatusBadGateway, Body: "<html>nginx</html>"},
			channeltest.RetryAfter:    refusal(429, "Too Many Requests: retry after 90", `,"parameters":{"retry_after":90}`),
			channeltest.Permanent:     refusal(400, "Bad Request: message is too long", ""),
			channeltest.Gone:          refusal(403, "Forbidden: bot was blocked by the user", ""),
			channeltest.Misconfigured: refusal(401, "Unauthorized", ""),
			channeltest.Hang:          {Delay: time.Hour},
			channeltest.Drop:          {Reset: true},
			channeltest.Garbage:       {Status: http.StatusOK, Body: "<html>"},
			channeltest.Flood:         {Status: http.StatusServiceUnavailable, Endless: true},
			channeltest.Ramble:        {Status: http.StatusOK, Endless: true},
		}
		return channeltest.Harness{
			Channel:   channel,
			Addresses: []notify.Address{{Channel: "telegram", Value: "1001"}, {Channel: "telegram", Value: "@acme_news"}},
			Secrets:   []string{token},
			Behave: func(b channeltest.Behavior) error {
				reply, known := replies[b]
				switch {
				case b == channeltest.Accept:
					server.Answer(judging(api))
				case !known:
					return errors.ErrUnsupported
				default:
					server.Answer(func(notifytest.HTTPRequest) notifytest.Reply { return reply })
				}
				return nil
			},
			Received: func() (messages []channeltest.Message) {
				for _, r := range server.Taken() {
					sent := sentTo(r.Body)
					messages = append(messages, channeltest.Message{To: sent.ChatID, Text: sent.plain(), Bytes: r.Body})
				}
				return messages
			},
		}
	})
}

func TestTelegram_whatFollowsFromAnAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		class  notify.Class
		after  time.Duration
	}{
		"too often":        {`{"error_code":429,"parameters":{"retry_after":7}}`, notify.Temporary, 7 * time.Second},
		"for ever":         {`{"error_code":429,"parameters":{"retry_after":99999999999}}`, notify.Temporary, 24 * time.Hour},
		"before now":       {`{"error_code":429,"parameters":{"retry_after":-7}}`, notify.Temporary, 0},
		"blocked":          {`{"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, notify.Gone, 0},
		"deactivated":      {`{"error_code":403,"description":"Forbidden: user is deactivated"}`, notify.Gone, 0},
		"kicked":           {`{"error_code":403,"description":"Forbidden: bot was kicked from the group chat"}`, notify.Gone, 0},
		"may not begin":    {`{"error_code":403,"description":"Forbidden: bot can't initiate conversation with a user"}`, notify.Permanent, 0},
		"no such chat":     {`{"error_code":400,"description":"Bad Request: chat not found"}`, notify.Gone, 0},
		"entities":         {`{"error_code":400,"description":"Bad Request: can't parse entities"}`, notify.Permanent, 0},
		"wrong token":      {`{"error_code":401,"description":"Unauthorized"}`, notify.Misconfigured, 0},
		"no token":         {`{"error_code":404,"description":"Not Found"}`, notify.Misconfigured, 0},
		"its own trouble":  {`{"error_code":500,"description":"Internal Server Error"}`, notify.Temporary, 0},
		"half an answer":   {`{"ok":tr`, notify.Unknown, 0},
		"an odd parameter": {`{"error_code":429,"parameters":{"retry_after":"soon"}}`, notify.Unknown, 0},
	} {
		channel, server, _ := bot(t)
		server.Answer(func(notifytest.HTTPRequest) notifytest.Reply { return notifytest.Reply{Status: 400, Body: test.answer} })
		failure, ok := errors.AsType[*notify.DeliveryError](channel.Deliver(t.Context(), to("1001", "Hello")))
		require.True(t, ok, name)
		assert.Equal(t, test.class, failure.Class, name)
		assert.Equal(t, test.after, failure.RetryAfter, name)
	}
}

func TestTelegram_followsAGroupThatMoved(t *testing.T) {
	channel, server, api := bot(t)
	api.move("-77", 1001)
	var learnt string
	channel.migrated = func(_ context.Context, r notify.Recipient, id string) { learnt = r.ID + " is at " + id }
	require.NoError(t, channel.Deliver(t.Context(), to("-77", "Hello")))
	assert.Equal(t, "ann is at 1001", learnt)
	require.Len(t, server.Accepted(), 1)
	assert.Equal(t, "1001", sentTo(server.Accepted()[0].Body).ChatID)

	api.move("1001", -77) // round in a circle
	failure, ok := errors.AsType[*notify.DeliveryError](channel.Deliver(t.Context(), to("-77", "Hello")))
	require.True(t, ok)
	assert.Equal(t, notify.Permanent, failure.Class)
}

func TestMessage_isCutWhereItIsFull(t *testing.T) {
	channel, server, _ := bot(t)
	for _, filling := range []string{"x", "&", "<b>", "ü", "🎁", "e\u0301"} {
		d := to("1001", "A & B")
		d.Item.Notification.Body = strings.Repeat(filling, 5000)
		require.NoError(t, channel.Deliver(t.Context(), d), filling)
		got := server.Accepted()
		text := sentTo(got[len(got)-1].Body).plain()
		assert.True(t, utf8.ValidString(text), filling)
		assert.True(t, strings.HasPrefix(text, "A & B\n"+filling), filling)
		assert.True(t, strings.HasSuffix(text, "…"), filling)
		size := len(utf16.Encode([]rune(text)))
		assert.True(t, size == maxText || size == maxText-1, "%q: %d", filling, size)
	}
}

func TestMessage_hasButtonsForTheWebOnly(t *testing.T) {
	n := notify.Notification{URL: "https://app.example/1", Actions: []notify.Action{
		{Title: "Later", URL: "https://app.example/later"}, {Title: "Call", URL: "tel:17"}, {Title: "Run", URL: "javascript:alert(1)"}, {URL: "https://app.example/untitled"},
	}}
	assert.Equal(t, []button{{"Open", "https://app.example/1"}, {"Later", "https://app.example/later"}}, letter(n).buttons)
}

func TestCheckAddress_knowsChats(t *testing.T) {
	channel, _, _ := bot(t)
	for _, good := range []string{"1001", "-1001234567890", "@acme_news", " 17 "} {
		a, err := channel.CheckAddress(notify.Address{Value: good})
		assert.NoError(t, err, good)
		assert.Equal(t, strings.TrimSpace(good), a.Value)
	}
	for _, bad := range []string{"", "0", "-0", "1e3", "@x", "@a b", "acme", "12345678901234567890123", "1001\n"[:4] + "\x00"} {
		_, err := channel.CheckAddress(notify.Address{Value: bad})
		_, invalid := errors.AsType[*notify.InvalidError](err)
		assert.True(t, invalid, "%q", bad)
	}
}
