// Demo is the notification center at work: three sources of notifications, two
// people with different wishes, a SQLite file, and letters that travel to a
// real mail server on this machine. It shows all of it in the terminal and
// ends by itself.
//
// Time is played: the day begins at nine in the morning, UTC, and jumps to the
// hour of the daily digest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/bellwether-go/notify"
)

func main() {
	folder := flag.String("db", "", "folder for the database, which is kept; without it a temporary one is used")
	letters := flag.String("letters", "", "write letters in all languages into this folder, as a browser shows them, and end")
	flag.Parse()
	if *letters != "" {
		if err := writeLetters(context.Background(), *letters); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := run(context.Background(), os.Stdout, *folder); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, folder string) (err error) {
	if folder == "" {
		if folder, err = os.MkdirTemp("", "notify-demo"); err != nil {
			return err
		}
		defer os.RemoveAll(folder)
	}
	file := filepath.Join(folder, "demo.db")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: the demo begins with an empty folder", file)
	}
	office, err := openPostOffice()
	if err != nil {
		return err
	}
	defer office.Close()
	company, err := openCompany(ctx, file, office.Addr())
	if err != nil {
		return err
	}
	defer company.Close()
	return day(ctx, screen{out}, company, office)
}

// day plays the story.
func day(ctx context.Context, show screen, c *company, office postOffice) error {
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

	show.chapter(c.clock.now().Format("15:04 MST") + ": the morning's events")
	for _, event := range morning {
		if _, err := c.center.Send(ctx, event); err != nil {
			return err
		}
		c.clock.advance(time.Minute)
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
	c.clock.set(cut)
	show.chapter(fmt.Sprintf("%s, which is %s in Kolkata: the daily digest", cut.UTC().Format("15:04 MST"), cut.In(kolkata).Format("15:04")))
	if err := c.center.Drain(ctx); err != nil {
		return err
	}
	show.letters(office.received(len(immediate)))

	show.chapter("What became of it all")
	return show.deliveries(ctx, c.center)
}
