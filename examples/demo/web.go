package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/browser"
	"github.com/bellwether-go/notify/notifyhttp"
	"github.com/bellwether-go/notify/notifytest"
)

// site is the company on the web, with the machines that it sends to.
type site struct {
	*company
	clock   leap
	office  postOffice
	push    *notifytest.Push
	handler http.Handler

	draining sync.Mutex // one at a time
}

// serveWeb serves the site until ctx ends.
func serveWeb(ctx context.Context, out io.Writer, folder, address string) error {
	folder, forget, err := folderFor(folder)
	if err != nil {
		return err
	}
	defer forget()
	listener, err := listen(address)
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	s, err := openSite(ctx, filepath.Join(folder, "demo.db"), base)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer s.Close()
	fmt.Fprintln(out, base)

	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	var working sync.WaitGroup
	defer working.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	working.Go(func() { s.work(ctx) })
	working.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listen takes the address, or without one the usual port if it is free.
func listen(address string) (net.Listener, error) {
	if address != "" {
		return net.Listen("tcp", address)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	return listener, err
}

func openSite(ctx context.Context, file, base string) (*site, error) {
	_, err := os.Stat(file)
	isNew := errors.Is(err, fs.ErrNotExist)
	s := &site{}
	if s.office, err = openPostOffice(); err != nil {
		return nil, err
	}
	s.push = notifytest.OpenPush()
	if err := s.open(ctx, file, base, isNew); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *site) open(ctx context.Context, file, base string, isNew bool) error {
	keys, err := browser.GenerateKeys()
	if err != nil {
		return err
	}
	pusher, err := browser.New(browser.Options{
		Subject: "ops@example.com", Keys: keys, RootCAs: s.push.RootCAs(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	if err != nil {
		return err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	unsubscribe, err := notifyhttp.NewUnsubscribe(base+"/notify/", secret)
	if err != nil {
		return err
	}
	s.company, err = openCompany(ctx, file, surroundings{
		base: base, now: s.clock.now, relay: s.office.Addr(), push: pusher, unsubscribe: unsubscribe.Link,
	})
	if err != nil {
		return err
	}
	if isNew {
		if err := s.choose(ctx); err != nil {
			return err
		}
	}
	for _, who := range both {
		address, err := browser.Subscription(s.push.Subscribe(pusher.PublicKey()).JSON())
		if err != nil {
			return err
		}
		if _, err := s.center.Register(ctx, who, notify.Registration{Address: address, Name: "A browser of the demo"}); err != nil {
			return err
		}
	}
	s.handler = s.routes(notifyhttp.Handler(s.center, signedIn, &notifyhttp.Options{Unsubscribe: unsubscribe, Closing: ctx}))
	return nil
}

// work delivers what is due. A host in production has Run in its place; here the
// clock can leap, and what is due then is to be done at once.
func (s *site) work(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.drain(ctx); err != nil && ctx.Err() == nil {
			log.Print(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *site) drain(ctx context.Context) error {
	s.draining.Lock()
	defer s.draining.Unlock()
	return s.center.Drain(ctx)
}

// Close ends everything that the site has opened.
func (s *site) Close() {
	if s.company != nil {
		_ = s.company.Close()
	}
	s.push.Close()
	s.office.Close()
}
