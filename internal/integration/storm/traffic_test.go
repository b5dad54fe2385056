//go:build linux

package storm

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bellwether-go/notify"
)

// What a key stands for is decided by the key alone: whoever sends it, and
// whoever audits it, knows the whole notification.

type letter struct {
	notify.Notification
	inTransaction bool // of the host
	rollBack      bool // which then changes its mind
	refused       bool // by the peers of the channels
	withdrawn     bool // soon after it was sent
}

// newKey makes a key of a process. It holds the instant by the store's clock,
// so that NotBefore can follow from it.
func newKey(process string, count int, now time.Time) string {
	return fmt.Sprintf("%s/%d/%d", process, count, now.UnixMilli())
}

func letterOf(key string) letter {
	h := fnv.New64a()
	h.Write([]byte(key))
	random := rand.New(rand.NewPCG(h.Sum64(), 1))
	one := func(in int) bool { return random.IntN(in) == 0 }

	l := letter{Notification: notify.Notification{Tenant: tenant, Provider: "billing", Key: key, Title: key}}
	for range 1 + random.IntN(3) {
		l.To = append(l.To, person(random.IntN(people)))
	}
	l.refused, l.inTransaction = one(30), one(5)
	l.rollBack = l.inTransaction && one(3)
	switch lot := random.IntN(80); {
	case lot < 1:
		l.Provider, l.Audience, l.To = "news", "crowd", nil
	case lot < 12:
		l.Provider, l.CollapseKey, l.To = "chats", fmt.Sprint("room-", random.IntN(3)), l.To[:1]
	case lot < 20:
		millis, _ := strconv.ParseInt(key[strings.LastIndex(key, "/")+1:], 10, 64)
		l.NotBefore = time.UnixMilli(millis + 300).UTC()
	case lot < 26:
		l.withdrawn = true
	}
	l.Body = strings.Repeat("All work and no play. ", random.IntN(20))
	return l
}

// recipients are those who get an item of it.
func (l letter) recipients() []notify.Recipient {
	if l.Audience != "" {
		var all []notify.Recipient
		for i := range crowdSize {
			all = append(all, crowdMember(i))
		}
		return all
	}
	all := slices.Clone(l.To)
	slices.SortFunc(all, func(a, b notify.Recipient) int { return strings.Compare(a.ID, b.ID) })
	return slices.Compact(all)
}

// send sends one after the other until the context ends, and writes down what
// it does.
func (c *child) send(ctx context.Context, center *notify.Notifier, sender string, random *rand.Rand) {
	var before []string // keys, to send again
	for count := 0; pause(ctx, time.Duration(random.IntN(int(c.Pace)))); count++ {
		key := newKey(sender, count, time.Now().Add(c.Offset))
		if len(before) > 0 && random.IntN(8) == 0 {
			key = before[random.IntN(len(before))]
		}
		before = append(before, key)
		c.try(ctx, func(ctx context.Context) error { return c.sendOne(ctx, center, letterOf(key)) })
		if random.IntN(3) == 0 {
			c.try(ctx, func(ctx context.Context) error { return c.read(ctx, center, person(random.IntN(people))) })
		}
	}
}

// try does something with the patience of a sender, and writes an error down,
// unless the end of the process explains it.
func (c *child) try(ctx context.Context, do func(context.Context) error) {
	call, cancel := ctx, context.CancelFunc(func() {})
	if c.Patience > 0 {
		call, cancel = context.WithTimeout(ctx, c.Patience)
	}
	defer cancel()
	begun := time.Now()
	if err := do(call); err != nil && ctx.Err() == nil {
		c.journal.write(line{What: trouble, Problem: err.Error(), Lasted: time.Since(begun)})
	}
}

func (c *child) sendOne(ctx context.Context, center *notify.Notifier, l letter) error {
	c.journal.write(line{What: sending, Key: l.Key})
	send := center.Send
	if l.inTransaction {
		send = func(ctx context.Context, _ ...notify.Notification) ([]notify.Receipt, error) {
			receipts, err := c.order(ctx, center, l)
			for err != nil && strings.Contains(strings.ToLower(err.Error()), "deadlock") {
				receipts, err = c.order(ctx, center, l) // a transaction of the host is the host's to repeat
			}
			return receipts, err
		}
	}
	receipts, err := send(ctx, l.Notification)
	if errors.Is(err, errChangedMind) {
		c.journal.write(line{What: rolledBack, Key: l.Key})
		return nil
	}
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	c.journal.write(line{What: sent, Key: l.Key, ID: receipts[0].ID})
	if !l.withdrawn {
		return nil
	}
	c.journal.write(line{What: withdraws, Key: l.Key})
	if _, err := center.Withdraw(ctx, notify.Withdrawal{Tenant: tenant, Provider: l.Provider, Key: l.Key}); err != nil {
		return fmt.Errorf("withdraw: %w", err)
	}
	c.journal.write(line{What: withdrawn, Key: l.Key})
	return nil
}

var errChangedMind = errors.New("the host has rolled back")

// order sends in a transaction of the host, with a row of the host's own.
func (c *child) order(ctx context.Context, center *notify.Notifier, l letter) ([]notify.Receipt, error) {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	receipts, err := center.SendTx(ctx, c.store.Tx(tx), l.Notification)
	if err != nil {
		return nil, err
	}
	if !receipts[0].Replayed {
		if _, err := tx.ExecContext(ctx, "INSERT INTO orders (id) VALUES ('"+l.Key+"')"); err != nil {
			return nil, err
		}
	}
	if l.rollBack {
		return nil, errors.Join(tx.Rollback(), errChangedMind)
	}
	if err := tx.Commit(); err != nil {
		return nil, err
	}
	center.Wake()
	return receipts, nil
}

// read reads one of the newest of a recipient's items.
func (c *child) read(ctx context.Context, center *notify.Notifier, r notify.Recipient) error {
	inbox := center.Inbox(r)
	page, err := inbox.Page(ctx, notify.Query{State: notify.StateUnread, Limit: 5})
	if err != nil || len(page.Items) == 0 {
		return err
	}
	id := page.Items[len(page.Items)-1].ID
	c.journal.write(line{What: reading, Recipient: r, ID: id})
	_, err = inbox.Mark(ctx, notify.Mark{Op: notify.OpRead, IDs: []notify.ID{id}})
	if errors.Is(err, notify.ErrNotFound) {
		return nil // withdrawn meanwhile
	}
	return err
}

// pause waits, and tells whether the context is still alive then.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
