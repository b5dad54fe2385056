//go:build linux

package storm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bellwether-go/notify"
)

// peer is a channel whose peer is the journal: what it took is written there.
type peer struct {
	child *child
	name  string
}

var _ notify.DigestChannel = (*peer)(nil)

func (p *peer) Name() string { return p.name }

func (p *peer) Deliver(ctx context.Context, d notify.Delivery) error {
	note := d.Item.Notification
	return p.take(ctx, d, note.Key != "" && letterOf(note.Key).refused, line{
		Key: note.Key, Notification: d.Item.NotificationID, Content: note.Title + "\n" + note.Body,
	})
}

func (p *peer) DeliverDigest(ctx context.Context, d notify.Delivery, digest notify.Digest) error {
	l := line{Digest: true, Cut: digest.To}
	for _, item := range digest.Items {
		l.Notifications = append(l.Notifications, item.NotificationID)
	}
	return p.take(ctx, d, false, l)
}

// take is the conversation with the peer, with a moment before and after the
// acceptance in which the process can be killed.
func (p *peer) take(ctx context.Context, d notify.Delivery, refused bool, l line) error {
	l.ID, l.Recipient, l.Identity = d.ID, d.Recipient, d.Identity()
	l.Channel, l.Address = p.name, d.Address.Value
	l.What = calling
	p.child.journal.write(l)
	if err := p.child.hold(ctx); err != nil {
		return err
	}
	if !pause(ctx, rand.N(10*time.Millisecond)) {
		return ctx.Err()
	}
	if refused {
		return &notify.DeliveryError{Class: notify.Permanent, Err: errors.New("refused")}
	}
	mood := 100
	if p.child.Moody {
		mood = rand.IntN(100)
	}
	if mood < 4 {
		return fmt.Errorf("the peer is busy")
	}
	l.What, l.Unknown = took, mood < 6
	p.child.journal.write(l)
	if l.Unknown {
		return &notify.DeliveryError{Class: notify.Unknown, Err: errors.New("no answer")}
	}
	pause(context.WithoutCancel(ctx), rand.N(10*time.Millisecond))
	return nil
}
