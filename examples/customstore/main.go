// Customstore keeps a center in a store of the host's own: a journal in a file.
// It sends, ends before anything was delivered, begins again from the file, and
// delivers what was left.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/bellwether-go/notify"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	folder, err := os.MkdirTemp("", "customstore")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path, ann := filepath.Join(folder, "journal"), notify.User("ann")

	fmt.Fprintln(out, "first process:")
	err = session(path, out, func(center *notify.Notifier) error {
		for _, title := range []string{"Invoice 17 is due", "Ben answered you"} {
			if _, err := center.Send(ctx, notify.Notification{Provider: "office", To: []notify.Recipient{ann}, Title: title}); err != nil {
				return err
			}
		}
		page, err := show(ctx, out, center.Inbox(ann))
		if err != nil {
			return err
		}
		_, err = center.Inbox(ann).Mark(ctx, notify.Mark{Op: notify.OpRead, IDs: []notify.ID{page.Items[0].ID}})
		return err
	})
	if err != nil {
		return err
	}

	fmt.Fprintln(out, "second process:")
	return session(path, out, func(center *notify.Notifier) error {
		if _, err := show(ctx, out, center.Inbox(ann)); err != nil {
			return err
		}
		return center.Drain(ctx)
	})
}

// session does something with a center on the journal, as a process would.
func session(path string, out io.Writer, do func(*notify.Notifier) error) error {
	journal, err := Open(path, nil)
	if err != nil {
		return err
	}
	defer journal.Close()
	center, err := notify.New(journal, &notify.Options{Channels: []notify.Channel{pager{out}}})
	if err != nil {
		return err
	}
	return do(center)
}

func show(ctx context.Context, out io.Writer, inbox notify.Inbox) (notify.Page, error) {
	page, err := inbox.Page(ctx, notify.Query{})
	for _, item := range page.Items {
		state := "unread"
		if !item.Read.IsZero() {
			state = "read"
		}
		fmt.Fprintf(out, "  %s (%s)\n", item.Notification.Title, state)
	}
	return page, err
}

// pager is a channel that prints.
type pager struct{ out io.Writer }

func (pager) Name() string      { return "pager" }
func (pager) Addressless() bool { return true }
func (p pager) Deliver(_ context.Context, d notify.Delivery) error {
	_, err := fmt.Fprintln(p.out, "  beep:", d.Item.Notification.Title)
	return err
}
