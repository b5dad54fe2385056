package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bellwether-go/notify"
)

//snippet:start sender

// Sender is what the services of github.com/nikoksr/notify have in common. It is
// written down here, so that a channel does not depend on that module.
type Sender interface {
	Send(ctx context.Context, subject, message string) error
}

// Wrapped makes a service a channel.
//
// Such a service keeps its receivers inside, and some share what they send
// between calls: so each delivery opens one of its own, for its one address.
// What they say when they fail is meant for logs of their own, with URLs and
// keys in it: it decides about the class, and goes no further.
type Wrapped struct {
	As    string // the channel's name
	Open  func(d notify.Delivery) (Sender, error)
	Class func(err error) notify.DeliveryError // what follows from an error of the service; Err is filled in
}

//snippet:end sender

var _ notify.DigestChannel = (*Wrapped)(nil)

// Name implements notify.Channel.
func (w *Wrapped) Name() string { return w.As }

// Deliver implements notify.Channel.
func (w *Wrapped) Deliver(ctx context.Context, d notify.Delivery) error {
	n := d.Item.Notification
	var lines []string
	if n.Body != "" {
		lines = append(lines, n.Body)
	}
	for _, row := range n.Rows {
		lines = append(lines, row.Label+": "+row.Text)
	}
	if n.URL != "" {
		lines = append(lines, n.URL)
	}
	return w.send(ctx, d, n.Title, lines...)
}

// DeliverDigest implements notify.DigestChannel.
func (w *Wrapped) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	var lines []string
	for _, item := range digest.Items {
		lines = append(lines, "- "+item.Notification.Title)
	}
	if more := digest.More(); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more: %s", more, d.Links.Inbox))
	}
	return w.send(ctx, d, fmt.Sprintf("%d unread", digest.Total), lines...)
}

// send opens the service, uses it once, and sorts what it says.
func (w *Wrapped) send(ctx context.Context, d notify.Delivery, subject string, lines ...string) error {
	service, err := w.Open(d)
	if err != nil {
		return &notify.DeliveryError{Class: notify.Permanent, Err: fmt.Errorf("%s: no service for this address", w.As)}
	}
	err = service.Send(ctx, strings.ToValidUTF8(subject, "?"), strings.ToValidUTF8(strings.Join(lines, "\n"), "?"))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &notify.DeliveryError{Class: notify.Unknown, Err: fmt.Errorf("%s: no answer in time", w.As)}
	}
	failure := w.Class(err)
	failure.Err = fmt.Errorf("%s: the service failed", w.As)
	if status, ok := errors.AsType[*statusError](err); ok {
		failure.Err = fmt.Errorf("%s: %w", w.As, status)
	}
	return &failure
}
