package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/mobile"
)

// pushing measures the mobile channel, from the notification to the push that
// was accepted, against the least that it takes: a POST of the same body, which
// is there already, with a token that is there already, over the same kind of
// connection. The service is a process of its own.
var pushing = []comparison{
	pushed("Push to Apple, 8 at a time, against a bare POST", mobile.APNs),
	pushed("Push to Firebase, 8 at a time, against a bare POST", mobile.FCM),
}

const (
	topic   = "com.example.app"
	project = "example-project"

	googleTokens = "/token"
)

var googleToken = `{"access_token":"` + strings.Repeat("x", 200) + `","expires_in":3599}`

func pushed(name string, platform mobile.Platform) comparison {
	return comparison{name: name, goal: 0.8, open: func(ctx context.Context, _ string) (turn, turn, func(), error) {
		push, err := capture(ctx, platform)
		if err != nil {
			return nil, nil, nil, err
		}
		s, err := startPushService(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		channel, err := newMobile(s.url, s.roots)
		if err != nil {
			return nil, nil, nil, errors.Join(err, s.stop())
		}
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: s.roots}}}
		bare := func(ctx context.Context, _ int64) error { return push.repeat(ctx, client, s.url) }
		through := func(ctx context.Context, number int64) error {
			return channel.Deliver(ctx, mobilePush(platform, number))
		}
		end := func() {
			client.CloseIdleConnections()
			_ = channel.Close()
			_ = s.stop()
		}
		return eightAtATime(bare), eightAtATime(through), end, nil
	}}
}

// captured is a request as the channel makes it.
type captured struct {
	path   string
	header http.Header
	body   []byte
}

// capture has the channel make one.
func capture(ctx context.Context, platform mobile.Platform) (*captured, error) {
	var got *captured
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == googleTokens {
			_, _ = io.WriteString(w, googleToken)
			return
		}
		got = &captured{r.URL.Path, r.Header.Clone(), body}
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	channel, err := newMobile(server.URL, roots)
	if err != nil {
		return nil, err
	}
	defer channel.Close()
	if err := channel.Deliver(ctx, mobilePush(platform, 0)); err != nil {
		return nil, err
	}
	got.header.Del("Content-Length")
	got.header.Del("Accept-Encoding")
	return got, nil
}

// repeat posts the request once more.
func (p *captured) repeat(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+p.path, bytes.NewReader(p.body))
	if err != nil {
		return err
	}
	request.Header = p.header
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// newMobile is a channel with new keys, for a service that takes any.
func newMobile(url string, roots *x509.CertPool) (*mobile.Channel, error) {
	apple, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	google, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	keys := make([]string, 2)
	for i, key := range []any{apple, google} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, err
		}
		keys[i] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": project, "private_key": keys[1],
		"client_email": "push@example.com", "token_uri": url + googleTokens,
	})
	if err != nil {
		return nil, err
	}
	return mobile.New(mobile.Options{
		Firebase: []mobile.Firebase{{ServiceAccount: account, Endpoint: url}},
		Apple: []mobile.Apple{{
			Team: "TEAM456789", KeyID: "KEY3456789", Key: []byte(keys[0]), Topics: []string{topic}, Endpoint: url,
		}},
		Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		RootCAs: roots,
	})
}

// mobilePush is an everyday notification.
func mobilePush(platform mobile.Platform, number int64) notify.Delivery {
	token, meta := strings.Repeat("0a", 32), `{"platform":"apns","app":"`+topic+`","environment":"production"}`
	if platform == mobile.FCM {
		token, meta = strings.Repeat("firebase-token:", 10), `{"platform":"fcm","app":"`+project+`"}`
	}
	return notify.Delivery{
		ID:      notify.ID(fmt.Sprintf("01935b2a-6c00-7000-8000-%012x", number)),
		Attempt: 1,
		Address: notify.Address{Channel: notify.Mobile, Value: token, Meta: json.RawMessage(meta)},
		Item: notify.Item{
			ID: "01935b2a-6c00-7000-8000-00000000000a", NotificationID: "01935b2a-6c00-7000-8000-00000000000b",
			Notification: notify.Notification{Provider: "billing", Title: title, Body: body, URL: "https://app.example.com/invoices/118"},
		},
		Unread: 3,
	}
}
