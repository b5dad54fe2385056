package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/bellwether-go/notify"
)

//snippet:start channel

// Chat posts to the webhook of a chat room. An address is the room's URL.
type Chat struct {
	client *http.Client
}

// Name is what providers and preferences call the channel.
func (c *Chat) Name() string { return "chat" }

// Deliver posts one notification.
func (c *Chat) Deliver(ctx context.Context, d notify.Delivery) error {
	return c.post(ctx, d, d.Item.Notification.Title)
}

//snippet:end channel

//snippet:start digest

// DeliverDigest posts the unread of a day in one message, which makes Chat a
// notify.DigestChannel: recipients may choose the mode daily.
func (c *Chat) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%d unread", digest.Total)
	for _, item := range digest.Items {
		fmt.Fprintf(&text, "\n- %s", item.Notification.Title)
	}
	if digest.Total > len(digest.Items) {
		fmt.Fprintf(&text, "\nall of them: %s", d.Links.Inbox)
	}
	return c.post(ctx, d, text.String())
}

//snippet:end digest

// CheckAddress refuses what is no room before it is stored.
func (c *Chat) CheckAddress(a notify.Address) (notify.Address, error) {
	room, err := url.Parse(a.Value)
	if err != nil || room.Host == "" {
		return a, &notify.InvalidError{Field: "Address.Value", Reason: "not the URL of a room"}
	}
	return a, nil
}

// Destination lets the engine leave a chat server alone that keeps failing,
// without the others paying for it.
func (c *Chat) Destination(a notify.Address) string {
	room, err := url.Parse(a.Value)
	if err != nil {
		return ""
	}
	return room.Host
}

// post sends a text. The identity travels along, so that the server can drop a
// message that it has seen.
func (c *Chat) post(ctx context.Context, d notify.Delivery, text string) error {
	body, err := json.Marshal(map[string]string{"id": d.Identity(), "text": text})
	if err != nil {
		return fmt.Errorf("chat: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Address.Value, bytes.NewReader(body))
	if err != nil {
		return &notify.DeliveryError{Class: notify.Permanent, Err: errors.New("chat: the room's URL is broken")}
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		// The error of net/http holds the room's URL, which is as good as a
		// password: only its cause may be told.
		if failure, ok := errors.AsType[*url.Error](err); ok {
			err = failure.Err
		}
		return &notify.DeliveryError{Class: notify.Unknown, Err: fmt.Errorf("chat: %w", err)}
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 4096)) // lets the connection be used again
	return classify(response)
}

//snippet:start classes

// classify tells the engine what follows from an answer.
func classify(response *http.Response) error {
	failure := &notify.DeliveryError{Err: fmt.Errorf("chat: status %d", response.StatusCode)}
	switch status := response.StatusCode; {
	case status < 300:
		return nil
	case status == http.StatusNotFound || status == http.StatusGone:
		failure.Class = notify.Gone // the room was removed
	case status == http.StatusUnauthorized:
		failure.Class = notify.Misconfigured // our account, not this message
	case status == http.StatusTooManyRequests || status >= 500:
		failure.Class = notify.Temporary
		failure.Overloaded = status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
			failure.RetryAfter = time.Duration(seconds) * time.Second
		}
	default:
		failure.Class = notify.Permanent
	}
	return failure
}

//snippet:end classes
