package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/nikoksr/notify/service/bark"
	hook "github.com/nikoksr/notify/service/http"
)

//snippet:start services

// hooks is the service that posts to URLs, as a channel. It lets hooks of its
// own look at the answer before it makes a text of it, and passes headers on,
// so that the identity gets through.
func hooks(client *http.Client) *Wrapped {
	return &Wrapped{As: "hook", Class: classOf, Open: func(d notify.Delivery) (Sender, error) {
		if u, err := url.Parse(d.Address.Value); err != nil || u.Host == "" {
			return nil, fmt.Errorf("not the URL of a hook: %w", err)
		}
		service := hook.New()
		service.WithClient(client)
		service.AddReceivers(&hook.Webhook{
			URL: d.Address.Value, Method: http.MethodPost, ContentType: "application/json",
			Header:       http.Header{"X-Message-Id": {d.Identity()}},
			BuildPayload: func(subject, message string) any { return map[string]string{"title": subject, "text": message} },
		})
		service.PostSend(func(_ *http.Request, response *http.Response) error {
			if response.StatusCode/100 == 2 {
				return nil
			}
			seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
			return &statusError{response.StatusCode, time.Duration(seconds) * time.Second}
		})
		return service, nil
	}}
}

// barks is the service of an app for iPhones, as a channel: an address is the
// key of a device. All that it tells is a text.
func barks(server string) *Wrapped {
	return &Wrapped{As: "bark", Class: classOf, Open: func(d notify.Delivery) (Sender, error) {
		if !deviceKey.MatchString(d.Address.Value) {
			return nil, fmt.Errorf("not the key of a device")
		}
		return spelled{bark.NewWithServers(d.Address.Value, server)}, nil
	}}
}

//snippet:end services

// deviceKey is what the app shows its owner.
var deviceKey = regexp.MustCompile(`^[A-Za-z0-9]{10,40}$`)
