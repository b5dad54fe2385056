package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/bellwether-go/notify"
)

// screen lays everything out for a terminal.
type screen struct{ out io.Writer }

func (s screen) chapter(title string) {
	fmt.Fprintf(s.out, "\n%s\n%s\n\n", title, strings.Repeat("=", len([]rune(title))))
}

func (s screen) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// table prints rows of cells in columns, under a head.
func (s screen) table(rows ...[]string) {
	columns := tabwriter.NewWriter(s.out, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(columns, "  "+strings.Join(row, "\t"))
	}
	columns.Flush()
	fmt.Fprintln(s.out)
}

// decisions shows what would become of a notification and why.
func (s screen) decisions(ctx context.Context, center *notify.Notifier, n notify.Notification, who notify.Recipient) error {
	decisions, err := center.Explain(ctx, n, who)
	if err != nil {
		return err
	}
	rows := [][]string{{"CHANNEL", "MODE", "DECIDED BY"}}
	for _, d := range decisions {
		rows = append(rows, []string{d.Channel, string(d.Mode), d.Rule})
	}
	s.table(rows...)
	return nil
}

// inbox shows the first page of an inbox.
func (s screen) inbox(ctx context.Context, center *notify.Notifier, who notify.Recipient) error {
	page, err := center.Inbox(who).Page(ctx, notify.Query{})
	if err != nil {
		return err
	}
	s.say("%d unread", page.Counts.Unread)
	rows := [][]string{{"", "FILED", "FROM", "TITLE"}}
	for _, item := range page.Items {
		mark := "*"
		if !item.Read.IsZero() {
			mark = " "
		}
		rows = append(rows, []string{mark, item.Filed.Format("15:04"), item.Notification.Provider, item.Notification.Title})
	}
	s.table(rows...)
	return nil
}

// letters shows mail as it arrived.
func (s screen) letters(letters []letter) {
	for _, l := range letters {
		s.say("  +%s", strings.Repeat("-", 76))
		for _, name := range []string{"From", "To", "Subject", "Date", "Message-ID"} {
			s.say("  | %s: %s", name, l.decoded(name))
		}
		s.say("  |")
		for line := range strings.Lines(strings.TrimSpace(l.Text)) {
			s.say("%s", strings.TrimRight("  | "+line, " \n"))
		}
		s.say("  +%s\n", strings.Repeat("-", 76))
	}
}

// deliveries shows the log, oldest first.
func (s screen) deliveries(ctx context.Context, center *notify.Notifier) error {
	records, err := center.Deliveries(ctx, notify.DeliveryQuery{})
	if err != nil {
		return err
	}
	rows := [][]string{{"WHO", "CHANNEL", "WHAT", "STATUS", "ATTEMPTS", "REASON"}}
	for i := len(records) - 1; i >= 0; i-- {
		r := records[i]
		what := r.Provider
		if !r.Cut.IsZero() {
			what = "digest of " + r.Cut.Format("2 Jan 15:04 MST")
		}
		rows = append(rows, []string{r.Recipient.ID, r.Channel, what, string(r.Status), fmt.Sprint(r.Attempts), r.Reason})
	}
	s.table(rows...)
	return nil
}
