// Demo is the notification center at work: three sources of notifications, two
// people with different wishes, a SQLite file, and letters that travel to a
// real mail server on this machine. Nothing leaves the machine.
//
//	go run ./examples/demo
//
// serves it as a web site on loopback, until it is interrupted. With -terminal,
// and where the standard input is no terminal, it plays a day in the terminal
// instead and ends by itself: the day begins at nine in the morning, UTC, and
// jumps to the hour of the daily digest. With -addr it is the web site in any
// case.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
)

func main() {
	folder := flag.String("db", "", "folder for the database, made if need be and kept; without it a temporary one is used")
	letters := flag.String("letters", "", "write letters in all languages into this folder, as a browser shows them, and end")
	terminal := flag.Bool("terminal", false, "play a day in the terminal, and end")
	address := flag.String("addr", "", "where the web site listens; without it 127.0.0.1:8080, or a free port if that is taken")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *letters != "":
		err = writeLetters(ctx, *letters)
	case *terminal || *address == "" && !isatty.IsTerminal(os.Stdin.Fd()):
		err = playInTerminal(ctx, os.Stdout, *folder)
	default:
		err = serveWeb(ctx, os.Stdout, *folder, *address)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// folderFor returns the folder of the database, and what to do at the end.
func folderFor(chosen string) (folder string, forget func(), err error) {
	if chosen != "" {
		return chosen, func() {}, os.MkdirAll(chosen, 0o755)
	}
	folder, err = os.MkdirTemp("", "notify-demo")
	return folder, func() { _ = os.RemoveAll(folder) }, err
}
