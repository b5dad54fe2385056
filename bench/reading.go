package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bellwether-go/notify"
)

// reading measures the inbox of somebody with very many items against that of
// somebody with few. A page comes with the counts, so that both have the same
// number of unread ones but where the name says otherwise.
var reading = []comparison{
	inboxes("SQLite, first page of 100,000 items, against that of 100", 0.5, func(in readers) (reader, reader) {
		return firstPage(in.light), firstPage(in.heavy)
	}),
	inboxes("SQLite, page after 50,000 items, against the first", 0.5, func(in readers) (reader, reader) {
		return firstPage(in.heavy), func(ctx context.Context) error {
			_, err := in.heavy.Page(ctx, notify.Query{Limit: pageSize, Cursor: in.middle})
			return err
		}
	}),
	inboxes("SQLite, first page of 100,000 unread, against that of 100", 0, func(in readers) (reader, reader) {
		return firstPage(in.light), firstPage(in.crowded)
	}),
	inboxes("SQLite, counts of 10,000 unread, against those of 100", 0, func(in readers) (reader, reader) {
		return counts(in.light), counts(in.middling)
	}),
	inboxes("SQLite, counts of 100,000 unread, against those of 100", 0, func(in readers) (reader, reader) {
		return counts(in.light), counts(in.crowded)
	}),
}

const pageSize = 20

type reader func(ctx context.Context) error

// readers are inboxes of 100, 10,000 and 100,000 unread items, one of 100,000
// items of which the newest 100 are unread, and the cursor in the middle of that.
type readers struct {
	light, middling, crowded, heavy notify.Inbox
	middle                          string
}

func firstPage(in notify.Inbox) reader {
	return func(ctx context.Context) error {
		_, err := in.Page(ctx, notify.Query{Limit: pageSize})
		return err
	}
}

func counts(in notify.Inbox) reader {
	return func(ctx context.Context) error {
		_, err := in.Counts(ctx)
		return err
	}
}

func inboxes(name string, goal float64, pick func(readers) (few, many reader)) comparison {
	return comparison{name: name, goal: goal, open: func(ctx context.Context, folder string) (turn, turn, func(), error) {
		c, err := openCenter(ctx, filepath.Join(folder, "inbox.db"), nil)
		if err != nil {
			return nil, nil, nil, err
		}
		in, err := fillInboxes(ctx, c.notifier)
		if err != nil {
			return nil, nil, nil, errors.Join(err, c.Close())
		}
		few, many := pick(in)
		often := func(read reader) turn {
			return func(ctx context.Context, slice time.Duration) (float64, error) {
				return repeat(ctx, slice, 1, func(ctx context.Context, _ int64) error { return read(ctx) })
			}
		}
		return often(few), often(many), func() { c.Close() }, nil
	}}
}

func fillInboxes(ctx context.Context, n *notify.Notifier) (readers, error) {
	inbox := func(id string) notify.Inbox { return n.Inbox(notify.User(id)) }
	in := readers{light: inbox("light"), middling: inbox("middling"), crowded: inbox("crowded"), heavy: inbox("heavy")}
	for _, filling := range []struct {
		user        string
		count, read int
	}{
		{"light", 100, 0}, {"middling", 10_000 / scale, 0}, {"crowded", 100_000 / scale, 0},
		{"heavy", 100_000 / scale, 100_000/scale - 100},
	} {
		if err := fill(ctx, n, notify.User(filling.user), filling.count, filling.read); err != nil {
			return in, err
		}
	}
	for seen := 0; seen < 50_000/scale; {
		page, err := in.heavy.Page(ctx, notify.Query{Limit: 100, Cursor: in.middle})
		if err != nil {
			return in, err
		}
		if page.Next == "" {
			return in, fmt.Errorf("the inbox ends after %d items", seen)
		}
		seen, in.middle = seen+len(page.Items), page.Next
	}
	return in, nil
}

// fill sends count notifications, of which the oldest are read.
func fill(ctx context.Context, n *notify.Notifier, to notify.Recipient, count, read int) error {
	for sent := 0; sent < count; {
		notes := make([]notify.Notification, min(500, count-sent))
		for i := range notes {
			notes[i] = notify.Notification{Provider: "billing", To: []notify.Recipient{to}, Title: title, Body: body}
		}
		if sent < read {
			notes = notes[:min(len(notes), read-sent)]
		}
		if _, err := n.Send(ctx, notes...); err != nil {
			return err
		}
		if sent += len(notes); sent != read {
			continue
		}
		page, err := n.Inbox(to).Page(ctx, notify.Query{Limit: 1})
		if err != nil {
			return err
		}
		if _, err := n.Inbox(to).Mark(ctx, notify.Mark{Op: notify.OpRead, UpTo: page.Head}); err != nil {
			return err
		}
	}
	return nil
}
