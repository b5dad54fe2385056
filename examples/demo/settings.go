package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bellwether-go/notify"
)

// settings shows the page on which a recipient chooses: a row for each
// provider in the recipient's order, a column for each channel, and in each
// cell what holds, by which rule, and whether it is locked.
func (s screen) settings(ctx context.Context, center *notify.Notifier, who notify.Recipient) error {
	settings, err := center.Settings(ctx, who)
	if err != nil {
		return err
	}
	receive := "on"
	if settings.Muted {
		receive = "off"
	}
	s.say("\nSettings of %s: receive notifications %s, daily letter at %s in %s", who.ID, receive, settings.DigestAt, settings.TimeZone)
	head := []string{"PROVIDER", "INTERFACE"}
	for _, channel := range settings.Channels {
		if channel.Name != notify.Interface {
			head = append(head, channel.Name)
		}
	}
	rows := [][]string{head}
	for _, provider := range settings.Providers {
		row := []string{provider.Provider.Title}
		for _, cell := range provider.Cells {
			row = append(row, describe(cell))
		}
		rows = append(rows, row)
	}
	s.table(rows...)
	return nil
}

// describe puts a cell into words: "daily (channel)", "immediate, locked (forced)".
func describe(cell notify.Cell) string {
	locked := ""
	if cell.Locked {
		locked = ", locked"
	}
	return fmt.Sprintf("%s%s (%s)", cell.Mode, locked, cell.Rule)
}

// nextDigest returns when the daily letter of a recipient leaves.
func (c *company) nextDigest(ctx context.Context, who notify.Recipient) (time.Time, error) {
	settings, err := c.center.Settings(ctx, who)
	if err != nil {
		return time.Time{}, err
	}
	for _, channel := range settings.Channels {
		if channel.Name == notify.Email && !channel.NextDigest.IsZero() {
			return channel.NextDigest, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s gets no daily letter", who.ID)
}
