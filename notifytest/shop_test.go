package notifytest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/channels/channeltest"
	"github.com/bellwether-go/notify/channels/email"
	"github.com/bellwether-go/notify/notifytest"
)

// shop is a program that notifies.
type shop struct{ center *notify.Notifier }

// ship sends a parcel and tells its buyer.
func (s shop) ship(ctx context.Context, parcel int, buyer notify.Recipient) error {
	_, err := s.center.Send(ctx, notify.Notification{
		Provider: "parcels", To: []notify.Recipient{buyer}, Title: fmt.Sprintf("Parcel %d is on its way", parcel),
		Key: fmt.Sprint("parcel-", parcel), URL: fmt.Sprint("https://shop.example/parcels/", parcel),
	})
	return err
}

//snippet:start sent

// What is sent, to whom, and that it is not sent twice.
func TestShop_tellsTheBuyer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		center := notifytest.New(t, nil)
		shop := shop{center.Notifier}
		ann, bob := notify.User("ann"), notify.User("bob")

		for range 2 {
			if err := shop.ship(t.Context(), 17, ann); err != nil {
				t.Fatal(err)
			}
		}
		center.RequireInbox(ann, "Parcel 17 is on its way")
		center.RequireSent(ann, notify.Email, "Parcel 17 is on its way")
		center.RequireNotSent(bob, "")
		center.RequireSettled()
	})
}

//snippet:end sent

//snippet:start outage

// An outage of the relay delays the mail, and nothing else.
func TestShop_outlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		center := notifytest.New(t, nil)
		ann := notify.User("ann")
		center.Recorder(notify.Email).Always(channeltest.Refuse(notify.Temporary))
		if err := (shop{center.Notifier}).ship(t.Context(), 17, ann); err != nil {
			t.Fatal(err)
		}
		center.Advance(30 * time.Minute)
		center.RequireNotSent(ann, notify.Email)
		center.RequireSent(ann, notify.Mobile, "Parcel 17 is on its way")

		center.Recorder(notify.Email).Always(nil)
		center.Advance(6 * time.Hour)
		center.RequireSent(ann, notify.Email, "Parcel 17 is on its way")
	})
}

//snippet:end outage

//snippet:start day

// A day passes in no time, and at six in Kolkata the letter is there.
func TestShop_writesOneLetterADay(t *testing.T) {
	letters, err := email.New(email.Options{Relay: "smtp.shop.example:587", From: "Shop <no-reply@shop.example>"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		center := notifytest.New(t, &notifytest.Options{Start: time.Date(2026, time.May, 4, 6, 0, 0, 0, time.UTC)})
		raj := notify.User("raj")
		if _, err := center.SavePreferences(t.Context(), raj, notify.Preferences{
			Channels: map[string]notify.Mode{notify.Email: notify.Daily},
			TimeZone: "Asia/Kolkata",
		}); err != nil {
			t.Fatal(err)
		}
		for parcel := range 7 {
			if err := (shop{center.Notifier}).ship(t.Context(), parcel+1, raj); err != nil {
				t.Fatal(err)
			}
			center.Advance(time.Minute)
		}

		cut := center.AdvanceToDigest(raj, notify.Email)
		if cut.Format("15:04 MST") != "18:00 IST" {
			t.Errorf("the letter left at %v", cut)
		}
		call := center.RequireDigestSent(raj, notify.Email,
			"Parcel 7 is on its way", "Parcel 6 is on its way", "Parcel 5 is on its way", "Parcel 4 is on its way", "Parcel 3 is on its way")
		letter := center.Letter(letters, call)
		if !strings.Contains(letter.Subject, "7") || !strings.Contains(letter.Text, "https://app.example/inbox") {
			t.Errorf("the letter does not lead to the other two:\n%s\n\n%s", letter.Subject, letter.Text)
		}
	})
}

//snippet:end day

//snippet:start relay

// The real channel, with the real options but for the relay, to a relay that
// is busy once and then takes the letter.
func TestShop_speaksToARelay(t *testing.T) {
	relay := notifytest.NewSMTP(t, &notifytest.SMTPOptions{Username: "shop", Password: "open-sesame"})
	relay.Script(notifytest.StageRcpt, notifytest.SMTPReply{Code: 450, Enhanced: [3]int{4, 2, 1}, Text: "try again later"})
	options := email.Options{From: "Shop <no-reply@shop.example>", Username: "shop", Password: "open-sesame"}
	options.Relay, options.TLS = relay.Addr(), email.StartTLS
	options.TLSConfig = &tls.Config{RootCAs: relay.RootCAs()}
	letters, err := email.New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()

	// Outside a bubble the clock is the center's own, and so is the work.
	center := notifytest.New(t, &notifytest.Options{Options: notify.Options{Channels: []notify.Channel{letters}}})
	if err := (shop{center.Notifier}).ship(t.Context(), 17, notify.User("ann")); err != nil {
		t.Fatal(err)
	}
	center.Advance(time.Hour)
	center.RequireSettled()
	mails := relay.Accepted()
	if len(mails) != 1 || mails[0].To != "ann@host.example" || !strings.Contains(mails[0].HTML, "https://shop.example/parcels/17") {
		t.Errorf("the relay took %d letters: %+v", len(mails), mails)
	}
}

//snippet:end relay
