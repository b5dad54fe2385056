//go:build linux

package storm

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/bellwether-go/notify"
)

// A child is a process that works on the center. Its exported fields are how
// its parent describes it.
type child struct {
	Name     string
	Folder   string // of journals
	Database database
	Offset   time.Duration // of the store's clock
	Schedule schedule
	Lease    time.Duration
	Poll     time.Duration
	Patience time.Duration // of a sender, with each call; 0 is without end
	Seed     uint64
	Senders  int
	Idle     bool          // it leaves the work to others
	Pace     time.Duration // longest pause of a sender
	Moody    bool          // its channels fail now and then
	Hold     string        // a file: what is held waits until it exists
	Fail     bool          // then fails

	db      *sql.DB
	store   store
	journal *journal
}

const (
	slots   = 4                      // attempts at a time, per channel
	briskly = 200 * time.Millisecond // a poll interval for those who test something else
)

// run works until it is asked to end.
func (c *child) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var err error
	if c.journal, err = openJournal(filepath.Join(c.Folder, c.Name+".journal"), c.Name); err != nil {
		return err
	}
	if c.db, c.store, err = c.Database.open(c.Offset); err != nil {
		return err
	}
	defer c.db.Close()
	center, err := c.center()
	if err != nil {
		return err
	}
	c.journal.write(line{What: ready})
	var senders sync.WaitGroup
	for i := range c.Senders {
		senders.Go(func() {
			c.send(ctx, center, fmt.Sprint(c.Name, ".", i), rand.New(rand.NewPCG(c.Seed, uint64(i))))
		})
	}
	if c.Idle {
		<-ctx.Done()
	} else {
		err = center.Run(ctx)
	}
	senders.Wait()
	c.journal.write(line{What: stopped})
	return err
}

func (c *child) center() (*notify.Notifier, error) {
	return notify.New(c.store, &notify.Options{
		Channels:     []notify.Channel{&peer{child: c, name: notify.Email}, &peer{child: c, name: notify.Mobile}},
		Providers:    notify.Providers{{ID: "billing"}, {ID: "chats"}, {ID: "news", Defaults: map[string]notify.Mode{notify.Email: notify.Off, notify.Mobile: notify.Off}}},
		Directory:    directory(),
		Audiences:    map[string]notify.Audience{"crowd": heldCrowd{c}},
		Links:        notify.Links{Inbox: func(notify.Recipient) string { return "https://example.org/inbox" }},
		Schedule:     c.Schedule,
		Workers:      slots,
		DigestLimit:  100_000, // so that a letter shows all that is in it
		PollInterval: cmp.Or(c.Poll, briskly),
		Lease:        c.Lease,
		Retry:        notify.Backoff{Attempts: 1_000_000, Base: time.Second, Cap: time.Second, MaxAge: 1000 * day},
		Logger:       slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Observe: func(_ context.Context, e notify.Event) {
			if e.Type == notify.EventLeaseLost {
				c.journal.write(line{What: leaseLost, ID: e.Delivery})
			}
		},
	})
}

// hold waits, if this is a child that holds, until its parent lets it go on.
func (c *child) hold(ctx context.Context) error {
	if c.Hold == "" {
		return nil
	}
	for {
		if _, err := os.Stat(c.Hold); err == nil {
			break
		}
		pause(context.WithoutCancel(ctx), 5*time.Millisecond)
	}
	if c.Fail {
		return errors.New("the peer is busy")
	}
	return nil
}

// heldCrowd holds behind the first chunk.
type heldCrowd struct{ child *child }

func (h heldCrowd) Members(ctx context.Context, tenant, after string, limit int) ([]string, error) {
	if after != "" && h.child.Hold != "" {
		h.child.journal.write(line{What: calling})
		if err := h.child.hold(ctx); err != nil {
			return nil, err
		}
	}
	return crowd{}.Members(ctx, tenant, after, limit)
}
