package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bellwether-go/notify"
)

// morningAt is when the story begins.
var morningAt = time.Date(2026, time.May, 4, 9, 0, 0, 0, time.UTC)

// playInTerminal plays the story and ends.
func playInTerminal(ctx context.Context, out io.Writer, folder string) error {
	folder, forget, err := folderFor(folder)
	if err != nil {
		return err
	}
	defer forget()
	file := filepath.Join(folder, "demo.db")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: the demo begins with an empty folder", file)
	}
	office, err := openPostOffice()
	if err != nil {
		return err
	}
	defer office.Close()
	clock := &clock{at: morningAt}
	company, err := openCompany(ctx, file, surroundings{base: "https://app.example.com", now: clock.now, relay: office.Addr()})
	if err != nil {
		return err
	}
	defer company.Close()
	return day(ctx, screen{out}, clock, company, office)
}

// day plays the story.
func day(ctx context.Context, show screen, clock *clock, c *company, office postOffice) error {
	show.chapter("The wishes of two people")
	show.say("Ann in Berlin wants a letter for everything at once, except for chats.")
	show.say("Raj in Kolkata wants one letter a day.")
	if err := c.choose(ctx); err != nil {
		return err
	}
	for _, who := range []notify.Recipient{ann, raj} {
		if err := show.settings(ctx, c.center, who); err != nil {
			return err
		}
	}

	show.chapter(clock.now().Format("15:04 MST") + ": the morning's events")
	for _, event := range morning {
		if _, err := c.center.Send(ctx, event); err != nil {
			return err
		}
		clock.advance(time.Minute)
	}
	show.say("%d notifications sent; %d letters so far.", len(morning), len(office.received(0)))
	show.say("Why Raj gets the message about lunch where he gets it:")
	if err := show.decisions(ctx, c.center, lunch, raj); err != nil {
		return err
	}
	show.say("And the invoice, which billing forces:")
	if err := show.decisions(ctx, c.center, invoice, raj); err != nil {
		return err
	}

	show.chapter("Letters at the event")
	if err := c.center.Drain(ctx); err != nil {
		return err
	}
	immediate := office.received(0)
	show.letters(immediate)

	show.chapter("Raj's inbox, and what he reads")
	if err := show.inbox(ctx, c.center, raj); err != nil {
		return err
	}
	read, err := c.readNewest(ctx, raj)
	if err != nil {
		return err
	}
	show.say("Raj reads %q: it will not be in tonight's letter.", read)

	cut, err := c.nextDigest(ctx, raj)
	if err != nil {
		return err
	}
	clock.set(cut)
	show.chapter(fmt.Sprintf("%s, which is %s in Kolkata: the daily digest", cut.UTC().Format("15:04 MST"), cut.In(kolkata).Format("15:04")))
	if err := c.center.Drain(ctx); err != nil {
		return err
	}
	show.letters(office.received(len(immediate)))

	show.chapter("What became of it all")
	return show.deliveries(ctx, c.center)
}
