package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/browser"
)

// webPushing measures the browser channel, from the notification to the push
// that was accepted, against the library inside it, which gets a text that is
// there already and a client that keeps its connection. Both fill records of
// the same size. The push service is a process of its own, so that its work does
// not count.
var webPushing = []comparison{
	webPushed("Web Push by CPU time, one after the other, against webpush-go", 1/1.1, byProcessorTime),
	webPushed("Web Push over one connection, 8 at a time, against webpush-go", 0.95, eightAtATime),
}

func webPushed(name string, goal float64, how func(func(context.Context, int64) error) turn) comparison {
	return comparison{name: name, goal: goal, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		s, err := startPushService(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		alone, through, end, err := s.senders(ctx)
		if err != nil {
			return nil, nil, nil, errors.Join(err, s.stop())
		}
		return how(alone), how(through), func() {
			end()
			_ = s.stop()
		}, nil
	}}
}

// byProcessorTime counts how often in a second of this process's time.
func byProcessorTime(push func(context.Context, int64) error) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) {
		before, err := processorTime()
		if err != nil {
			return 0, err
		}
		start := time.Now()
		perSecond, err := repeat(ctx, slice, 1, push)
		if err != nil {
			return 0, err
		}
		done := perSecond * time.Since(start).Seconds()
		after, err := processorTime()
		return done / (after - before).Seconds(), err
	}
}

func eightAtATime(push func(context.Context, int64) error) turn {
	return func(ctx context.Context, slice time.Duration) (float64, error) { return repeat(ctx, slice, 8, push) }
}

// The keys of a browser: those of RFC 8291, appendix A.
const (
	browserKey    = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	browserSecret = "BTBZMqHH6r4Tts7J_aSIgg"
)

// senders are a push by the library alone and one through the channel.
func (s *pushServer) senders(ctx context.Context) (alone, through func(context.Context, int64) error, end func(), err error) {
	keys, err := browser.GenerateKeys()
	if err != nil {
		return nil, nil, nil, err
	}
	channel, err := browser.New(browser.Options{
		Subject: "ops@acme.example", Keys: keys, RootCAs: s.roots, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	meta, err := json.Marshal(map[string]string{"p256dh": browserKey, "auth": browserSecret})
	if err != nil {
		return nil, nil, nil, err
	}
	address, err := channel.CheckAddress(notify.Address{Value: s.url + "/push/1", Meta: meta})
	if err != nil {
		return nil, nil, nil, err
	}
	through = func(ctx context.Context, number int64) error { return channel.Deliver(ctx, webPush(address, number)) }
	if err := through(ctx, 0); err != nil {
		return nil, nil, nil, err
	}
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: s.roots}}}
	alone = s.alone(client, keys)
	return alone, through, func() { client.CloseIdleConnections(); _ = channel.Close() }, alone(ctx, 0)
}

// alone sends a text of the same size as the channel's, so that the record is.
func (s *pushServer) alone(client *http.Client, keys browser.Keys) func(context.Context, int64) error {
	text, err := json.Marshal(map[string]string{"title": title, "body": body, "navigate": "https://app.acme.example/invoices/17"})
	return func(ctx context.Context, number int64) error {
		if err != nil {
			return err
		}
		response, err := webpush.SendNotificationWithContext(ctx, append(make([]byte, 0, 1024), text...),
			&webpush.Subscription{Endpoint: s.url + "/push/1", Keys: webpush.Keys{P256dh: browserKey, Auth: browserSecret}},
			&webpush.Options{
				HTTPClient: client, RecordSize: 1024, Subscriber: "ops@acme.example",
				VAPIDPublicKey: keys.Public, VAPIDPrivateKey: keys.Private,
				Topic: fmt.Sprintf("%032x", number), TTL: 86400, Urgency: webpush.UrgencyNormal,
			})
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		if response.StatusCode != http.StatusCreated {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	}
}

// webPush is an everyday notification.
func webPush(a notify.Address, number int64) notify.Delivery {
	now := time.Now()
	return notify.Delivery{
		ID: notify.ID(fmt.Sprintf("01935b2a-6c00-7000-8000-%012x", number)), Attempt: 1, Address: a, Registered: now, Unread: 3,
		Recipient: notify.User("ann"), Contact: notify.Contact{Locale: "en"},
		Item: notify.Item{ID: "01935b2a-6c00-7000-8000-00000000000a", Filed: now, Notification: notify.Notification{
			Provider: "billing", Title: title, Body: body, URL: "https://app.acme.example/invoices/17",
			Rows:    []notify.Row{{Label: "Amount", Text: "12.00 EUR"}},
			Actions: []notify.Action{{Key: "paid", Title: "It is paid", URL: "https://app.acme.example/invoices/17/paid"}},
		}},
	}
}

// pushServer is the push service in its process.
type pushServer struct {
	url   string
	roots *x509.CertPool
	stop  func() error
}

// asPushService in the environment makes this program one.
const asPushService = "NOTIFY_BENCH_PUSH_SERVICE"

// startPushService starts this program once more, as a push service.
func startPushService(ctx context.Context) (*pushServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self)
	command.Env = append(os.Environ(), asPushService+"=1")
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &pushServer{roots: x509.NewCertPool(), stop: func() error { return errors.Join(in.Close(), command.Wait()) }}
	var hello pushHello
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &hello)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	certificate, err := x509.ParseCertificate(hello.Certificate)
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.url = hello.URL
	s.roots.AddCert(certificate)
	return s, nil
}

// pushHello is what the push service says when it is ready.
type pushHello struct {
	URL         string
	Certificate []byte
}

// servePush takes every push until nobody needs it any more, if this process is
// the push service.
func servePush() (served bool) {
	if os.Getenv(asPushService) == "" {
		return false
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/push/"):
			w.WriteHeader(http.StatusCreated)
		case r.URL.Path == googleTokens:
			_, _ = io.WriteString(w, googleToken)
		case strings.HasPrefix(r.URL.Path, "/v1/"): // Firebase says something, Apple does not
			_, _ = io.WriteString(w, `{"name":"projects/example-project/messages/1"}`)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	_ = json.NewEncoder(os.Stdout).Encode(pushHello{server.URL, server.Certificate().Raw})
	_, _ = io.Copy(io.Discard, os.Stdin)
	return true
}
