package mobile_test

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/mobile"
	"github.com/bellwether-go/notify/store/memory"
)

func Example() {
	ctx, ada := context.Background(), notify.User("ada")
	//snippet:start new
	firebase, err := os.ReadFile("/run/secrets/firebase.json") // the key file of a service account
	if err != nil {
		log.Fatal(err)
	}
	apple, err := os.ReadFile("/run/secrets/AuthKey_KEY3456789.p8")
	if err != nil {
		log.Fatal(err)
	}
	phones, err := mobile.New(mobile.Options{
		Firebase: []mobile.Firebase{{ServiceAccount: firebase}},
		Apple: []mobile.Apple{{
			Team: "TEAM456789", KeyID: "KEY3456789", Key: apple, Topics: []string{"com.example.app"},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	//snippet:end new
	center, err := notify.New(memory.New(nil), &notify.Options{Channels: []notify.Channel{phones}})
	if err != nil {
		log.Fatal(err)
	}
	token := "what the app got from its platform"

	//snippet:start register
	device, err := json.Marshal(mobile.Device{Platform: mobile.APNs, App: "com.example.app"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = center.Register(ctx, ada, notify.Registration{
		Address: notify.Address{Channel: notify.Mobile, Value: token, Meta: device},
		Name:    "Ada's iPhone",
	})
	//snippet:end register
	if err != nil {
		log.Fatal(err)
	}
}
